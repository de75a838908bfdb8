"""Copies what a pipeline takes over from a step, once the step has ended: metrics, artifacts, models."""

from __future__ import annotations

import hashlib

from msgspec.structs import replace

from penstock.backend import Backend
from penstock.core.monitor import Monitors, choose_artifacts, choose_metrics, choose_models
from penstock.ops.outputs import (
    AddArtifact,
    AddModel,
    GetScalars,
    ListArtifacts,
    ListModels,
    NewPoints,
    ReportScalars,
)


def mirror(backend: Backend, run: str, task: str, wanted: Monitors) -> None:
    """Record with a run what it takes over from a task. Whatever the task did not make is not taken over.

    Args:
        wanted: What to take, and under which names; all points of a series are taken.
    """
    if wanted.metrics:
        chosen = choose_metrics(wanted.metrics, backend.call(GetScalars(task=task)))
        points = tuple(
            NewPoints(title=metric.target_title, series=metric.target_series, points=series.points)
            for series, metric in chosen
        )
        backend.call(ReportScalars(task=run, series=points))
    if wanted.artifacts:
        for artifact, name in choose_artifacts(wanted.artifacts, backend.call(ListArtifacts(task=task))):
            backend.call(AddArtifact(artifact=replace(artifact, task=run, name=name)))
    if wanted.models:
        for model, name in choose_models(wanted.models, backend.call(ListModels(task=task))):
            copy = hashlib.sha256(f"{run}\0{model.id}\0{name}".encode()).hexdigest()[:32]
            backend.call(AddModel(model=replace(model, id=copy, task=run, name=name)))
