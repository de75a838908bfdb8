"""What a run takes over from its steps: once from each attempt, and of a step that was tried again from one alone."""

from __future__ import annotations

from math import isnan, nan

import pytest
from msgspec.structs import replace

from penstock.core.errors import Conflict, NotFound
from penstock.core.monitor import monitors
from penstock.core.outputs import ScalarPoint
from penstock.core.task import Status, Worker
from penstock.ops.decisions import ListDecisions
from penstock.ops.models import AddModel, GetModel, ListModels
from penstock.ops.outputs import AddArtifact, GetScalars, ListArtifacts, NewPoints, ReportScalars
from penstock.ops.runs import ResumeRun
from penstock.ops.steps import DraftStep, TakeOver
from penstock.ops.tasks import GetTask
from penstock.service.steps import _copy_id

WANTED = monitors([["loss", "train"], [["loss", "train"], ["end", "loss"]]], ["table", ["table", "final"]], ["*"])


def report(desk, id, *values, at=0.0, title="loss", series="train"):
    points = tuple(ScalarPoint(number, value, at + number) for number, value in enumerate(values))
    desk.backend.call(ReportScalars(task=id, series=(NewPoints(title=title, series=series, points=points),)))


def held(desk, run):
    call = desk.backend.call
    scalars = {(one.title, one.series): [point.value for point in one.points] for one in call(GetScalars(task=run.id))}
    artifacts = sorted((one.name, one.maker) for one in call(ListArtifacts(task=run.id)))
    return scalars, artifacts, [(one.name, one.maker) for one in call(ListModels(task=run.id))]


def attempt(desk, run, number, *values, status=Status.COMPLETED):
    task = desk.launch(run, "a", number)
    report(desk, task.id, *values, at=100.0 * number)
    desk.backend.call(AddArtifact(artifact=desk.artifact(task, "table", f"{number}".encode())))
    desk.backend.call(AddModel(model=desk.model(task)))
    desk.end(task, status)
    for _ in range(2):
        desk.backend.call(TakeOver(task=task.id, wanted=WANTED))
    return task


def resume(desk, run):
    seen = desk.backend.call(GetTask(id=run.id)).worker
    desk.backend.call(ResumeRun(id=run.id, worker=Worker(host="here", pid=seen.pid + 1), seen=seen))


def test_a_run_takes_over_once_however_often_it_is_told(desk):
    run = desk.run("a")
    task = attempt(desk, run, 1, 2.0, 1.0)
    both = {("loss", "train"): [2.0, 1.0], ("end", "loss"): [2.0, 1.0]}
    assert held(desk, run) == (both, [("final", task.id), ("table", task.id)], [("net", task.id)])


@pytest.mark.parametrize("tries", [1, 2])
def test_what_came_from_attempts_that_failed_gives_way_to_that_of_the_one_that_did_not(desk, tries):
    """A failed step is taken over from as well; when the run is resumed, no point may be there twice."""
    run = desk.run("a")
    report(desk, run.id, 7.0, at=50.0)
    for number in range(1, tries + 1):
        attempt(desk, run, number, 2.0, nan, status=Status.FAILED)
        resume(desk, run)
    last = attempt(desk, run, tries + 1, 2.0, nan, 0.5)
    scalars, artifacts, models = held(desk, run)
    assert [value for value in scalars["loss", "train"] if not isnan(value)] == [7.0, 2.0, 0.5]
    assert len(scalars["end", "loss"]) == 3
    assert artifacts == [("final", last.id), ("table", last.id)]
    assert models == [("net", last.id)]


def test_a_copy_of_a_model_that_an_earlier_version_took_over_gives_way_too(desk):
    run = desk.run("a")
    task = attempt(desk, run, 1, status=Status.FAILED)
    (model,) = desk.backend.call(ListModels(task=task.id))
    copy = replace(model, id=_copy_id(run.id, model.id, "net"), task=run.id, maker=task.id)
    own = replace(desk.model(run, "own"), maker=task.id)
    for one in (copy, own):
        desk.backend.call(AddModel(model=one))
    resume(desk, run)
    last = attempt(desk, run, 2)
    found = desk.backend.call(ListModels(task=run.id))
    assert sorted((one.name, one.maker) for one in found) == [("net", last.id), ("own", task.id)]
    with pytest.raises(NotFound):
        desk.backend.call(GetModel(id=copy.id))
    assert desk.backend.call(GetModel(id=model.id)).task == task.id, "the failed attempt still has what it made"


@pytest.mark.parametrize("begun", [True, False])
def test_nothing_is_taken_over_from_an_attempt_that_has_not_ended(desk, begun):
    """It would be taken over once and for all, and what came after that would be missing."""
    run = desk.run("a")
    draft = DraftStep(run=run.id, step="a", attempt=1, task=desk.new("a"))
    task = desk.launch(run, "a") if begun else desk.backend.call(draft)
    report(desk, task.id, 2.0)
    with pytest.raises(Conflict, match=f"task {task.id} is {task.status}; a run takes over what has ended"):
        desk.backend.call(TakeOver(task=task.id, wanted=WANTED))
    assert held(desk, run) == ({}, [], [])
    if begun:
        desk.end(task)
        desk.backend.call(TakeOver(task=task.id, wanted=WANTED))
        assert held(desk, run)[0]["loss", "train"] == [2.0]


def test_what_an_attempt_did_not_make_is_not_taken_over_and_that_is_remembered(desk):
    run = desk.run("a")
    task = desk.end(desk.launch(run, "a"))
    for _ in range(2):
        desk.backend.call(TakeOver(task=task.id, wanted=WANTED))
    assert held(desk, run) == ({}, [], [])
    (decision,) = desk.backend.call(ListDecisions(run=run.id))
    assert (decision.kind, decision.step, decision.attempt, decision.related) == ("take over", "a", 1, task.id)


def test_a_run_takes_over_from_attempts_of_steps_alone(desk):
    run = desk.run("a")
    for task in (run.task, desk.task()):
        with pytest.raises(Conflict, match=f"task {task.id} is no attempt of a step"):
            desk.backend.call(TakeOver(task=task.id, wanted=WANTED))
    with pytest.raises(NotFound, match="b" * 32):
        desk.backend.call(TakeOver(task="b" * 32, wanted=WANTED))
