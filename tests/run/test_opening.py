"""What comes of a launch where whole runs (e2e/) do not look: what vanishes meanwhile, and what cannot start."""

from __future__ import annotations

import sys
import uuid
from functools import partial

import pytest

from penstock.backend import connect
from penstock.core.decision import DecisionKind
from penstock.core.errors import Conflict
from penstock.core.pipeline import Argument, Base, Pipeline, Step
from penstock.core.progress import Ended, Launch, Reused, Started, StepStatus, Vetoed
from penstock.core.run import RETURNS, attempt_id
from penstock.core.task import EndReason, Script, ScriptKind, Status, Worker
from penstock.ops.decisions import ListDecisions
from penstock.ops.executions import ReuseStep
from penstock.ops.lifecycle import BeginTask, DeleteTask
from penstock.ops.runs import CreateRun, StartRun
from penstock.ops.steps import DraftStep, LaunchStep
from penstock.ops.tasks import CreateTask, EndTask, GetTask, ListTasks, NewTask
from penstock.run.announcer import Announcer
from penstock.run.callbacks import Callbacks
from penstock.run.ids import Ids
from penstock.run.launch import Surroundings
from penstock.run.lookup import Lookup
from penstock.run.opening import Carriers, Opening
from penstock.run.plan import Plan
from penstock.run.waiting import Waiting
from penstock.sdk.display import Silent
from penstock.settings import Settings

WORKER = Worker(host="h", pid=1)
CODE = {"c": Script(source="def work(x): return x", entry_point="work")}


class Attempts:
    """Takes what is started, and starts nothing."""

    def __init__(self):
        self.stamps = {}
        self.started = []

    def start(self, task, launch, secrets=None):
        self.started.append(task.id)


class Bench:
    """Runs of one step; `refuse` names operations that fail."""

    def __init__(self, folder):
        self.backend = connect(Settings(home=folder / "home", workers=1))
        self.blobs = self.backend.blobs
        self.folder = folder
        self.refuse = ()
        self.first = None
        self.count = 0
        self.complaints = []

    def call(self, op):
        if isinstance(op, self.refuse):
            raise Conflict("not now")
        if self.first is not None and isinstance(op, self.first[0]):
            meanwhile, self.first = self.first[1], None
            self.backend.call(meanwhile)
        return self.backend.call(op)

    def open(self, value=1, why="", working_dir=None, base=None, **callbacks):
        self.count += 1
        id = f"{self.count:032x}"
        code = {"c": Script(source=CODE["c"].source, entry_point="work", working_dir=working_dir)}
        arguments = {} if base else {"x": Argument(value=value)}
        step = Step(name="a", code="c", base=base, arguments=arguments, cache=True)
        definition = Pipeline(name="p", project="P", steps=(step,), code=code)
        self.call(CreateRun(pipeline="p", project="P", task=NewTask(id=id, name="p", project="")))
        self.run = self.call(StartRun(id=id, definition=definition, worker=WORKER))
        home = self.folder / "home"
        place = Surroundings(
            home=home,
            blobs=home / "blobs",
            scratch=home / "scratch",
            working=str(self.folder),
            path=tuple(sys.path),
            environment={},
        )
        told = Plan(
            pipeline=definition,
            run=self.run,
            worker=WORKER,
            surroundings=place,
            inputs={},
            preload=(),
            preload_fingerprint="",
            slots=1,
            since=0,
            callbacks=Callbacks(**callbacks),
            observer=Silent(),
            complain=self.complaints.append,
        )
        self.attempts = Attempts()
        self.waiting = Waiting(self, id)
        lookup = partial(Lookup, self, id, {}, lambda name: None)
        announcer = Announcer(Silent(), {}, self.complaints.append)
        self.ids = Ids(id)
        carriers = Carriers(self.attempts, self.waiting)
        return Opening(self, told, lookup, carriers, announcer, self.ids).open(Launch("a", 1), why)

    def draft(self):
        """A recorded script, and the step that carries it out itself."""
        script = Script(source="print()", entry_point="a.py", kind=ScriptKind.SCRIPT)
        new = NewTask(id=uuid.uuid4().hex, name="mine", project="Q", script=script)
        task = self.call(CreateTask(task=new))
        return task, Base(task=task.id, clone=False)

    def tasks(self):
        return self.call(ListTasks(run=self.run.id))

    def complete(self):
        self.call(EndTask(id=self.attempts.started[0], status=Status.COMPLETED))

    def decision(self):
        (one,) = self.call(ListDecisions(run=self.run.id, step="a"))
        return one


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    yield made
    made.backend.close()
    assert not made.complaints, "a test that expects them takes them out"


def test_a_step_starts_and_the_reason_is_recorded_with_it(bench):
    assert bench.open() == Started("a")
    assert [task.id for task in bench.tasks()] == bench.attempts.started
    assert bench.decision().kind is DecisionKind.EXECUTE
    bench.complete()
    assert bench.open() == Reused("a")
    assert bench.attempts.started == []
    assert bench.decision().kind is DecisionKind.REUSE


