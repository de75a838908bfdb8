"""Why a run and its steps went as they did."""

from __future__ import annotations

import pytest

from penstock.core.decision import Decision, DecisionKind
from penstock.core.task import Status

RATE = "argument 'rate' is 0.2, was 0.1 in iris"


@pytest.fixture
def failed(recorder):
    run = recorder.run({"load": [], "train": ["load"], "score": ["train"], "report": ["score"]})
    why = Decision(kind=DecisionKind.EXECUTE, reason=RATE, step="load", attempt=1, details=("package numpy is 2",))
    recorder.end(recorder.attempt(run, "load", decision=why))
    recorder.end(recorder.attempt(run, "train"), Status.FAILED, "ValueError: bad [red]x[/]\x1b[31m\n\nTraceback")
    recorder.decide(run, DecisionKind.GIVE_UP, "it has no retries", "train", 1)
    recorder.skip(run, "score", "parent 'train' failed")
    recorder.skip(run, "report", "parent 'score' skipped")
    return recorder.finish(run, Status.FAILED, "step 'train' failed")


def test_a_run_says_why_it_failed_and_then_a_line_for_each_step(failed, penstock):
    answer = penstock("explain", failed.id[:10])
    assert answer.code == 0
    assert answer.out.splitlines() == [
        "✗ iris failed: train failed: ValueError: bad [red]x[/] (it has no retries)",
        "  score and report were skipped because train failed",
        "  1 step ran, 1 failed, 2 were skipped",
        "",
        f"✓ load ran: {RATE}",
        "✗ train failed: ValueError: bad [red]x[/] (it has no retries)",
        "» score was skipped: train failed: ValueError: bad [red]x[/]",
        "» report was skipped: train failed: ValueError: bad [red]x[/]",
    ]


def test_a_step_says_why_and_below_it_the_rest(failed, penstock):
    headline, *lines = penstock("explain", "last", "load").out.splitlines()
    assert headline == f"✓ load ran: {RATE}"
    assert lines[0] == "  also: package numpy is 2"
    assert lines[1].startswith("  attempt 1 completed after ")
    assert len(lines) == 2


def test_without_a_name_the_last_run_is_explained(failed, recorder, penstock):
    recorder.complete({"a": []}, name="later")
    assert penstock("explain").out.splitlines() == [
        "✓ later completed: 1 step ran",
        "",
        "✓ a ran and completed",
    ]


def test_the_run_itself_is_explained_under_the_name_pipeline(failed, penstock):
    assert penstock("explain", "last", "pipeline").out.splitlines() == penstock("explain").out.splitlines()[:3]


def test_a_misspelt_step_names_the_nearest(failed, penstock):
    answer = penstock("explain", "last", "trian")
    assert answer.code == 3
    assert "hint: did you mean 'train'?" in answer.err


def test_the_document_holds_the_explanations_and_the_decisions(failed, penstock):
    document = penstock("explain", "--json").document()
    assert document["run"]["task"]["id"] == failed.id
    assert document["explanation"]["headline"].startswith("iris failed: train failed: ")
    assert [(one["step"], one["status"]) for one in document["steps"]] == [
        ("load", "completed"),
        ("train", "failed"),
        ("score", "skipped"),
        ("report", "skipped"),
    ]
    assert [one["kind"] for one in document["decisions"]] == ["execute", "give up", "skip", "skip"]
    document = penstock("explain", "last", "load", "--json").document()
    assert [one["headline"] for one in document["steps"]] == [f"load ran: {RATE}"]
    assert [one["reason"] for one in document["decisions"]] == [RATE]
    document = penstock("explain", "last", "pipeline", "--json").document()
    assert (document["steps"], document["decisions"]) == ([], [])


def test_a_run_whose_process_is_gone_is_not_explained_as_going_on(recorder, penstock, dead_worker):
    recorder.run({"a": []}, worker=dead_worker)
    assert penstock("explain").out.startswith("■ iris was stopped: the process that ran the pipeline is gone\n")


def test_a_narrow_terminal_cuts_the_list_and_wraps_what_is_said_of_one_step(failed, terminal):
    screen = terminal(40, 30)
    listed = screen.call("explain").out.splitlines()
    assert len(listed) == 2 + 2 + 1 + 1 + 4  # headline, lines and gap; two of these take two rows
    assert listed[-4].endswith("…")
    told = screen.call("explain", "last", "load").out
    assert "…" not in told
    assert "is 0.2," in told


def test_text_of_users_steers_no_terminal(failed, terminal):
    out = terminal(100, 30).call("explain").out
    assert "bad [red]x[/]" in out
    assert "\x1b[31mx" not in out
    assert "\x1b[31m✗" in out
