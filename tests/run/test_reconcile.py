"""Runs whose process is gone."""

from __future__ import annotations

import subprocess
import sys
import uuid

import pytest
from msgspec.structs import replace

from penstock.backend.local import open_local
from penstock.core.pipeline import Pipeline, Step
from penstock.core.progress import StepStatus
from penstock.core.task import EndReason, Script, Status
from penstock.ops.lifecycle import BeginTask
from penstock.ops.runs import CreateRun, EndRun, GetRun, StartRun
from penstock.ops.steps import LaunchStep
from penstock.ops.tasks import CreateTask, EndTask, GetTask, ListTasks, NewTask
from penstock.run.liveness import here
from penstock.run.reconcile import MESSAGE, MESSAGE_OF_TASK, close_lost, find_lost, find_lost_tasks
from penstock.settings import load


@pytest.fixture
def backend(home):
    opened = open_local(load())
    yield opened
    opened.close()


@pytest.fixture
def dead():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return replace(here(), pid=process.pid, started="1")


def begin(backend, worker):
    new = NewTask(id=uuid.uuid4().hex, name="iris", project="")
    draft = backend.call(CreateRun(pipeline="iris", project="Examples", task=new))
    steps = (Step(name="load", code="c"), Step(name="train", code="c", parents=("load",)))
    code = {"c": Script(source="def f(): ...", entry_point="f")}
    definition = Pipeline(name="iris", project="Examples", steps=steps, code=code)
    return backend.call(StartRun(id=draft.id, definition=definition, worker=worker))


def test_a_run_whose_process_is_dead_is_stopped_with_all_its_steps(backend, dead):
    run = begin(backend, dead)
    new = NewTask(id="", name="load", project="Examples")
    backend.call(LaunchStep(run=run.id, step="load", attempt=1, task=new, worker=dead))
    assert [one.id for one in find_lost(backend)] == [run.id]
    (closed,) = close_lost(backend)
    assert closed.id == run.id
    assert (closed.task.status, closed.task.reason) == (Status.STOPPED, EndReason.CONTROLLER_LOST)
    assert closed.task.message == MESSAGE
    states = {step.name: step.status for step in backend.call(GetRun(id=run.id)).steps}
    assert states == {"load": StepStatus.ABORTED, "train": StepStatus.SKIPPED}


def test_a_run_whose_process_lives_goes_on(backend):
    run = begin(backend, here())
    assert close_lost(backend) == []
    assert backend.call(GetRun(id=run.id)).run.task.status is Status.IN_PROGRESS


def test_a_run_of_another_machine_cannot_be_judged(backend, dead):
    begin(backend, replace(dead, host="elsewhere"))
    assert find_lost(backend) == []
    assert close_lost(backend) == []


def test_runs_that_have_ended_are_left_alone(backend, dead):
    run = begin(backend, dead)
    backend.call(EndRun(id=run.id, status=Status.COMPLETED))
    assert close_lost(backend) == []


def test_closing_twice_closes_once(backend, dead):
    begin(backend, dead)
    assert len(close_lost(backend)) == 1
    assert close_lost(backend) == []


class EndsMeanwhile:
    """A backend on which a run ends just after it was listed."""

    def __init__(self, backend, run):
        self._backend = backend
        self._run = run

    def call(self, op):
        result = self._backend.call(op)
        if type(op).__name__ == "ListRuns":
            self._backend.call(EndRun(id=self._run, status=Status.COMPLETED))
        return result


def test_a_run_that_ends_by_itself_meanwhile_stays_as_it_ended(backend, dead):
    run = begin(backend, dead)
    assert close_lost(EndsMeanwhile(backend, run.id)) == []
    assert backend.call(GetRun(id=run.id)).run.task.status is Status.COMPLETED


# Tasks of plain scripts


def begin_task(backend, worker):
    new = NewTask(id=uuid.uuid4().hex, name="train", project="Examples")
    return backend.call(BeginTask(id=backend.call(CreateTask(task=new)).id, worker=worker))


def test_a_task_whose_process_is_dead_is_stopped_and_says_why(backend, dead):
    task = begin_task(backend, dead)
    assert [one.id for one in find_lost_tasks(backend)] == [task.id]
    assert close_lost(backend) == [], "it is no run"
    ended = backend.call(GetTask(id=task.id))
    assert (ended.status, ended.reason, ended.message) == (Status.STOPPED, EndReason.CONTROLLER_LOST, MESSAGE_OF_TASK)
    assert find_lost_tasks(backend) == []


def test_a_task_whose_process_lives_or_cannot_be_seen_goes_on(backend, dead):
    alive, elsewhere = begin_task(backend, here()), begin_task(backend, replace(dead, host="elsewhere"))
    close_lost(backend)
    for task in (alive, elsewhere):
        assert backend.call(GetTask(id=task.id)).status is Status.IN_PROGRESS


def test_drafts_attempts_and_what_has_ended_are_left_alone(backend, dead):
    run = begin(backend, here())
    new = NewTask(id="", name="load", project="Examples")
    attempt = backend.call(LaunchStep(run=run.id, step="load", attempt=1, task=new, worker=dead))
    ended = begin_task(backend, dead)
    backend.call(EndTask(id=ended.id, status=Status.COMPLETED))
    backend.call(CreateTask(task=NewTask(id=uuid.uuid4().hex, name="draft", project="P")))
    before = backend.call(ListTasks())
    assert find_lost_tasks(backend) == []
    close_lost(backend)
    assert backend.call(ListTasks()) == before
    assert backend.call(GetTask(id=attempt.id)).status is Status.IN_PROGRESS, "its run decides about it"


def test_a_task_that_ends_by_itself_meanwhile_stays_as_it_ended(backend, dead):
    task = begin_task(backend, dead)

    class EndsFirst:
        def call(self, op):
            result = backend.call(op)
            if isinstance(op, ListTasks):
                backend.call(EndTask(id=task.id, status=Status.COMPLETED))
            return result

    close_lost(EndsFirst())
    assert backend.call(GetTask(id=task.id)).status is Status.COMPLETED
