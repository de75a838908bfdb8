"""Operations on the steps of a run: their attempts, and what is decided of them."""

from __future__ import annotations

import pytest

from penstock.core.errors import Conflict, Invalid, NotFound
from penstock.core.progress import StepStatus
from penstock.core.run import attempt_id
from penstock.core.task import Status
from penstock.ops.runs import GetRun
from penstock.ops.steps import DecideSteps, StepDecision
from penstock.ops.tasks import GetTask, ListProjects, ListTasks

NOBODY = "b" * 32

# Attempts


def test_an_attempt_is_a_task_whose_id_follows_from_run_step_and_number(desk):
    run = desk.run("a")
    task = desk.launch(run, "a")
    assert task.id == attempt_id(run.id, "a", 1)
    assert (task.run, task.step, task.attempt, task.parent) == (run.id, "a", 1, run.id)
    assert task.status is Status.IN_PROGRESS
    assert desk.backend.call(GetTask(id=task.id)) == task
    state = desk.states(run)["a"]
    assert (state.status, state.attempt, state.task, state.started) == ("running", 1, task.id, task.started)
    assert desk.backend.call(GetRun(id=run.id)).run.counts == {"running": 1}


def test_launching_an_attempt_again_returns_the_task_that_is_there(desk):
    run = desk.run("a")
    task = desk.launch(run, "a")
    seen = desk.last()
    assert desk.launch(run, "a", comment="otherwise") == task
    ended = desk.fail(task)
    assert desk.launch(run, "a") == ended
    assert desk.statuses(run) == {"a": "failed"}
    assert desk.changes(after=seen) == [("status", "a", "failed")]


def test_a_retry_is_a_task_of_its_own(desk):
    run = desk.run("a")
    first = desk.fail(desk.launch(run, "a"))
    second = desk.launch(run, "a", 2)
    assert second.id != first.id
    state = desk.states(run)["a"]
    assert (state.status, state.attempt, state.task, state.reason, state.ended) == ("running", 2, second.id, "", None)
    assert desk.backend.call(GetTask(id=first.id)) == first


def test_a_step_that_the_run_does_not_have_cannot_be_launched(desk):
    """The refusal leaves nothing: no task, no project, no line in the feed."""
    run = desk.run("a")
    seen, tasks = desk.last(), desk.backend.call(ListTasks())
    with pytest.raises(NotFound, match=f"no step 'x' in run {run.id}"):
        desk.launch(run, "x")
    assert (desk.last(), desk.backend.call(ListTasks())) == (seen, tasks)
    with pytest.raises(NotFound, match=NOBODY):
        desk.launch(type("Run", (), {"id": NOBODY, "project": "New", "pipeline": "p"}), "a")
    assert desk.backend.call(ListProjects()) == ["P"]


def test_nothing_is_launched_in_a_run_that_is_not_in_progress(desk):
    draft = desk.draft()
    with pytest.raises(Conflict, match=f"{draft.id} is created; step 'a' cannot start"):
        desk.launch(draft, "a")
    run = desk.run("a")
    desk.end_run(run, Status.STOPPED)
    with pytest.raises(Conflict, match="is stopped"):
        desk.launch(run, "a")
    assert desk.statuses(run) == {"a": "skipped"}


def test_an_attempt_that_is_open_bars_the_next_one(desk):
    run = desk.run("a")
    desk.launch(run, "a")
    with pytest.raises(Conflict, match="'a'"):
        desk.launch(run, "a", 2)
    assert desk.states(run)["a"].attempt == 1


@pytest.mark.parametrize("attempt", [0, -1, 3])
def test_attempts_are_launched_in_turn(desk, attempt):
    run = desk.run("a")
    desk.fail(desk.launch(run, "a"))
    with pytest.raises((Invalid, Conflict)):
        desk.launch(run, "a", attempt)
    assert desk.states(run)["a"].attempt == 1


def test_a_step_that_completed_is_not_tried_again(desk):
    run = desk.run("a")
    desk.end(desk.launch(run, "a"))
    with pytest.raises(Conflict):
        desk.launch(run, "a", 2)
    assert desk.statuses(run) == {"a": "completed"}


# Decisions


def test_decisions_are_recorded_with_their_reasons(desk):
    run = desk.run("a", "b", "c")
    seen = desk.last()
    decisions = (
        StepDecision(step="a", status=StepStatus.QUEUED, reason="waits for a slot"),
        StepDecision(step="b", status=StepStatus.SKIPPED, reason="parent 'x' failed"),
    )
    desk.backend.call(DecideSteps(run=run.id, decisions=decisions))
    assert desk.statuses(run) == {"a": "queued", "b": "skipped", "c": "pending"}
    assert desk.states(run)["b"].reason == "parent 'x' failed"
    assert desk.changes(after=seen, run=run) == [("step", "a", "queued"), ("step", "b", "skipped")]


def test_decisions_hold_all_or_none(desk):
    run = desk.run("a")
    seen = desk.last()
    decisions = tuple(StepDecision(step=step, status=StepStatus.SKIPPED) for step in ("a", "x"))
    with pytest.raises(NotFound, match=f"no step 'x' in run {run.id}"):
        desk.backend.call(DecideSteps(run=run.id, decisions=decisions))
    assert (desk.statuses(run), desk.last()) == ({"a": "pending"}, seen)


@pytest.mark.parametrize("status", ["skipped", "queued", "aborted"])
def test_a_step_whose_attempt_is_open_is_decided_by_that_alone(desk, status):
    run = desk.run("a")
    desk.launch(run, "a")
    with pytest.raises(Conflict):
        desk.decide(run, "a", status)
    assert desk.statuses(run) == {"a": "running"}


def test_a_step_that_is_over_stays_as_it_is(desk):
    run = desk.run("a", "b")
    desk.end(desk.launch(run, "a"))
    desk.decide(run, "b", "skipped")
    for step in ("a", "b"):
        with pytest.raises(Conflict):
            desk.decide(run, step, "queued")
    assert desk.statuses(run) == {"a": "completed", "b": "skipped"}


def test_nothing_is_decided_in_a_run_that_has_ended(desk):
    run = desk.run("a")
    desk.end_run(run)
    seen = desk.last()
    with pytest.raises(Conflict):
        desk.decide(run, "a", "queued")
    assert (desk.statuses(run), desk.last()) == ({"a": "skipped"}, seen)
