"""The loop that carries a run out, where whole pipelines (`tests/e2e`) do not look: slots, order, its own failures."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from penstock.backend import connect
from penstock.core.errors import DiskFull
from penstock.core.pipeline import Argument, Pipeline, Step
from penstock.core.progress import StepStatus
from penstock.core.run import StepState, attempt_id
from penstock.core.task import ENDED, EndReason, Script, Status
from penstock.ops.changes import LastChange, ListChanges
from penstock.ops.outputs import AppendConsole
from penstock.ops.runs import CreateRun, GetRun, StartRun
from penstock.ops.steering import AbortStep, SkipStep
from penstock.ops.steps import DecideSteps, LaunchStep
from penstock.ops.tasks import EndTask, ListTasks, NewTask
from penstock.run import liveness
from penstock.run.callbacks import Callbacks
from penstock.run.controller import Controller
from penstock.run.launch import Surroundings
from penstock.run.plan import Plan
from penstock.sdk.display import Silent
from penstock.settings import Settings

RUN = "1" * 32
NO_CALLBACKS = Callbacks()
SRC = str(Path(sys.modules["penstock"].__file__).parents[1])
CODE = {
    "quick": Script(source="def quick(): return 1", entry_point="quick"),
    "slow": Script(source="def slow():\n    import time\n    print('here', flush=True)\n    time.sleep(1000)",
                   entry_point="slow"),
    "fail": Script(source="def fail(): 1/0", entry_point="fail"),
    "give": Script(source="def give(x): return x", entry_point="give"),
}  # fmt: skip


class Told(Silent):
    """Remembers what it was told, and may do something about it."""

    def __init__(self):
        self.steps = []
        self.complaints = []
        self.then = {}

    def step(self, name, status, attempt, reason):
        self.steps.append((name, str(status)))
        if action := self.then.pop((name, str(status)), None):
            action()

    def printed(self, step, lines):
        if action := self.then.pop((step, "printed"), None):
            action()


class Between:
    """A backend that fails where the test wants it."""

    def __init__(self, backend):
        self._backend = backend
        self.blobs = backend.blobs
        self.fail = lambda op: None

    def call(self, op):
        if error := self.fail(op):
            raise error
        return self._backend.call(op)


@pytest.fixture
def backend(tmp_path):
    opened = connect(Settings(home=tmp_path / "home", workers=1))
    yield opened
    opened.close()


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def between(backend):
    return Between(backend)


@pytest.fixture
def control(backend, between, told, tmp_path):
    """Start a run of these steps; a step is a name of `CODE`, or that with a suffix behind a dot."""

    def control(*steps, slots=4, callbacks=NO_CALLBACKS, steps_before=(), **options):
        made = []
        for step in steps:
            name, parents, arguments = (step, (), {}) if isinstance(step, str) else step
            given = {key: Argument(value=value) for key, value in arguments.items()}
            kind = name.partition("-")[0]
            made.append(Step(name=name, code=kind, parents=tuple(parents), arguments=given, returns=("x",)))
        definition = Pipeline(name="p", project="P", steps=tuple(made), code=CODE, **options)
        backend.call(CreateRun(pipeline="p", project="P", task=NewTask(id=RUN, name="p", project="")))
        since = backend.call(LastChange())
        worker = liveness.here()
        run = backend.call(StartRun(id=RUN, definition=definition, worker=worker))
        plan = Plan(
            pipeline=backend.call(GetRun(id=RUN)).definition,
            run=run,
            worker=worker,
            surroundings=Surroundings(
                home=tmp_path / "home",
                blobs=tmp_path / "home" / "blobs",
                scratch=tmp_path / "home" / "scratch",
                working=str(tmp_path),
                path=(SRC, *sys.path),
                environment=dict(os.environ),
            ),
            inputs={},
            preload=(),
            preload_fingerprint="",
            slots=slots,
            since=since,
            callbacks=callbacks,
            complain=told.complaints.append,
            steps=steps_before,
            observer=told,
        )
        return Controller(between, plan)

    return control


def statuses(backend):
    return {state.name: str(state.status) for state in backend.call(GetRun(id=RUN)).steps}


def feed(backend):
    return [(change.step, change.status) for change in backend.call(ListChanges(run=RUN)) if change.step]


def test_no_more_steps_run_at_once_than_there_are_slots(control, backend):
    """Those that wait are recorded as queued, with the reason."""
    run = control("quick-a", "quick-b", "quick-c", slots=1).run()
    assert run.task.status is Status.COMPLETED
    open_now, most = set(), 0
    for step, status in feed(backend):
        if status == "in_progress":
            open_now.add(step)
        elif status == "completed":
            open_now.discard(step)
        most = max(most, len(open_now))
    assert most == 1
    queued = [change for change in backend.call(ListChanges(run=RUN)) if change.status == "queued"]
    assert [change.step for change in queued] == ["quick-b", "quick-c"]
    assert queued[0].message == "waits for one of the 1 slots of this machine"


def test_steps_start_in_the_order_in_which_they_were_added(control, told):
    control(*(f"quick-{number}" for number in range(6)), slots=2).run()
    assert [name for name, status in told.steps if status == "running"] == [f"quick-{number}" for number in range(6)]


def test_a_stop_before_the_loop_begins_stops_the_run(control, backend):
    controller = control("quick", ("give", ["quick"], {"x": 1}))
    controller.stop("never mind")
    run = controller.run()
    assert (run.task.status, run.task.reason, run.task.message) == (Status.STOPPED, EndReason.ABORTED, "never mind")
    assert statuses(backend) == {"quick": "skipped", "give": "skipped"}
    assert backend.call(ListTasks(run=RUN)) == []


def test_a_stop_ends_what_runs_and_what_waits_for_a_slot(control, backend, told):
    controller = control("slow-a", "slow-b", ("quick", ["slow-a"], {}), slots=1)
    told.then["slow-a", "printed"] = lambda: controller.stop("enough")
    assert controller.run().task.status is Status.STOPPED
    assert statuses(backend) == {"slow-a": "aborted", "slow-b": "aborted", "quick": "skipped"}
    (task,) = backend.call(ListTasks(run=RUN))
    assert (task.step, task.status, task.reason) == ("slow-a", Status.STOPPED, EndReason.ABORTED)
    states = {state.name: state.reason for state in backend.call(GetRun(id=RUN)).steps}
    assert states["slow-b"] == "the run was stopped before the step was started"


def test_a_reference_that_names_nothing_when_its_time_comes_fails_its_step_alone(control, backend):
    run = control(
        "quick", ("give-a", [], {"x": "${quick.artifacts.lost.url}"}), ("give-b", [], {"x": "${quick.x}"})
    ).run()
    assert statuses(backend) == {"quick": "completed", "give-a": "failed", "give-b": "completed"}
    assert run.task.message == "step 'give-a' failed"
    (task,) = [task for task in backend.call(ListTasks(run=RUN)) if task.step == "give-a"]
    assert (task.reason, task.status) == (EndReason.INPUT, Status.FAILED)
    assert "'lost'" in task.message


def test_a_retry_is_asked_for_with_the_number_of_those_before(control, backend):
    asked = []

    def retry(retries):
        asked.append(retries)
        return retries < 2

    control("fail", callbacks=Callbacks(retry={"fail": retry})).run()
    assert asked == [0, 1, 2]
    assert [task.attempt for task in backend.call(ListTasks(run=RUN))] == [1, 2, 3]


def test_a_retry_function_that_fails_means_no_and_is_told_of(control, backend, told):
    """The user's own mistake: the run goes on, and the mistake is not swallowed."""

    def retry(retries):
        raise LookupError("no such answer")

    control("fail", "quick", callbacks=Callbacks(retry={"fail": retry})).run()
    assert statuses(backend) == {"fail": "failed", "quick": "completed"}
    (complaint,) = told.complaints
    assert "step 'fail': retry_on_failure raised LookupError: no such answer" in complaint


