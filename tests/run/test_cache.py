"""Whether a step has to run, where whole runs (e2e/test_cache.py) do not look."""

from __future__ import annotations

import sys

import pytest

from penstock.backend import connect
from penstock.core.outputs import Artifact, Model
from penstock.core.pipeline import Argument, Pipeline, Step
from penstock.core.task import Script, Status, Worker
from penstock.ops.models import AddModel
from penstock.ops.runs import CreateRun, StartRun
from penstock.ops.steps import LaunchStep
from penstock.ops.tasks import EndTask, NewTask
from penstock.run.cache import Cache
from penstock.run.keys import Keys
from penstock.run.launch import Prepared
from penstock.settings import Settings

WORKER = Worker(host="h", pid=1)
NEW = NewTask(id="", name="a", project="P")
CODE = {"c": Script(source="def work(x): return x", entry_point="work")}


@pytest.fixture
def backend(tmp_path):
    opened = connect(Settings(home=tmp_path / "home", workers=1))
    yield opened
    opened.close()


class Runs:
    """Runs of one pipeline with one step."""

    def __init__(self, backend):
        self.backend = backend
        self.count = 0

    def begin(self, pipeline="p", step="a", cache=True):
        self.count += 1
        id = f"{self.count:032x}"
        self.step = Step(name=step, code="c", returns=("x",), cache=cache)
        definition = Pipeline(name=pipeline, project="P", steps=(self.step,), code=CODE)
        self.backend.call(CreateRun(pipeline=pipeline, project="P", task=NewTask(id=id, name=pipeline, project="")))
        self.run = self.backend.call(StartRun(id=id, definition=definition, worker=WORKER))
        self.cache = Cache(self.backend, self.run, Keys(self.backend, definition, sys.path, {}))

    def ask(self, value=1):
        return self.cache.ask(self.step, Prepared(new=NEW, arguments={"x": Argument(value=value)}, references={}))

    def execute(self, value=1, status=Status.COMPLETED):
        """Record an execution, with the bytes that it made."""
        answer = self.ask(value)
        op = LaunchStep(run=self.run.id, step=self.step.name, attempt=1, task=NEW, worker=WORKER, keyed=answer.keyed)
        task = self.backend.call(op)
        blob = self.backend.blobs.put_bytes(b"made")
        facts = {"format": "json", "type": "int", "url": ""}
        made = Artifact(task=task.id, name="x", hash=blob.hash, size=blob.size, **facts)
        self.backend.call(EndTask(id=task.id, status=status, artifacts=(made,)))
        return task


@pytest.fixture
def runs(backend):
    return Runs(backend)


def test_the_first_execution_has_nothing_to_be_compared_with(runs):
    runs.begin()
    answer = runs.ask()
    assert (answer.source, answer.related) == (None, None)
    assert answer.reason == "no earlier execution of this step has completed"
    assert answer.keyed.parts.arguments == {"x": "1"}


def test_an_equal_execution_of_another_pipeline_s_step_is_named(runs):
    """Promise 23: equality is what counts, not where it ran."""
    runs.begin("q", "other")
    task = runs.execute()
    runs.begin()
    answer = runs.ask()
    assert answer.source.task == answer.related == task.id
    assert answer.reason == "its code, arguments, inputs and packages are those of q #1, step 'other'"


def test_a_miss_is_explained_by_executions_of_the_same_step_alone(runs):
    runs.begin("q")
    runs.execute(2)
    runs.begin()
    assert runs.ask(1).reason == "no earlier execution of this step has completed"
    runs.execute(3)
    runs.begin()
    assert runs.ask(1).reason == "argument 'x' is 1, was 3 in p #1"


@pytest.mark.parametrize("status", [Status.FAILED, Status.STOPPED])
def test_an_equal_execution_that_did_not_end_well_is_an_obstacle_and_not_a_source(runs, status):
    runs.begin()
    task = runs.execute(status=status)
    runs.begin()
    answer = runs.ask()
    assert (answer.source, answer.reason, answer.related) == (None, f"the equal execution in p #1 is {status}", task.id)


def test_an_older_execution_serves_where_the_newest_cannot(runs):
    runs.begin()
    good = runs.execute()
    runs.begin()
    runs.execute(status=Status.FAILED)
    runs.begin()
    assert runs.ask().source.task == good.id


def test_a_model_that_is_gone_is_an_obstacle(runs, backend):
    runs.begin()
    task = runs.execute()
    facts = {"id": "9" * 32, "project": "P", "name": "net", "direction": "output", "url": "", "size": 3}
    backend.call(AddModel(model=Model(task=task.id, hash="8" * 64, **facts)))
    runs.begin()
    answer = runs.ask()
    assert answer.source is None
    assert answer.reason.startswith("what the equal execution in p #1 left is not whole: model 'net': blob 888")


def test_bytes_are_read_once_a_run(runs, backend, monkeypatch):
    """A hundred steps that share an input cost one reading of it."""
    runs.begin()
    runs.execute()
    runs.begin()
    read = []
    verified = backend.blobs.verified_path
    monkeypatch.setattr(backend.blobs, "verified_path", lambda blob: read.append(blob) or verified(blob))
    assert runs.ask().source
    assert runs.ask().source
    assert len(read) == 1
    runs.begin()
    assert runs.ask().source
    assert len(read) == 2


def test_a_step_that_does_not_ask_for_it_has_a_key_all_the_same(runs):
    runs.begin()
    runs.execute()
    runs.begin(cache=False)
    answer = runs.ask()
    assert (answer.source, answer.reason) == (None, "caching is off for this step")
    assert answer.keyed.key


def test_an_argument_that_cannot_be_compared_is_a_reason(runs):
    runs.begin()
    answer = runs.ask(object())
    assert answer.keyed is None
    assert answer.reason.startswith("it cannot be compared with earlier executions: a object")
