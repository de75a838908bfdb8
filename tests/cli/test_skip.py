"""Skipping steps of a run."""

from __future__ import annotations

from penstock.ops.runs import GetRun


def statuses(recorder, run):
    return {step.name: str(step.status) for step in recorder.call(GetRun(id=run.id)).steps}


def test_steps_are_skipped_and_it_is_said_by_whom(recorder, penstock):
    run = recorder.run({"a": [], "b": [], "c": []})
    answer = penstock("skip", "iris", "a", "b", "a")
    assert (answer.code, answer.out) == (0, "a: skipped by ada\nb: skipped by ada\n")
    assert statuses(recorder, run) == {"a": "skipped", "b": "skipped", "c": "pending"}


def test_the_document_holds_the_steps(recorder, penstock):
    recorder.run({"a": []})
    assert penstock("skip", "last", "a", "--json").document()["skipped"][0]["reason"] == "skipped by ada"


def test_a_step_that_runs_is_not_skipped_and_the_hint_says_what_is_done_instead(recorder, penstock):
    run = recorder.run({"a": []})
    recorder.attempt(run, "a")
    answer = penstock("skip", "iris", "a")
    assert answer.code == 1
    assert "step 'a' is running" in answer.err
    assert f"penstock abort {run.id[:12]} a" in answer.err


def test_a_step_that_is_not_there_is_told_with_the_nearest(recorder, penstock):
    recorder.run({"train": []})
    answer = penstock("skip", "iris", "trian")
    assert answer.code == 3
    assert "did you mean 'train'" in answer.err


def test_which_step_has_to_be_said(penstock):
    assert penstock("skip", "iris").code == 2
