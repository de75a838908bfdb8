"""Runs that go on after their process died: what was in flight is closed, and nothing of it counts twice."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from penstock.core.progress import StepStatus
from penstock.core.task import EndReason, Parameter, Status, Worker
from penstock.ops.runs import ResumeRun
from penstock.ops.steps import DraftStep
from penstock.ops.tasks import GetParameters, ListTasks, SetParameters

OTHER = Worker(host="here", pid=2, started="2", boot="3")


def resume(desk, run):
    seen = desk.backend.call(ListTasks(name=run.task.name, limit=1))[0].worker
    return desk.backend.call(ResumeRun(id=run.id, worker=replace(OTHER, pid=seen.pid + 1), seen=seen))


def draft(desk, run, step, attempt=1):
    return desk.backend.call(DraftStep(run=run.id, step=step, attempt=attempt, task=desk.new(step)))


def attempts(desk, run):
    return [(task.step, task.attempt, task.status) for task in desk.backend.call(ListTasks(run=run.id))]


def test_a_draft_that_the_dead_process_left_does_not_keep_a_run_from_going_on(desk):
    """It is drafted anew: what a callback changed in the old one is not changed once more."""
    run = desk.run("a", "b")
    desk.backend.call(
        SetParameters(task=draft(desk, run, "a").id, parameters=(Parameter(section="kwargs", name="x", value=2),))
    )
    detail = resume(desk, run)
    assert [state.status for state in detail.steps] == [StepStatus.PENDING] * 2
    assert attempts(desk, run) == []
    assert desk.backend.call(GetParameters(task=draft(desk, run, "a").id)) == []
    assert desk.launch(run, "a").status is Status.IN_PROGRESS
    assert attempts(desk, run) == [("a", 1, Status.IN_PROGRESS)]


@pytest.mark.parametrize("reason", [EndReason.CONTROLLER_LOST, EndReason.ABORTED])
def test_a_draft_does_not_keep_a_run_from_ending(desk, reason):
    run = desk.run("a", "b")
    draft(desk, run, "a")
    assert desk.end_run(run, Status.STOPPED, reason, "interrupted").task.status is Status.STOPPED
    assert desk.statuses(run) == {"a": "skipped", "b": "skipped"}
    assert attempts(desk, run) == []
