"""Runs that grow while they are carried out, where whole pipelines (`tests/e2e/test_decorators.py`) do not look."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest
from tests.place import PATIENCE, until

from penstock.backend import connect
from penstock.core.assignment import Assignment
from penstock.core.errors import BadPipeline, StepFailed
from penstock.core.pipeline import Argument, Pipeline, Step
from penstock.core.progress import StepStatus
from penstock.core.run import attempt_id
from penstock.core.task import Script, Status
from penstock.ops.changes import LastChange
from penstock.ops.growth import AddStep
from penstock.ops.runs import CreateRun, GetRun, ResumeRun, StartRun, StopRun
from penstock.ops.steering import AbortStep, SkipStep
from penstock.ops.steps import EnqueueStep
from penstock.ops.tasks import EndTask, ListTasks, NewTask
from penstock.run import liveness
from penstock.run.callbacks import Callbacks
from penstock.run.growing import Addition, GrowingController
from penstock.run.launch import Surroundings
from penstock.run.plan import Plan
from penstock.sdk.display import Silent
from penstock.settings import Settings

RUN = "1" * 32
SRC = str(Path(sys.modules["penstock"].__file__).parents[1])
GIVE = Script(source="def give(x=1): return x", entry_point="give")
FAIL = Script(source="def fail(): 1/0", entry_point="fail")
SLOW = Script(source="def slow():\n    import time\n    time.sleep(1000)", entry_point="slow")


class Growing:
    """A run in a thread, and short words for what its function does."""

    def __init__(self, backend, folder):
        self.backend = backend
        self._folder = folder
        self.ended = None
        self.error = None

    def begin(self, *, resume=False, **options):
        worker = liveness.here()
        since = self.backend.call(LastChange())
        if resume:
            self.backend.call(ResumeRun(id=RUN, worker=worker, seen=self.backend.call(GetRun(id=RUN)).run.task.worker))
        else:
            self.backend.call(CreateRun(pipeline="p", project="P", task=NewTask(id=RUN, name="p", project="")))
            definition = Pipeline(name="p", project="P", grows=True, **options)
            self.backend.call(StartRun(id=RUN, definition=definition, worker=worker))
        detail = self.backend.call(GetRun(id=RUN))
        plan = Plan(
            pipeline=detail.definition,
            run=detail.run,
            worker=worker,
            surroundings=Surroundings(
                home=self._folder / "home",
                blobs=self._folder / "home" / "blobs",
                scratch=self._folder / "home" / "scratch",
                working=str(self._folder),
                path=(SRC, *sys.path),
                environment=dict(os.environ),
            ),
            inputs={},
            preload=(),
            preload_fingerprint="",
            slots=2,
            since=since,
            callbacks=Callbacks(),
            complain=pytest.fail,
            steps=detail.steps if resume else (),
            observer=Silent(),
        )
        self.controller = GrowingController(self.backend, plan)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def _run(self):
        try:
            self.ended = self.controller.run()
        except BaseException as error:  # noqa: BLE001 - a test looks at it
            self.error = error

    def add(self, name, *parents, script=GIVE, functions=None, **fields):
        step = Step(name=name, code="", parents=parents, returns=("x",), **fields)
        return self.controller.add(Addition(step=step, script=script, callbacks=functions or Callbacks()))

    def end(self, failure=""):
        self.controller.complete(failure)
        self._thread.join()
        return self.ended.task.status

    def close(self):
        if self._thread.is_alive():
            self.controller.stop("the test is over")
            self._thread.join()


@pytest.fixture
def growing(tmp_path):
    backend = connect(Settings(home=tmp_path / "home", workers=1))
    found = Growing(backend, tmp_path)
    yield found
    found.close()
    backend.close()


def test_a_step_is_carried_out_while_the_function_goes_on_and_it_may_wait_for_it(growing):
    growing.begin()
    growing.add("a")
    assert growing.controller.wait_for("a") is StepStatus.COMPLETED
    assert growing.controller.task_of("a") == attempt_id(RUN, "a", 1)
    added = growing.add("b", arguments={"x": Argument(value="${a.x}")})
    assert added.parents == ("a",)
    assert growing.controller.wait_for("b") is StepStatus.COMPLETED
    assert growing.end() is Status.COMPLETED
    assert growing.controller.wait_for("b") is StepStatus.COMPLETED  # also when all is over


def test_the_run_waits_for_what_nobody_waits_for(growing):
    growing.begin()
    growing.add("a")
    assert growing.end() is Status.COMPLETED
    assert [str(state.status) for state in growing.backend.call(GetRun(id=RUN)).steps] == ["completed"]


def test_a_step_that_fails_is_retried_and_says_so_when_all_is_decided(growing):
    growing.begin()
    growing.add("a", script=FAIL, retries=1)
    assert growing.controller.wait_for("a") is StepStatus.FAILED
    assert len(growing.backend.call(ListTasks(run=RUN))) == 2
    growing.add("b", "a")
    assert growing.controller.wait_for("b") is StepStatus.SKIPPED
    (state,) = (one for one in growing.backend.call(GetRun(id=RUN)).steps if one.name == "b")
    assert state.reason == "parent 'a' failed"  # it is recorded before the function hears of it
    assert growing.end() is Status.FAILED


def test_a_step_that_names_what_is_not_there_is_refused_and_the_run_goes_on(growing):
    growing.begin()
    with pytest.raises(BadPipeline):
        growing.add("a", "z")
    growing.add("a")
    assert growing.end() is Status.COMPLETED


def test_a_function_that_failed_stops_what_still_runs(growing):
    growing.begin()
    growing.add("a", script=SLOW)
    assert growing.end("ValueError: no") is Status.FAILED
    assert growing.ended.task.message == "ValueError: no"
    assert growing.controller.wait_for("a") is StepStatus.ABORTED


def test_a_function_that_waits_hears_that_somebody_stops_the_run(growing):
    growing.begin()
    growing.add("a", script=SLOW)
    growing.backend.call(StopRun(id=RUN, why="enough"))
    assert growing.controller.wait_for("a") is StepStatus.ABORTED
    with pytest.raises(StepFailed, match="step 'b' cannot be called"):
        growing.add("b")
    assert growing.end() is Status.STOPPED
    with pytest.raises(StepFailed, match="step 'c' cannot be called: enough"):
        growing.add("c")
    with pytest.raises(StepFailed, match="step 'z' did not end: enough"):
        growing.controller.wait_for("z")


def test_callbacks_of_a_step_come_with_it(growing):
    seen = []
    growing.begin()
    growing.add("a", functions=Callbacks(after={"a": seen.append}))
    growing.add("b", functions=Callbacks(before={"b": lambda task, parameters: False}))
    assert growing.controller.wait_for("b") is StepStatus.SKIPPED
    assert growing.end() is Status.COMPLETED
    assert seen == [attempt_id(RUN, "a", 1)]


def test_in_a_run_that_goes_on_what_completed_stands_and_the_rest_is_tried(growing):
    growing.begin()
    growing.add("a")
    growing.add("b", script=FAIL)
    growing.add("c")
    assert growing.end() is Status.FAILED
    growing.begin(resume=True)
    growing.add("a")
    growing.add("b")
    assert growing.controller.wait_for("a") is StepStatus.COMPLETED
    assert growing.controller.wait_for("b") is StepStatus.COMPLETED
    assert growing.end() is Status.COMPLETED
    attempts = {(task.step, task.attempt) for task in growing.backend.call(ListTasks(run=RUN))}
    assert attempts == {("a", 1), ("b", 1), ("b", 2), ("c", 1)}


def test_in_a_run_that_goes_on_another_call_of_a_name_runs_anew(growing):
    growing.begin()
    growing.add("a", arguments={"x": Argument(value=1)})
    growing.controller.wait_for("a")
    assert growing.end("KeyError: it") is Status.FAILED
    growing.begin(resume=True)
    growing.add("a", arguments={"x": Argument(value=2)})
    assert growing.controller.wait_for("a") is StepStatus.COMPLETED
    assert growing.end() is Status.COMPLETED
    assert growing.controller.task_of("a") == attempt_id(RUN, "a", 2)


class Late:
    """A backend that lets something happen between the answer to AddStep and whoever reads it."""

    def __init__(self, backend, then):
        self._backend = backend
        self.blobs = backend.blobs
        self._then = then

    def call(self, op):
        answer = self._backend.call(op)
        if isinstance(op, AddStep):
            self._then()
        return answer


@pytest.fixture
def heard_of(monkeypatch):
    """Return what returns an event: that a run heard from the feed of something that now has a status."""

    def heard_of(status):
        heard, hear = threading.Event(), GrowingController._hear

        def note(controller, change):
            hear(controller, change)
            if change.status == status:
                heard.set()

        monkeypatch.setattr(GrowingController, "_hear", note)
        return heard

    return heard_of


def test_an_attempt_that_ends_before_it_is_followed_again_is_not_waited_for_in_vain(growing, heard_of):
    heard = heard_of("stopped")
    growing.begin()
    backend, new = growing.backend, NewTask(id="", name="a", project="P", queue="default")
    backend.call(AddStep(run=RUN, step=Step(name="a", code="", returns=("x",)), script=GIVE))
    backend.call(EnqueueStep(run=RUN, step="a", attempt=1, task=new, assignment=Assignment()))
    task = attempt_id(RUN, "a", 1)

    def end():
        backend.call(EndTask(id=task, status=Status.STOPPED))
        assert heard.wait(PATIENCE)  # and nobody followed it yet

    growing.controller._backend = Late(backend, end)
    growing.add("a")
    until(lambda: growing.controller.progress.status.get("a") is StepStatus.ABORTED)


def test_a_step_that_somebody_skips_is_settled_for_the_function_and_what_it_adds_below_is_skipped(growing):
    growing.begin()
    growing.add("a", script=SLOW)
    growing.add("b", "a")
    growing.backend.call(SkipStep(run=RUN, step="b", by="ada"))
    assert growing.controller.wait_for("b") is StepStatus.SKIPPED
    growing.add("c", "b")
    assert growing.controller.wait_for("c") is StepStatus.SKIPPED
    until(lambda: growing.backend.call(ListTasks(run=RUN)))
    growing.backend.call(AbortStep(run=RUN, step="a", by="ada"))
    assert growing.controller.wait_for("a") is StepStatus.ABORTED
    assert growing.end() is Status.FAILED
    reasons = {state.name: state.reason for state in growing.backend.call(GetRun(id=RUN)).steps}
    assert reasons == {"a": "aborted by ada", "b": "skipped by ada", "c": "parent 'b' skipped"}


@pytest.mark.parametrize("below", [False, True])
def test_a_step_that_is_skipped_before_the_run_itself_knows_it_is_settled_at_once(growing, heard_of, below):
    """It is recorded, and somebody is quicker than the loop that is to take it in."""
    heard = heard_of("skipped")
    growing.begin()
    backend = growing.backend
    if below:
        growing.add("slow", script=SLOW)

    def skip():
        backend.call(SkipStep(run=RUN, step="a", by="ada"))
        assert heard.wait(PATIENCE)

    growing.controller._backend = Late(backend, skip)
    growing.add("a", *["slow"] if below else [])
    assert growing.controller.wait_for("a") is StepStatus.SKIPPED
    assert {one.step for one in backend.call(ListTasks(run=RUN))} <= {"slow"}
    if not below:
        assert growing.end() is Status.COMPLETED
