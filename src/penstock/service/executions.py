"""What the operations on executions do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from penstock.core.errors import Conflict
from penstock.core.outputs import Artifact, Blob, Model
from penstock.core.progress import StepStatus
from penstock.core.run import ARCHIVED, REUSED, ChangeKind
from penstock.core.task import Status, Task
from penstock.ops.executions import Execution, ListExecutions, ListStored, ReuseStep, Stored
from penstock.ops.tasks import ListTasks
from penstock.service.base import handles
from penstock.service.steps import add_attempt, forget_drafts, must_go_on

if TYPE_CHECKING:
    from penstock.ports import Tx

REUSABLE = frozenset({Status.COMPLETED, Status.PUBLISHED})


@handles(ListExecutions)
def list_executions(tx: Tx, op: ListExecutions, now: float) -> list[Execution]:
    """Return executions."""
    return tx.executions.list(op)


@handles(ListStored)
def list_stored(tx: Tx, op: ListStored, now: float) -> list[Stored]:
    """Return the bytes that a task left behind."""
    task = tx.tasks.get(op.task)
    return [
        *(Stored(f"artifact {one.name!r}", Blob(one.hash, one.size)) for one in _artifacts(tx, task)),
        *(
            Stored(f"model {one.name!r}", Blob(one.hash, one.size))
            for one in (*tx.models.of_task(task.id), *_models_of_run(tx, task))
            if one.direction == "output" and one.hash
        ),
    ]


@handles(ReuseStep)
def reuse_step(tx: Tx, op: ReuseStep, now: float) -> Task:
    """Give the step a task that is born completed, with what the earlier one left behind."""
    must_go_on(tx, op.run, op.step)
    task = add_attempt(tx, op.run, op.step, op.attempt, op.task, now)
    if task.status is not Status.CREATED:
        return task
    source = _source(tx, op.source)
    origin = source.runtime.get(REUSED, source.id)
    tx.tasks.complete(task.id, {**task.runtime, REUSED: origin}, now)
    _copy(tx, source, task)
    if op.keyed is not None:
        tx.executions.add(task.id, op.run, op.step, op.keyed)
    tx.steps.reuse(op.run, op.step, op.attempt, task.id, op.decision.reason, now)
    forget_drafts(tx, tx.tasks.list(ListTasks(run=op.run, step=op.step, statuses=(Status.CREATED,))))
    tx.decisions.add(op.run, replace(op.decision, related=source.id, at=now))
    tx.changes.append(task, ChangeKind.STATUS, Status.COMPLETED, now, message=op.decision.reason)
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
    own = {one.name for one in tx.settings.configurations(task.id)}
    for configuration in tx.settings.configurations(source.id):
        if configuration.name not in own:
            tx.settings.set_configuration(task.id, configuration)
    for artifact in _artifacts(tx, source):
        target = task.id if artifact.task == source.id else str(task.run)
        tx.outputs.add_artifact(replace(artifact, task=target, maker=artifact.maker and task.id))
    for model in tx.models.of_task(source.id):
        tx.models.link(task.id, model.id, model.direction, model.name, model.maker and task.id)
    for model in _models_of_run(tx, source):
        tx.models.link(str(task.run), model.id, model.direction, model.name, task.id)
    tx.outputs.add_plots(task.id, tx.outputs.plots(source.id))
    tx.reports.copy_scalars(source.id, task.id)


def _artifacts(tx: Tx, task: Task) -> list[Artifact]:
    """Return the artifacts that a task made: its own, and those in the name of its run.

    What the run itself took over is not among these: the run where the task is reused decides anew what it monitors.
    """
    own = tx.outputs.artifacts(task.id)
    held = [one for one in tx.outputs.artifacts(task.run) if one.maker == task.id] if task.run else []
    known = [_facts(one) for one in own]
    return [*own, *(one for one in held if _facts(one) not in known)]


def _models_of_run(tx: Tx, task: Task) -> list[Model]:
    """Return the models that a task stored in the name of its run; see `_artifacts`."""
    held = [one for one in tx.models.of_task(task.run) if one.maker == task.id] if task.run else []
    own = [_facts(one) for one in tx.models.of_task(task.id)]
    return [one for one in held if _facts(one) not in own]


def _facts(output: Artifact | Model) -> Artifact | Model:
    """Return the record without what a copy has of its own; no two that were stored are equal in all the rest.

    A model that a run took over is a copy where an earlier version recorded it, and has an id of its own.
    """
    bare = replace(output, task="", name="", maker="")
    return replace(bare, id="", updated=0.0) if isinstance(bare, Model) else bare
