"""One run."""

from __future__ import annotations

import pytest

from penstock.core.task import Parameter, Status
from penstock.ops.runs import StopRun

TRACE = "ValueError: bad [red]x[/]\n\nTraceback (most recent call last):\n  File x\x1b[31m\nValueError: bad"


@pytest.fixture
def failed(recorder):
    rate = Parameter(section="Args", name="rate", value=0.5, type="float", description="Share of the rest")
    run = recorder.run({"load": [], "train": ["load"], "report": ["train"]}, parameters=[rate])
    recorder.end(recorder.attempt(run, "load"))
    recorder.end(recorder.attempt(run, "train", 1), Status.FAILED, "ValueError: first")
    recorder.end(recorder.attempt(run, "train", 2), Status.FAILED, TRACE)
    recorder.skip(run, "report", "parent 'train' failed")
    return recorder.finish(run, Status.FAILED, "step 'train' failed")


def test_a_run_is_shown_with_its_steps(failed, penstock):
    answer = penstock("show", failed.id[:10])
    assert answer.code == 0
    lines = [line.rstrip() for line in answer.out.splitlines()]
    assert lines[0] == "run       iris"
    assert lines[1] == "status    ✗ failed  step failed: step 'train' failed"
    assert lines[2] == "version   1.0.0"
    assert "project   Examples" in lines
    assert f"id        {failed.id}" in lines
    (load,) = [line for line in lines if line.startswith("load")]
    (train,) = [line for line in lines if line.startswith("train ") and "failed:" not in line]
    (report,) = [line for line in lines if line.startswith("report")]
    assert "✓ completed" in load
    assert "✗ failed" in train
    assert train.endswith("2  ValueError: bad [red]x[/]")
    assert "» skipped" in report
    assert report.endswith("parent 'train' failed")


def test_parameters_are_shown_with_what_they_are_for(failed, penstock):
    """Promise 12: the command line shows a parameter with its description."""
    lines = [line.split() for line in penstock("show").out.splitlines()]
    assert ["PARAMETER", "VALUE", "DESCRIPTION"] in lines
    assert ["rate", "0.5", "Share", "of", "the", "rest"] in lines


def test_the_traceback_of_a_failed_step_is_shown_and_steers_nothing(failed, penstock):
    out = penstock("show").out
    assert "train failed:\n  Traceback (most recent call last):\n    File x\n  ValueError: bad" in out
    assert "\x1b" not in out


def test_without_a_name_the_last_run_is_shown(recorder, failed, penstock):
    last = recorder.complete({"a": []}, name="later")
    assert last.id in penstock("show").out


def test_columns_with_nothing_in_them_are_left_out(recorder, penstock):
    recorder.complete({"a": []})
    out = penstock("show").out
    for absent in ("ATTEMPT", "REASON", "PARAMETER", "tags"):
        assert absent not in out


def test_a_run_that_was_asked_to_stop_says_so(recorder, penstock):
    recorder.call(StopRun(id=recorder.run({"a": []}).id, why="it takes too long"))
    assert "● in_progress  asked to stop: it takes too long" in penstock("show").out


def test_the_document_holds_run_parameters_steps_and_definition(failed, penstock):
    document = penstock("show", "--json").document()
    assert document["run"]["task"]["status"] == "failed"
    assert [one["name"] for one in document["parameters"]] == ["rate"]
    assert [(one["name"], one["status"], one["attempt"]) for one in document["steps"]] == [
        ("load", "completed", 1),
        ("train", "failed", 2),
        ("report", "skipped", 0),
    ]
    assert [one["parents"] for one in document["definition"]["steps"]] == [[], ["load"], ["train"]]


def test_a_run_whose_process_is_gone_is_not_shown_as_running(recorder, penstock, dead_worker):
    recorder.run({"a": []}, worker=dead_worker)
    assert "■ stopped  controller lost: the process that ran the pipeline is gone" in penstock("show").out


def test_a_long_message_is_shown_from_its_end(recorder, penstock):
    run = recorder.run({"a": []})
    recorder.end(
        recorder.attempt(run, "a"), Status.FAILED, "Error\n" + "\n".join(f"line {number}" for number in range(100))
    )
    out = penstock("show").out
    assert "line 99" in out
    assert "line 50" not in out
    assert "70 lines" in out


def test_a_hundred_steps_are_a_hundred_lines(recorder, penstock):
    recorder.run({f"step {number}": [] for number in range(100)})
    assert penstock("show").out.count("○ pending") == 100
