"""What the operations on executions do."""

from __future__ import annotations

import hashlib

from msgspec.structs import replace

from penstock.core.errors import Conflict
from penstock.core.progress import StepStatus
from penstock.core.run import ARCHIVED, ChangeKind
from penstock.core.task import Status, Task
from penstock.ops.executions import Execution, ListExecutions, ReuseStep
from penstock.ports import Tx
from penstock.service.base import handles
from penstock.service.steps import add_attempt, must_go_on

REUSABLE = frozenset({Status.COMPLETED, Status.PUBLISHED})
REUSED = "reused"  # in the runtime of a task: the id of the one that really ran


@handles(ListExecutions)
def list_executions(tx: Tx, op: ListExecutions, now: float) -> list[Execution]:
    """Return executions."""
    return tx.executions.list(op)


@handles(ReuseStep)
def reuse_step(tx: Tx, op: ReuseStep, now: float) -> Task:
    """Give the step a task that is born completed, with what the earlier one left behind."""
    must_go_on(tx, op.run, op.step)
    source = _source(tx, op.source)
    task = add_attempt(tx, op.run, op.step, op.attempt, op.task, now)
    if task.status is not Status.CREATED:
        return task
    origin = source.runtime.get(REUSED, source.id)
    tx.tasks.complete(task.id, {**task.runtime, REUSED: origin}, now)
    _copy(tx, source, task)
    tx.executions.add(task.id, op.run, op.step, op.keyed)
    tx.steps.reuse(op.run, op.step, op.attempt, task.id, op.decision.reason, now)
    tx.decisions.add(op.run, replace(op.decision, related=source.id, at=now))
    run = tx.tasks.get(op.run)
    tx.changes.append(run, ChangeKind.STEP, StepStatus.CACHED, now, step=op.step, message=op.decision.reason)
    return tx.tasks.get(task.id)


def _source(tx: Tx, id: str) -> Task:
    found = tx.tasks.find(id)
    if found is None or found.status not in REUSABLE or ARCHIVED in found.system_tags:
        raise Conflict(f"task {id} cannot be reused any more")
    return found


def _copy(tx: Tx, source: Task, task: Task) -> None:
    """Record with a task all that another one left behind, also in the name of its run. The bytes are shared."""
    given = {one.path for one in tx.settings.parameters(task.id)}
    tx.settings.set_parameters(task.id, [one for one in tx.settings.parameters(source.id) if one.path not in given])
    for configuration in tx.settings.configurations(source.id):
        tx.settings.set_configuration(task.id, configuration)
    _copy_held(tx, source, source.id, task.id, task.id)
    if source.run is not None and task.run is not None:
        _copy_held(tx, source, source.run, task.run, task.id)
    tx.outputs.add_plots(task.id, tx.outputs.plots(source.id))
    tx.reports.copy_scalars(source.id, task.id)


def _copy_held(tx: Tx, source: Task, holder: str, target: str, maker: str) -> None:
    """Copy the artifacts and models that the source made and this holder holds."""
    for artifact in tx.outputs.artifacts(holder):
        if source.id in {holder, artifact.maker}:
            tx.outputs.add_artifact(replace(artifact, task=target, maker=artifact.maker and maker))
    for model in tx.outputs.models(holder):
        if source.id in {holder, model.maker}:
            copy = hashlib.sha256(f"{target}\0{model.id}".encode()).hexdigest()[:32]
            tx.outputs.add_model(replace(model, id=copy, task=target, maker=model.maker and maker))
