"""What the operations on tasks that belong to no run do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from penstock.core.errors import Conflict, Invalid
from penstock.core.run import ARCHIVED, RETURNS, ChangeKind
from penstock.core.task import CONTINUABLE, PROGRESS, RESETTABLE, Status, Task, TaskType, refuse_move
from penstock.ops.lifecycle import (
    ArchiveTask,
    BeginTask,
    CloneTask,
    ContinueTask,
    DeleteTask,
    DequeueTask,
    EnqueueTask,
    PublishTask,
    ResetTask,
)
from penstock.ops.tasks import NewTask
from penstock.service.base import handles
from penstock.service.queues import let_go, wait_in
from penstock.service.secrets import hand_on
from penstock.service.tasks import add, move

if TYPE_CHECKING:
    from penstock.ports import Tx

NOT_CLONED = frozenset({"return"})
"""Sections of parameters that say what a task made, not what it was asked to do."""


@handles(BeginTask)
def begin_task(tx: Tx, op: BeginTask, now: float) -> Task:
    """Claim the task for the process and move it on."""
    task = _own(tx, op.id)
    if task.status is Status.IN_PROGRESS and task.worker == op.worker:
        return task
    move(tx, task, Status.IN_PROGRESS, now)
    tx.tasks.claim(op.id, op.worker)
    return tx.tasks.get(op.id)


@handles(ContinueTask)
def continue_task(tx: Tx, op: ContinueTask, now: float) -> Task:
    """Let what has ended go on."""
    task = _own(tx, op.id)
    if not tx.tasks.reopen(op.id, CONTINUABLE, seen=task.worker, worker=op.worker):
        raise Conflict(f"task {task.id} is {task.status}; only one that has ended, and is not published, can go on")
    tx.changes.append(task, ChangeKind.STATUS, Status.IN_PROGRESS, now, message="continued")
    return tx.tasks.get(op.id)


@handles(ResetTask)
def reset_task(tx: Tx, op: ResetTask, now: float) -> list[str]:
    """Forget what the task recorded."""
    task = _own(tx, op.id)
    if task.status not in RESETTABLE:
        raise refuse_move(task.id, task.status, Status.CREATED)
    if task.status is Status.IN_PROGRESS and task.worker != op.worker:
        raise Conflict(f"task {task.id} is in progress in another process", hint="stop it first, or clone it")
    unused = tx.tasks.reset(op.id)
    tx.tasks.note(op.id, {name: fact for name, fact in task.runtime.items() if name != PROGRESS})
    if op.request:
        tx.settings.forget(op.id)
    if task.status is not Status.CREATED:
        tx.changes.append(task, ChangeKind.STATUS, Status.CREATED, now, message="reset")
    return unused


@handles(CloneTask)
def clone_task(tx: Tx, op: CloneTask, now: float) -> Task:
    """Record a draft like the source."""
    source = tx.tasks.get(op.source)
    wanted = op.clone
    new = NewTask(
        id=wanted.id,
        name=source.name if wanted.name is None else wanted.name,
        project=source.project if wanted.project is None else wanted.project,
        type=source.type,
        parent=wanted.parent or source.parent or source.id,
        user=wanted.user,
        comment=source.comment if wanted.comment is None else wanted.comment,
        tags=source.tags,
        script=source.script,
        container=source.container,
        queue=source.queue,
        output_uri=source.output_uri,
        runtime={RETURNS: source.runtime[RETURNS]} if RETURNS in source.runtime else {},
    )
    there = tx.tasks.find(new.id)
    if there is not None:
        return there
    task = add(tx, new, now)
    copy_request(tx, source.id, task.id)
    return task


@handles(EnqueueTask)
def enqueue_task(tx: Tx, op: EnqueueTask, now: float) -> Task:
    """Put a draft into a queue."""
    task = tx.tasks.get(op.id)
    if task.run is not None:
        raise Conflict(f"task {task.id} is an attempt of step {task.step!r}; its run sends it where it belongs")
    if not op.queue:
        raise Invalid(f"task {task.id} cannot go to a queue without a name")
    if task.status is Status.QUEUED:
        tx.queues.get(op.queue)
        tx.entries.remove(task.id)
        tx.changes.append(replace(task, queue=op.queue), ChangeKind.STATUS, Status.QUEUED, now)
    else:
        move(tx, replace(task, queue=op.queue), Status.QUEUED, now)
    wait_in(tx, task, op.queue, now, priority=op.priority)
    return tx.tasks.get(op.id)


@handles(DequeueTask)
def dequeue_task(tx: Tx, op: DequeueTask, now: float) -> Task:
    """Take a task out of its queue."""
    task = tx.tasks.get(op.id)
    if task.status is not Status.CREATED:
        let_go(tx, task, now)
    return tx.tasks.get(op.id)


@handles(PublishTask)
def publish_task(tx: Tx, op: PublishTask, now: float) -> Task:
    """Publish what completed."""
    task = tx.tasks.get(op.id)
    if task.status is not Status.PUBLISHED:
        move(tx, task, Status.PUBLISHED, now)
    return tx.tasks.get(op.id)


@handles(ArchiveTask)
def archive_task(tx: Tx, op: ArchiveTask, now: float) -> Task:
    """Tag the task as archived, or take the tag away."""
    task = _own(tx, op.id)
    if task.status in {Status.IN_PROGRESS, Status.QUEUED}:
        raise Conflict(f"task {task.id} is {task.status}; only what does not go on can be archived")
    tags = tuple(tag for tag in task.system_tags if tag != ARCHIVED)
    tx.tasks.tag(task.id, (*tags, ARCHIVED) if op.archived else tags)
    return tx.tasks.get(op.id)


@handles(DeleteTask)
def delete_task(tx: Tx, op: DeleteTask, now: float) -> list[str]:
    """Delete a task and all that it recorded."""
    task = _own(tx, op.id)
    if task.status in {Status.IN_PROGRESS, Status.QUEUED}:
        raise Conflict(f"task {task.id} is {task.status}", hint="stop it first, or take it out of its queue")
    if task.status is Status.PUBLISHED and not op.force:
        raise Conflict(f"task {task.id} is published and stays", hint="delete(force=True) deletes it all the same")
    unused = tx.tasks.delete([op.id])
    tx.changes.append(task, ChangeKind.DELETED, task.status, now)
    return unused


def copy_request(tx: Tx, source: str, target: str) -> None:
    """Copy what a task was asked to do, beside what its own record holds: parameters and configuration objects."""
    parameters = [one for one in tx.settings.parameters(source) if one.section not in NOT_CLONED]
    if parameters:
        hand_on(tx, source, target)
        tx.settings.set_parameters(target, parameters)
    for configuration in tx.settings.configurations(source):
        tx.settings.set_configuration(target, configuration)


def _own(tx: Tx, id: str) -> Task:
    """Return a task that belongs to no run; raise Conflict for one whose run decides about it."""
    task = tx.tasks.get(id)
    if task.run is not None:
        raise Conflict(f"task {id} is an attempt of step {task.step!r}; its run decides about it")
    if task.type is TaskType.CONTROLLER and tx.runs.has(id):
        raise Conflict(f"task {id} is a run of a pipeline", hint="use PipelineController, or the commands on runs")
    return task
