"""Pipelines as steps: a step that is one ends as its run ended, and has what its run left.

So references and monitors of the pipeline around it find at the step what they would find at any other. Nothing here
knows how a pipeline is made or carried out.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from penstock.backend import Backend
from penstock.core.outputs import Artifact
from penstock.core.run import RunDetail
from penstock.core.task import EndReason, Status, Task, TaskType
from penstock.ops.models import LinkModel, ListModels
from penstock.ops.outputs import GetScalars, ListArtifacts, NewPoints, ReportScalars
from penstock.ops.runs import GetRun
from penstock.run import current
from penstock.run.attempt import Outcome
from penstock.run.outcomes import failed

GOOD = frozenset({Status.COMPLETED, Status.PUBLISHED})


def conclude(task: Task, outcome: Outcome) -> Outcome:
    """Return how a step ended whose script has ended so.

    Args:
        task: The step's task. Unless it is a pipeline's, what its script did with pipelines is the script's own matter.
    """
    working = current.get()
    if working is None or task.type is not TaskType.CONTROLLER:
        return outcome
    working.flush()
    details = [working.backend.call(GetRun(id=run)) for run in working.runs]
    begun = [detail for detail in details if detail.run.number]
    for detail in begun:
        _hand_over(working.backend, detail.run.id, task.id)
    bad = next((one.run.task for one in begun if one.run.task.status not in GOOD), None)
    if bad is not None and outcome.status is Status.COMPLETED:
        outcome = failed(EndReason.STEP_FAILED, f"pipeline {bad.name!r} {bad.status}: {bad.message}".rstrip(": "))
    made = tuple(artifact for detail in begun for artifact in _made(working.backend, detail, task.id))
    return replace(outcome, artifacts=(*outcome.artifacts, *made))


def _made(backend: Backend, detail: RunDetail, task: str) -> Iterator[Artifact]:
    """Yield the artifacts of a run as the task's, without those that hold arguments of its steps."""
    given = {one.artifact for step in detail.definition.steps for one in step.arguments.values()}
    for artifact in backend.call(ListArtifacts(task=detail.run.id)):
        if artifact.name not in given:
            yield replace(artifact, task=task, maker="")


def _hand_over(backend: Backend, run: str, task: str) -> None:
    """Give the task the models and scalars of a run."""
    for model in backend.call(ListModels(task=run)):
        backend.call(LinkModel(task=task, model=model.id, direction=model.direction, name=model.name))
    found = backend.call(GetScalars(task=run))
    series = tuple(NewPoints(title=one.title, series=one.series, points=one.points) for one in found)
    if series:
        backend.call(ReportScalars(task=task, series=series))
