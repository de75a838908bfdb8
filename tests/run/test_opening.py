"""What comes of a launch where whole runs (e2e/) do not look: what vanishes meanwhile, and what cannot start."""

from __future__ import annotations

import sys

import pytest

from penstock.backend import connect
from penstock.core.decision import DecisionKind
from penstock.core.errors import Conflict
from penstock.core.pipeline import Argument, Pipeline, Step
from penstock.core.progress import Ended, Launch, Reused, Started, StepStatus, Vetoed
from penstock.core.task import EndReason, Script, Status, Worker
from penstock.ops.decisions import ListDecisions
from penstock.ops.executions import ReuseStep
from penstock.ops.runs import CreateRun, StartRun
from penstock.ops.tasks import EndTask, ListTasks, NewTask
from penstock.run.announcer import Announcer
from penstock.run.callbacks import Callbacks
from penstock.run.ids import Ids
from penstock.run.launch import Surroundings
from penstock.run.lookup import Lookup
from penstock.run.opening import Opening
from penstock.run.plan import Plan
from penstock.sdk.display import Silent
from penstock.settings import Settings

WORKER = Worker(host="h", pid=1)
CODE = {"c": Script(source="def work(x): return x", entry_point="work")}


class Attempts:
    """Takes what is started, and starts nothing."""

    def __init__(self):
        self.stamps = {}
        self.started = []

    def start(self, task, launch):
        self.started.append(task.id)


class Bench:
    """Runs of one step; `refuse` names operations that fail."""

    def __init__(self, folder):
        self.backend = connect(Settings(home=folder / "home", workers=1))
        self.blobs = self.backend.blobs
        self.folder = folder
        self.refuse = ()
        self.count = 0

    def call(self, op):
        if isinstance(op, self.refuse):
            raise Conflict("not now")
        return self.backend.call(op)

    def open(self, value=1, why="", working_dir=None, **callbacks):
        self.count += 1
        id = f"{self.count:032x}"
        code = {"c": Script(source=CODE["c"].source, entry_point="work", working_dir=working_dir)}
        step = Step(name="a", code="c", arguments={"x": Argument(value=value)}, cache=True)
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
            complain=pytest.fail,
        )
        self.attempts = Attempts()
        lookup = Lookup(self, id, {}, lambda name: None)
        announcer = Announcer(Silent(), {}, pytest.fail)
        return Opening(self, told, lookup, self.attempts, announcer, Ids(id)).open(Launch("a", 1), why)

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
    assert bench.decision().reason == "the equal execution in p #1 was deleted or archived just now"


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
