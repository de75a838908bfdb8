"""`penstock rerun`: what it prints and refuses. That it carries out what it prints is in e2e/test_rerun.py."""

from __future__ import annotations

import pytest

from penstock.core.task import Parameter, Status
from penstock.ops.runs import ListRuns
from penstock.sdk.wording import harmless

STEPS = {"load": [], "train": ["load"], "report with a long name": ["train"]}
RATE = Parameter(section="Args", name="rate", value=0.5, type="float")


@pytest.fixture
def run(recorder):
    """A run that has ended, one step of which failed."""
    made = recorder.run(STEPS, parameters=[RATE])
    recorder.end(recorder.attempt(made, "load"))
    recorder.end(recorder.attempt(made, "train"), Status.FAILED, "no luck")
    return recorder.finish(made, Status.FAILED)


def test_a_dry_run_prints_what_would_be_done_and_why_and_records_nothing(run, penstock, recorder):
    answer = penstock("rerun", "last", "--param", "rate=2", "--dry-run")
    assert (answer.code, answer.err) == (0, "")
    assert [line.rstrip() for line in answer.out.splitlines()] == [
        "rerun of iris #1: 2 steps to run, 1 reused",
        "  parameter 'rate' changed from 0.5 to 2.0; no step refers to it",
        "",
        "STEP                              WHY",
        "load                     ≡ reuse  it is unchanged since iris #1",
        "train                    ● run    it failed in iris #1",
        "report with a long name  ● run    it was skipped in iris #1",
    ]
    assert len(recorder.call(ListRuns())) == 1


def test_what_is_left_out_is_shown_too(run, penstock):
    answer = penstock("rerun", "iris", "--only", "load", "--dry-run")
    assert answer.out.startswith("rerun of iris #1: 1 step to run, 2 left out\n")
    assert "» skip  you asked for 'load' only" in answer.out


def test_a_narrow_terminal_cuts_the_reasons_and_keeps_a_line_a_step(run, terminal):
    answer = terminal(40, 20).call("rerun", "last", "--dry-run")
    lines = [harmless(line).rstrip() for line in answer.out.splitlines() if line.strip()]
    assert len(lines) == 5, answer.out
    assert max(map(len, lines[1:])) <= 40, answer.out
    assert lines[2].startswith("load           ≡ reuse  it is unchanged")


def test_the_document_holds_the_plan(run, penstock):
    document = penstock("rerun", "last", "--from", "load", "--dry-run", "--json").document()
    plan = document["plan"]
    assert plan["request"] == {"source": run.id, "name": "iris #1", "from_step": "load", "only": None}
    assert {one["treatment"] for one in plan["steps"]} == {"run"}
    assert plan["steps"][0]["why"] == "you asked to start from this step"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--param", "rat=1"], 2, "pipeline 'iris' has no parameter 'rat'\nhint: did you mean 'rate'?"),
        (["--param", "rate=fast"], 2, "parameter 'rate' must be a number, not 'fast'"),
        (["--param", "rate"], 2, "'rate' is not of the form NAME=VALUE"),
        (["--from", "trane"], 3, "pipeline 'iris' has no step 'trane'\nhint: did you mean 'train'?"),
        (["--from", "load", "--only", "train"], 2, "--from load and --only train exclude each other"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_recorded(run, penstock, recorder, arguments, code, said):
    answer = penstock("rerun", "last", *arguments)
    assert (answer.code, answer.out) == (code, "")
    assert said in answer.err
    assert len(recorder.call(ListRuns())) == 1


def test_a_run_that_goes_on_a_draft_and_a_run_that_is_archived_are_refused_with_what_to_do(penstock, recorder):
    draft = recorder.draft("one")
    going = recorder.run({"a": []}, "two")
    archived = recorder.complete({"a": []}, "three")
    penstock("archive", archived.id)
    for run, said, hint in (
        (draft, "is a draft", "penstock execute"),
        (going, "is in_progress", "penstock abort"),
        (archived, "is archived", "penstock archive --restore"),
    ):
        answer = penstock("rerun", run.id, "--dry-run")
        assert answer.code == 1
        assert said in answer.err
        assert f"{hint} {run.id[:12]}" in answer.err


def test_a_run_that_is_not_there_is_said_to_be_so(penstock):
    assert penstock("rerun", "nothing").code == 3


def test_a_run_whose_process_died_is_closed_and_can_be_run_anew(penstock, recorder, dead_worker):
    recorder.run({"a": []}, worker=dead_worker)
    answer = penstock("rerun", "last", "--dry-run")
    assert (answer.code, "a     ● run  it was skipped in iris #1" in answer.out) == (0, True), answer.out


def test_a_run_without_a_script_cannot_be_carried_out_and_leaves_no_draft(run, penstock, recorder):
    answer = penstock("rerun", "last")
    assert answer.code == 1
    assert "error: run 'iris'" in answer.err
    assert len(recorder.call(ListRuns())) == 1
