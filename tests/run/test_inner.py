"""Steps that are pipelines themselves."""

from __future__ import annotations

import uuid

import pytest
from msgspec.structs import replace

from penstock.backend.local import open_local
from penstock.core.outputs import Artifact, Model
from penstock.core.pipeline import Argument, Pipeline, Step
from penstock.core.task import EndReason, Script, Status, Task, TaskType
from penstock.ops.models import AddModel, ListModels
from penstock.ops.outputs import AddArtifact, GetScalars
from penstock.ops.runs import CreateRun, EndRun, StartRun
from penstock.ops.tasks import CreateTask, NewTask
from penstock.run import current
from penstock.run.attempt import Outcome
from penstock.run.inner import conclude
from penstock.run.liveness import here
from penstock.run.reporter import Reporter
from penstock.settings import load

WELL = Outcome(status=Status.COMPLETED)


@pytest.fixture
def backend(home):
    opened = open_local(load())
    yield opened
    opened.close()


@pytest.fixture
def step(backend):
    """The task of a step that is a pipeline, in whose process this is."""
    new = NewTask(id=uuid.uuid4().hex, name="inner", project="Tests", type=TaskType.CONTROLLER)
    task = backend.call(CreateTask(task=new))
    current.put(current.Current(task.id, "the outer run", backend, Reporter(backend, task.id), "", assigned=True))
    return task


def make(backend, status=None, message=""):
    """Record a run that this process makes, and end it so; return its id."""
    new = NewTask(id=uuid.uuid4().hex, name="p", project="")
    draft = backend.call(CreateRun(pipeline="p", project="Tests", task=new))
    current.get().take_on(draft.id, backend)
    if status is not None:
        steps = (Step(name="s", code="c", arguments={"x": Argument(artifact="s.x")}),)
        definition = Pipeline(name="p", project="Tests", steps=steps, code={"c": Script(source="def f(x): ...")})
        backend.call(StartRun(id=draft.id, definition=definition, worker=here()))
        backend.call(EndRun(id=draft.id, status=status, message=message))
    return draft.id


def artifact(task, name, **facts):
    return Artifact(task=task, name=name, format="json", type="int", hash="1" * 64, size=1, url="file:///x", **facts)


def test_a_step_ends_as_well_as_its_run(backend, step):
    make(backend, Status.COMPLETED)
    assert conclude(step, WELL) == WELL


@pytest.mark.parametrize("status", [Status.FAILED, Status.STOPPED])
def test_a_step_whose_run_ended_badly_has_failed(backend, step, status):
    make(backend, Status.COMPLETED)
    make(backend, status, "no luck")
    outcome = conclude(step, WELL)
    assert (outcome.status, outcome.reason) == (Status.FAILED, EndReason.STEP_FAILED)
    assert outcome.message == f"pipeline 'p #2' {status}: no luck"


def test_what_failed_by_itself_keeps_its_own_reason(backend, step):
    make(backend, Status.FAILED)
    raised = Outcome(status=Status.FAILED, reason=EndReason.EXCEPTION, message="ValueError")
    assert conclude(step, raised) == raised


def test_a_pipeline_that_was_not_started_says_nothing(backend, step):
    make(backend)
    assert conclude(step, WELL) == WELL


def test_what_any_other_script_did_with_pipelines_is_its_own_matter(backend, step):
    make(backend, Status.FAILED)
    assert conclude(replace(step, type=TaskType.TRAINING), WELL) == WELL


def test_a_process_that_works_on_nothing_has_nothing_to_add():
    current.put(None)
    assert conclude(Task(id="t", name="t", project="", type=TaskType.CONTROLLER), WELL) == WELL


def test_the_step_has_what_its_run_left(backend, step):
    run = make(backend, Status.COMPLETED)
    for one in (artifact(run, "s.x"), artifact(run, "result", maker="a step")):
        backend.call(AddArtifact(artifact=one))
    made = backend.call(
        AddModel(model=Model(id="2" * 32, task=run, project="", name="net", direction="output", url="s3://b"))
    )
    current.get().reporter_for(run).scalar("loss", "train", 0.5, 1)
    outcome = conclude(step, Outcome(status=Status.COMPLETED, artifacts=(artifact(step.id, "own"),)))
    assert [(one.task, one.name, one.maker) for one in outcome.artifacts] == [
        (step.id, "own", ""),
        (step.id, "result", ""),
    ]
    assert [one.id for one in backend.call(ListModels(task=step.id))] == [made.id]
    (series,) = backend.call(GetScalars(task=step.id))
    assert (series.title, series.series, [point.value for point in series.points]) == ("loss", "train", [0.5])