def test_a_try_after_a_failure_says_so_first(bench):
    assert bench.open(why="attempt 1 failed: no luck") == Started("a")
    decision = bench.decision()
    assert (decision.kind, decision.reason) == (DecisionKind.RETRY, "attempt 1 failed: no luck")
    assert decision.details == ("no earlier execution of this step has completed",)


def test_an_execution_that_vanishes_just_before_it_is_reused_makes_the_step_run(bench):
    bench.open()
    bench.complete()
    bench.refuse = (ReuseStep,)
    assert bench.open() == Started("a")
    assert bench.decision().reason == "what was to be reused from p #1 was deleted or archived just now"


def test_a_process_that_cannot_be_started_fails_the_attempt_that_is_recorded(bench):
    event = bench.open(working_dir="not/there")
    assert event == Ended("a", StepStatus.FAILED, retry=False)
    (task,) = bench.tasks()
    assert (task.status, task.reason) == (Status.FAILED, EndReason.LAUNCH)
    assert "not/there" in task.message


def test_a_veto_leaves_the_draft_for_the_decision_to_delete(bench):
    assert bench.open(before={"a": lambda task, parameters: False}) == Vetoed("a")
    assert [task.status for task in bench.tasks()] == [Status.CREATED]
    assert bench.attempts.started == []


def test_what_the_callback_changed_decides_on_reuse(bench):
    bench.open(value=2)
    bench.complete()

    def before(task, parameters):
        parameters["kwargs/x"] = 2

    assert bench.open(value=1, before={"a": before}) == Reused("a")


# Recorded tasks


def test_a_draft_that_is_carried_out_itself_keeps_its_id_and_the_run_knows_it(bench):
    task, base = bench.draft()
    assert bench.open(base=base) == Started("a")
    assert bench.attempts.started == [task.id]
    assert bench.ids.of("a", 1) == task.id


@pytest.mark.parametrize("at", [LaunchStep, DraftStep])
@pytest.mark.parametrize("what", ["begun", "deleted"])
def test_a_draft_that_somebody_takes_just_before_it_is_launched_is_cloned(bench, at, what):
    """The other process has it; the run goes on with what it read of it."""
    task, base = bench.draft()
    meanwhile = BeginTask(id=task.id, worker=WORKER) if what == "begun" else DeleteTask(id=task.id)
    bench.first = (at, meanwhile)
    before = {"a": lambda *_: True} if at is DraftStep else {}
    assert bench.open(base=base, before=before) == Started("a")
    (clone,) = bench.tasks()
    assert (clone.id, clone.name) == (attempt_id(bench.run.id, "a", 1), "a")
    assert (bench.attempts.started, bench.ids.of("a", 1)) == ([clone.id], clone.id)
    (said,) = bench.complaints
    assert said.endswith("; a clone of it runs")
    bench.complaints.clear()


def test_a_base_task_that_is_gone_fails_the_step_and_says_so(bench):
    task, base = bench.draft()
    bench.call(DeleteTask(id=task.id))
    assert bench.open(base=base) == Ended("a", StepStatus.FAILED, retry=False)
    (failed,) = bench.tasks()
    assert failed.reason is EndReason.INPUT
    assert task.id in failed.message


def test_a_step_that_is_reused_after_its_callback_gives_the_draft_back(bench):
    first, base = bench.draft()
    bench.open(base=base)
    bench.complete()
    second, base = bench.draft()
    assert bench.open(base=base, before={"a": lambda *_: True}) == Reused("a")
    (reused,) = bench.tasks()
    assert bench.ids.of("a", 1) == reused.id == attempt_id(bench.run.id, "a", 1)
    assert bench.call(GetTask(id=second.id)) == second
    assert bench.call(GetTask(id=first.id)).run != bench.run.id


def test_a_factory_that_raises_fails_the_step_by_its_name(bench):
    def make():
        raise RuntimeError("no task today")

    assert bench.open(base=Base(), make={"a": make}) == Ended("a", StepStatus.FAILED, retry=False)
    (failed,) = bench.tasks()
    assert (failed.reason, "base_task_factory raised RuntimeError: no task today" in failed.message) == (
        EndReason.CALLBACK,
        True,
    )


def test_a_function_s_task_that_returned_too_little_does_not_stand_for_another(bench):
    """Somebody called it completed; what it is to return is known of the task, not of the step."""

    def base():
        new = NewTask(id=uuid.uuid4().hex, name="f", project="Q", script=CODE["c"], runtime={RETURNS: '["x"]'})
        return Base(task=bench.call(CreateTask(task=new)).id)

    bench.open(base=base())
    bench.complete()
    assert bench.open(base=base()) == Started("a")
    assert "did not return 'x'" in bench.decision().reason
