"""What stands for the steps of a rerun, where whole runs (e2e/test_rerun.py) do not look."""

from __future__ import annotations

import sys

import pytest
from msgspec.structs import replace

from penstock.backend import connect
from penstock.core.decision import Decision, DecisionKind
from penstock.core.outputs import Artifact
from penstock.core.pipeline import Argument, Pipeline, Step
from penstock.core.progress import StepStatus
from penstock.core.task import Parameter, Script, Status, Worker
from penstock.ops.executions import Keyed, ReuseStep
from penstock.ops.reruns import DraftRerun, GetRerun
from penstock.ops.runs import CreateRun, EndRun, GetRun, ResumeRun, StartRun
from penstock.ops.steps import LaunchStep
from penstock.ops.tasks import EndTask, NewTask
from penstock.run.cache import Cache
from penstock.run.callbacks import Callbacks
from penstock.run.keys import Keys
from penstock.run.launch import Prepared, Surroundings
from penstock.run.plan import Plan
from penstock.run.rerun import Rerunning
from penstock.sdk.display import Silent
from penstock.settings import Settings

WORKER = Worker(host="h", pid=1)
NEW = NewTask(id="", name="a", project="P")
CODE = {"c": Script(source="def work(x): return x", entry_point="work")}
A = Step(
    name="a", code="c", arguments={"x": Argument(value=1), "id": Argument(value="of ${pipeline.id}")}, returns=("x",)
)
B = Step(name="b", code="c", parents=("a",))


class Runs:
    """Runs of one pipeline, the second of which does the first one anew."""

    def __init__(self, backend, steps=(A, B), parameters=()):
        self.backend = backend
        self.definition = Pipeline(name="p", project="P", steps=steps, parameters=parameters, code=CODE)
        self.count = 0

    def first(self, keyed=True, returns=("x",)):
        """Record a run whose steps completed."""
        self.count += 1
        id = f"{self.count:032x}"
        self.backend.call(CreateRun(pipeline="p", project="P", task=NewTask(id=id, name="p", project="")))
        run = self.backend.call(StartRun(id=id, definition=self.definition, worker=WORKER))
        for step in self.definition.steps:
            key = self.cache(run).key(self.prepared(step, f"of {id}")) if keyed else None
            op = LaunchStep(run=id, step=step.name, attempt=1, task=NEW, worker=WORKER, keyed=key)
            task = self.backend.call(op)
            made = [self.artifact(task, name) for name in returns] if step is self.definition.steps[0] else []
            self.backend.call(EndTask(id=task.id, status=Status.COMPLETED, artifacts=tuple(made)))
        return self.backend.call(EndRun(id=id, status=Status.COMPLETED))

    def artifact(self, task, name):
        blob = self.backend.blobs.put_bytes(b"made")
        facts = {"format": "json", "type": "int", "url": ""}
        return Artifact(task=task.id, name=name, hash=blob.hash, size=blob.size, **facts)

    def anew(self, source, **asked):
        """Begin a rerun; return what answers for its steps."""
        self.count += 1
        id = f"{self.count:032x}"
        self.backend.call(DraftRerun(id=id, source=source.id, **asked))
        self.run = self.backend.call(StartRun(id=id, definition=self.definition, worker=WORKER))
        return self.rerunning()

    def rerunning(self, steps=()):
        place = Surroundings(home=None, blobs=None, scratch=None, working="", path=tuple(sys.path), environment={})
        told = Plan(
            pipeline=self.definition,
            run=self.run,
            worker=WORKER,
            surroundings=place,
            inputs={},
            preload=(),
            preload_fingerprint="",
            slots=1,
            since=0,
            callbacks=Callbacks(),
            observer=Silent(),
            complain=print,
            steps=steps,
            rerun=self.backend.call(GetRerun(run=self.run.id)),
        )
        return Rerunning(self.backend, told, self.cache(self.run))

    def cache(self, run):
        return Cache(self.backend, run, Keys(self.backend, self.definition, sys.path, {}))

    def prepared(self, step, id="of now", **arguments):
        values = {"x": 1, "id": id} | arguments if step.name == "a" else {}
        given = {name: Argument(value=value) for name, value in values.items()}
        return Prepared(new=NEW, arguments=given, references={}, returns=step.returns)

    def ask(self, rerunning, step=A, **arguments):
        return rerunning.ask(step, self.prepared(step, **arguments))


@pytest.fixture
def backend(tmp_path):
    opened = connect(Settings(home=tmp_path / "home", workers=1))
    yield opened
    opened.close()


@pytest.fixture
def runs(backend):
    return Runs(backend)


