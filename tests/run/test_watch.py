"""Watching the feed for the wish to stop a run."""

from __future__ import annotations

import queue
import threading

import pytest

from penstock.backend import connect
from penstock.core.pipeline import Pipeline, Step
from penstock.core.progress import StepStatus
from penstock.core.run import ChangeKind, attempt_id
from penstock.core.task import Script, Status, Worker
from penstock.ops.changes import LastChange
from penstock.ops.runs import CreateRun, EndRun, StartRun, StopRun
from penstock.ops.steering import SkipStep
from penstock.ops.steps import DecideSteps, LaunchStep, StepDecision
from penstock.ops.tasks import EndTask, NewTask
from penstock.run.waiting import Waiting
from penstock.run.watch import Watch
from penstock.settings import Settings

RUNS = ("1" * 32, "2" * 32)
DEFINITION = Pipeline(name="p", project="P", steps=(Step(name="a", code="c"),), code={"c": Script(source="")})


@pytest.fixture
def backend(tmp_path):
    opened = connect(Settings(home=tmp_path / "home", workers=1))
    for id in RUNS:
        opened.call(CreateRun(pipeline="p", project="P", task=NewTask(id=id, name="p", project="")))
        worker = Worker(host="h", pid=1)
        opened.call(StartRun(id=id, definition=DEFINITION, worker=worker))
    yield opened
    opened.close()


@pytest.fixture
def asked():
    return queue.SimpleQueue()


def end(backend, run=RUNS[0]):
    backend.call(EndRun(id=run, status=Status.COMPLETED))


def no_attempt(change):
    """Hear of steps that are skipped at the end of the run, and of no attempt."""
    assert (change.kind, change.status) == (ChangeKind.STEP, "skipped")


def threads():
    return [one for one in threading.enumerate() if one.name == "penstock-watch"]


def test_a_wish_to_stop_is_passed_on_with_its_reason(backend, asked):
    with Watch(Waiting(backend, RUNS[0]).follow, RUNS[0], backend.call(LastChange()), asked.put, no_attempt):
        backend.call(StopRun(id=RUNS[1], why="not this one"))
        backend.call(StopRun(id=RUNS[0], why="enough"))
        assert asked.get(timeout=60) == "enough"
        backend.call(StopRun(id=RUNS[0], why="now"))
        assert asked.get(timeout=60) == "now"
        end(backend)
    assert asked.empty()


def test_what_becomes_of_an_attempt_is_passed_on_whoever_recorded_it(backend, asked):
    task = attempt_id(RUNS[0], "a", 1)
    with Watch(Waiting(backend, RUNS[0]).follow, RUNS[0], backend.call(LastChange()), pytest.fail, asked.put):
        for run in reversed(RUNS):
            new = NewTask(id="", name="a", project="P")
            launched = backend.call(LaunchStep(run=run, step="a", attempt=1, task=new, worker=Worker(host="h", pid=1)))
            backend.call(EndTask(id=launched.id, status=Status.STOPPED))
        told = [asked.get(timeout=60) for _ in range(2)]
        assert [(one.task, one.status) for one in told] == [(task, Status.IN_PROGRESS), (task, Status.STOPPED)]
        end(backend)
    assert asked.empty()


def test_a_step_that_somebody_skips_is_passed_on_and_no_other_decision(backend, asked):
    with Watch(Waiting(backend, RUNS[0]).follow, RUNS[0], backend.call(LastChange()), pytest.fail, asked.put):
        waits = StepDecision(step="a", status=StepStatus.QUEUED, reason="waits")
        backend.call(DecideSteps(run=RUNS[0], decisions=(waits,)))
        for run in reversed(RUNS):
            backend.call(SkipStep(run=run, step="a", by="ada"))
        told = asked.get(timeout=60)
        assert (told.run, told.step, told.status, told.message) == (RUNS[0], "a", "skipped", "skipped by ada")
        end(backend)
    assert asked.empty()


def test_a_wish_from_before_the_watch_is_heard_too(backend, asked):
    """What was asked between the start of the run and that of the watch."""
    seen = backend.call(LastChange())
    backend.call(StopRun(id=RUNS[0], why="at once"))
    with Watch(Waiting(backend, RUNS[0]).follow, RUNS[0], seen, asked.put, no_attempt):
        assert asked.get(timeout=60) == "at once"
        end(backend)


def test_the_watch_ends_with_the_run(backend, asked):
    with Watch(Waiting(backend, RUNS[0]).follow, RUNS[0], backend.call(LastChange()), asked.put, no_attempt):
        (thread,) = threads()
        end(backend, RUNS[1])
        end(backend)
        thread.join(timeout=60)
        assert not thread.is_alive()


def test_a_store_that_is_closed_ends_the_watch_without_noise(backend, asked):
    with Watch(Waiting(backend, RUNS[0]).follow, RUNS[0], backend.call(LastChange()), asked.put, no_attempt):
        (thread,) = threads()
        backend.close()
        thread.join(timeout=60)
        assert not thread.is_alive()
    assert asked.empty()