@pytest.mark.parametrize("kind", [LaunchStep, EndTask, DecideSteps])
def test_a_store_that_fails_ends_the_run_and_its_processes(control, backend, between, kind):
    """T52: on the way out nothing stays open, in the records or among the processes."""
    controller = control("quick-a", "slow", "quick-b", ("quick-c", ["fail"], {}), "fail", slots=3)
    failed = []

    def fail_once(op):
        if isinstance(op, kind) and not failed:
            failed.append(op)
            return DiskFull("no space")
        return None

    between.fail = fail_once
    with pytest.raises(DiskFull, match="no space"):
        controller.run()
    run = backend.call(GetRun(id=RUN)).run
    assert (run.task.status, run.task.reason) == (Status.FAILED, EndReason.EXCEPTION)
    assert "DiskFull: no space" in run.task.message
    assert all(task.status in ENDED for task in backend.call(ListTasks(run=RUN)))
    assert not {"running", "queued", "pending"} & set(statuses(backend).values())


@pytest.fixture
def impatience():
    """Interrupt a second time after a while, which ends a run that does not end by itself."""
    waiting = threading.Timer(15, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
    waiting.start()
    yield
    waiting.cancel()
    waiting.join()


def press():
    """Ctrl-C."""
    signal.raise_signal(signal.SIGINT)


def check_stopped(backend):
    run = backend.call(GetRun(id=RUN)).run
    assert (run.task.status, run.task.reason) == (Status.STOPPED, EndReason.ABORTED)
    assert "keyboard" in run.task.message
    assert statuses(backend)["give"] == "skipped"
    assert not {"running", "queued", "pending"} & set(statuses(backend).values())
    assert all(task.status in ENDED for task in backend.call(ListTasks(run=RUN)))


@pytest.mark.parametrize("moment", [("quick", "running"), ("quick", "completed"), ("slow", "printed")])
def test_the_keyboard_stops_the_run_whatever_the_loop_is_doing(control, backend, told, impatience, moment):
    """An interrupt in the middle of the loop's own work counts like one while it waits."""
    controller = control("quick", "slow", ("give", ["slow"], {"x": 1}))
    told.then[moment] = press
    with pytest.raises(KeyboardInterrupt):
        controller.run()
    check_stopped(backend)


@pytest.mark.parametrize("kind", [LaunchStep, EndTask, AppendConsole])
def test_the_keyboard_stops_the_run_in_the_middle_of_a_call(control, backend, between, impatience, kind):
    """Nothing that was being recorded is forgotten, so nothing is waited for that will never come."""
    controller = control("quick", "slow", ("give", ["slow"], {"x": 1}))
    pressed = []

    def press_once(op):
        if isinstance(op, kind) and not pressed:
            pressed.append(op)
            press()

    between.fail = press_once
    with pytest.raises(KeyboardInterrupt):
        controller.run()
    check_stopped(backend)


def test_the_definition_of_the_run_may_have_no_steps(control):
    assert control().run().task.status is Status.COMPLETED


def test_abort_on_failure_ends_what_waits(control, backend):
    control("fail", "quick-a", "slow", slots=1, abort_on_failure=True).run()
    assert statuses(backend) == {"fail": "failed", "quick-a": "aborted", "slow": "aborted"}


def test_an_answer_that_is_neither_yes_nor_no_means_no_and_is_told_of(control, told):
    class Unclear:
        def __bool__(self):
            raise ValueError("the truth value of this is ambiguous")

    run = control("fail", callbacks=Callbacks(retry={"fail": lambda retries: Unclear()})).run()
    assert (run.task.status, run.task.message) == (Status.FAILED, "step 'fail' failed")
    assert told.complaints == [
        "step 'fail': retry_on_failure raised ValueError: the truth value of this is ambiguous; it is not tried again"
    ]


def test_a_step_that_waits_for_its_second_try_when_the_run_stops_is_aborted(control, backend, told):
    """Its first try failed, and stays so; the callback is told of no attempt that was never made."""
    after = []
    callbacks = Callbacks(after={"fail": after.append}, retry={"fail": lambda retries: True})
    controller = control("slow", "fail", slots=2, callbacks=callbacks)
    told.then["fail", "failed"] = lambda: controller.stop("enough")
    controller.run()
    assert statuses(backend) == {"slow": "aborted", "fail": "failed"}
    assert after == [attempt_id(RUN, "fail", 1)]


# One step is skipped or aborted by somebody, and the rest goes on


def skip(backend, step):
    backend.call(SkipStep(run=RUN, step=step, by="ada"))


def abort(backend, step):
    backend.call(AbortStep(run=RUN, step=step, by="ada"))


def reasons(backend):
    return {state.name: state.reason for state in backend.call(GetRun(id=RUN)).steps}


def test_a_step_that_somebody_skips_never_runs_and_what_does_not_rely_on_it_does(control, backend, told):
    controller = control("slow", ("quick", ["slow"], {}), ("give", ["quick"], {"x": 1}), "quick-b", slots=1)

    def steer():
        skip(backend, "quick")
        skip(backend, "quick-b")  # it waits for the slot
        abort(backend, "slow")

    told.then["slow", "printed"] = steer
    run = controller.run()
    assert (run.task.status, run.task.message) == (Status.FAILED, "step 'slow' was aborted")
    assert statuses(backend) == {"slow": "aborted", "quick": "skipped", "give": "skipped", "quick-b": "skipped"}
    assert reasons(backend) == {
        "slow": "aborted by ada",
        "quick": "skipped by ada",
        "give": "parent 'quick' skipped",
        "quick-b": "skipped by ada",
    }
    assert [task.step for task in backend.call(ListTasks(run=RUN))] == ["slow"]
    assert ("quick-b", "skipped") in told.steps


@pytest.mark.parametrize("kind", [DecideSteps, LaunchStep])
def test_a_step_that_is_skipped_at_the_very_moment_of_its_start_does_not_start(control, backend, between, kind):
    """The record decides; the run hears of it by the refusal, and once more by the feed."""

    def at(op):
        step = op.step if isinstance(op, LaunchStep) else op.decisions[0].step if isinstance(op, DecideSteps) else ""
        if isinstance(op, kind) and step == "quick-b":
            between.fail = lambda _op: None
            skip(backend, "quick-b")

    between.fail = at
    run = control("quick-a", "quick-b", ("give", ["quick-b"], {"x": 1}), slots=1).run()
    assert run.task.status is Status.COMPLETED
    assert statuses(backend) == {"quick-a": "completed", "quick-b": "skipped", "give": "skipped"}
    assert [task.step for task in backend.call(ListTasks(run=RUN))] == ["quick-a"]


def test_a_run_ends_when_the_last_step_that_was_left_is_skipped(control, backend, told):
    def ask(_retries):
        skip(backend, "quick")
        return False

    callbacks = Callbacks(retry={"fail": ask})
    controller = control("fail", ("quick", ["fail"], {}), callbacks=callbacks)
    assert controller.run().task.status is Status.FAILED
    assert reasons(backend)["quick"] == "skipped by ada"


def test_a_step_that_is_skipped_before_its_run_begins_stays_so(control, backend):
    before = (StepState(name="quick", status=StepStatus.SKIPPED, reason="skipped by ada"),)
    controller = control("quick", ("give", ["quick"], {"x": 1}), "quick-b", steps_before=before)
    skip(backend, "quick")
    assert controller.run().task.status is Status.COMPLETED
    assert statuses(backend) == {"quick": "skipped", "give": "skipped", "quick-b": "completed"}


def test_a_step_that_is_aborted_before_its_process_is_started_is_ended_all_the_same(control, backend, told):
    controller = control("slow", ("quick", ["slow"], {}), "quick-b")
    hear = controller._hear
    controller._hear = lambda _change: None  # the watch was as quick as it is below, and tells of it once

    def at_once():
        abort(backend, "slow")
        hear(next(one for one in backend.call(ListChanges(run=RUN)) if one.status == Status.STOPPED))

    told.then["slow", "running"] = at_once
    assert controller.run().task.status is Status.FAILED
    assert statuses(backend) == {"slow": "aborted", "quick": "skipped", "quick-b": "completed"}
