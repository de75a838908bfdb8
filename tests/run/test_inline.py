"""Runs that are carried out in the thread that calls for their steps."""

from __future__ import annotations

import pytest

from penstock.backend import connect
from penstock.core.errors import StepFailed
from penstock.core.pipeline import Pipeline, Step
from penstock.core.progress import StepStatus
from penstock.core.task import Script, Status
from penstock.ops.runs import CreateRun, GetRun, StartRun
from penstock.ops.tasks import ListTasks, NewTask
from penstock.run import liveness
from penstock.run.callbacks import Callbacks
from penstock.run.growing import Addition
from penstock.run.inline import Inline
from penstock.run.launch import Surroundings
from penstock.run.plan import Plan
from penstock.sdk.display import Silent
from penstock.settings import Settings

RUN = "1" * 32
NO_CALLBACKS = Callbacks()


@pytest.fixture
def backend(tmp_path):
    opened = connect(Settings(home=tmp_path / "home", workers=1))
    yield opened
    opened.close()


@pytest.fixture
def inline(backend, tmp_path):
    worker = liveness.here()
    backend.call(CreateRun(pipeline="p", project="P", task=NewTask(id=RUN, name="p", project="")))
    run = backend.call(StartRun(id=RUN, definition=Pipeline(name="p", project="P", grows=True), worker=worker))
    place = Surroundings(
        home=tmp_path, blobs=tmp_path, scratch=tmp_path, working=str(tmp_path), path=(), environment={}
    )
    plan = Plan(
        pipeline=backend.call(GetRun(id=RUN)).definition,
        run=run,
        worker=worker,
        surroundings=place,
        inputs={},
        preload=(),
        preload_fingerprint="",
        slots=1,
        since=0,
        callbacks=NO_CALLBACKS,
        complain=pytest.fail,
        observer=Silent(),
    )
    return Inline(backend, plan)


def add(inline, name, call, *parents, callbacks=NO_CALLBACKS, **fields):
    step = Step(name=name, code="", parents=parents, **fields)
    return inline.add(Addition(step=step, script=Script(source=""), call=call, callbacks=callbacks))


def fail():
    raise ZeroDivisionError("by zero")


def statuses(backend):
    return {state.name: (str(state.status), state.reason) for state in backend.call(GetRun(id=RUN)).steps}


def test_a_step_has_ended_when_it_was_added_and_is_recorded_as_any_other(inline, backend):
    called = []
    add(inline, "a", lambda: called.append("a"))
    assert called == ["a"]
    assert inline.wait_for("a") is StepStatus.COMPLETED
    (task,) = backend.call(ListTasks(run=RUN))
    assert (task.id, task.status, task.step) == (inline.task_of("a"), Status.COMPLETED, "a")
    assert inline.ended is None
    inline.complete()
    assert inline.ended.task.status is Status.COMPLETED


def test_what_builds_on_a_step_that_failed_is_skipped(inline, backend):
    add(inline, "a", fail)
    add(inline, "b", lambda: pytest.fail("called"), "a")
    assert statuses(backend) == {
        "a": ("failed", "ZeroDivisionError: by zero"),
        "b": ("skipped", "parent 'a' failed"),
    }
    assert isinstance(inline.error_of("a"), ZeroDivisionError)
    inline.complete()
    assert (inline.ended.task.status, inline.ended.task.message) == (Status.FAILED, "step 'a' failed")


def test_a_step_is_tried_again_as_often_as_it_says_or_as_its_function_says(inline, backend):
    add(inline, "a", fail, retries=2)
    asked = []

    def ask(retries):
        asked.append(retries)
        return retries < 1

    add(inline, "b", fail, callbacks=Callbacks(retry={"b": ask}))
    attempts = [(task.step, task.attempt) for task in backend.call(ListTasks(run=RUN))]
    assert sorted(attempts) == [("a", 1), ("a", 2), ("a", 3), ("b", 1), ("b", 2)]
    assert asked == [0, 1]


def test_an_interrupt_gets_through_and_leaves_nothing_in_progress(inline, backend):
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add(inline, "a", interrupt)
    (task,) = backend.call(ListTasks(run=RUN))
    assert task.status is Status.STOPPED
    inline.stop("interrupted from the keyboard")
    assert backend.call(GetRun(id=RUN)).run.task.status is Status.STOPPED


def test_nothing_is_added_once_the_run_is_over(inline):
    inline.complete("ValueError: no")
    with pytest.raises(StepFailed, match="'a' cannot be called: ValueError: no"):
        add(inline, "a", fail)