def reused(runs, answer, step="a"):
    """Record that a step is reused as the answer says."""
    decision = Decision(kind=DecisionKind.REUSE, reason=answer.reason, step=step, attempt=1)
    op = ReuseStep(
        run=runs.run.id,
        step=step,
        attempt=1,
        task=NEW,
        source=answer.source.task,
        keyed=answer.source.keyed,
        decision=decision,
    )
    return runs.backend.call(op)


def test_a_step_that_is_unchanged_is_reused_although_its_caching_is_off_and_the_run_has_another_id(runs):
    rerunning = runs.anew(runs.first())
    answer = runs.ask(rerunning)
    assert (answer.reason, answer.source.run) == ("it is unchanged since p #1", "p #1")
    assert answer.source.task == answer.related
    assert answer.source.keyed.parts.arguments["id"] == f"'of {1:032x}'", "it is found under what it was made with"


def test_a_parameter_that_is_called_id_is_no_id(backend):
    runs = Runs(backend, parameters=(Parameter(section="Args", name="id", value=7),))
    answer = runs.ask(runs.anew(runs.first()))
    assert answer.source is None
    assert answer.reason.startswith("argument 'id' is 'of now', was 'of 0")


def test_an_argument_that_is_another_one_when_the_step_is_due_makes_it_run(runs):
    answer = runs.ask(runs.anew(runs.first()), x=2)
    assert (answer.source, answer.reason) == (None, "argument 'x' is 2, was 1 in p #1")


def test_other_packages_are_told_and_make_no_difference(runs, monkeypatch):
    source = runs.first()
    make = Keys.make

    def with_package(self, prepared):
        keyed = make(self, prepared)
        return Keyed(key="f" * 64, parts=replace(keyed.parts, packages={"numpy": "2.0"}, interpreter="3.99"))

    monkeypatch.setattr(Keys, "make", with_package)
    answer = runs.ask(runs.anew(source))
    assert answer.source is not None
    assert answer.details[0] == "package numpy is 2.0, was not used in p #1"
    assert answer.source.keyed.parts.packages == {}, "nobody shall find it under packages that did not make it"


def test_a_step_that_was_recorded_without_a_key_is_compared_by_its_definition_alone(runs):
    answer = runs.ask(runs.anew(runs.first(keyed=False)))
    assert (answer.source.keyed, answer.reason) == (None, "it is unchanged since p #1")


def test_a_step_that_did_not_return_all_that_it_should_runs(runs):
    answer = runs.ask(runs.anew(runs.first(returns=())))
    assert (answer.source, answer.reason) == (None, "p #1 did not return 'x'")


def test_what_builds_on_a_step_that_was_not_taken_runs(runs):
    rerunning = runs.anew(runs.first())
    answer = runs.ask(rerunning, B)
    assert (answer.source, answer.reason) == (None, "'a' runs anew, and this step builds on it")
    rerunning.took("a", "another task")
    assert runs.ask(rerunning, B).source is None
    rerunning.took("a", runs.ask(rerunning).source.task)
    assert runs.ask(rerunning, B).source is not None


def test_a_rerun_that_goes_on_knows_what_it_took(runs):
    rerunning = runs.anew(runs.first())
    reused(runs, runs.ask(rerunning))
    runs.backend.call(EndRun(id=runs.run.id, status=Status.STOPPED))
    detail = runs.backend.call(ResumeRun(id=runs.run.id, worker=WORKER, seen=WORKER))
    assert [one.status for one in detail.steps] == [StepStatus.CACHED, StepStatus.PENDING]
    assert runs.ask(runs.rerunning(detail.steps), B).source is not None
    assert runs.ask(runs.rerunning(), B).source is None


def test_a_step_that_was_asked_for_never_comes_from_the_cache(backend):
    cached = replace(A, cache=True)
    runs = Runs(backend, steps=(cached, B))
    source = runs.first()
    assert runs.ask(runs.anew(source, from_step="b"), cached).source is not None
    answer = runs.ask(runs.anew(source, from_step="a"), cached)
    assert (answer.source, answer.reason, answer.details) == (None, "you asked to start from this step", ())
    assert answer.keyed is not None, "later runs find it"


def test_what_is_left_out_is_decided_with_its_reason(runs):
    rerunning = runs.anew(runs.first(), only="a")
    (decision,) = rerunning.left_out()
    assert (decision.step, decision.status, decision.reason) == ("b", StepStatus.SKIPPED, "you asked for 'a' only")


def test_a_run_that_is_no_rerun_asks_the_cache_alone(runs, monkeypatch):
    runs.run = runs.first()
    rerunning = runs.rerunning()
    assert rerunning.left_out() == []
    assert runs.ask(rerunning).reason == "caching is off for this step"
    assert runs.backend.call(GetRun(id=runs.run.id)).run.number == 1
