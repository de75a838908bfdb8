"""What the operations on queues do, and the one place where a task begins to wait in one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from penstock.core.errors import Conflict, Invalid, NotFound
from penstock.core.run import ChangeKind
from penstock.core.task import EndReason, Status, Task, TaskType
from penstock.core.waiting import paused, unserved
from penstock.ops.queues import ChangeQueue, CreateQueue, DeleteQueue, Entry, ListEntries, ListQueues, MoveEntry, Queue
from penstock.ports.queues import Waiting
from penstock.service.base import handles
from penstock.service.tasks import move

if TYPE_CHECKING:
    from penstock.ports import Tx

LONGEST_NAME = 256
EVERY_ENTRY = 1_000_000_000  # a limit that no queue reaches


@handles(ListQueues)
def list_queues(tx: Tx, op: ListQueues, now: float) -> list[Queue]:
    """Return the queues with what stands in them."""
    return _served(tx, tx.queues.list(op.names), now)


@handles(CreateQueue)
def create_queue(tx: Tx, op: CreateQueue, now: float) -> Queue:
    """Create a queue."""
    tx.queues.add(_checked(op.name), _limit(op.limit), now)
    tx.changes.note(ChangeKind.QUEUE, op.name, now)
    return _one(tx, op.name, now)


@handles(ChangeQueue)
def change_queue(tx: Tx, op: ChangeQueue, now: float) -> Queue:
    """Pause, limit, rename a queue."""
    queue = tx.queues.get(op.name)
    paused = queue.paused if op.paused is None else op.paused
    tx.queues.change(op.name, paused=paused, limit=queue.limit if op.limit is None else _limit(op.limit))
    name = op.name
    if op.rename is not None and op.rename != op.name:
        name = _checked(op.rename)
        tx.queues.rename(op.name, name)
        tx.changes.note(ChangeKind.QUEUE, op.name, now)
    tx.changes.note(ChangeKind.QUEUE, name, now)
    return _one(tx, name, now)


@handles(DeleteQueue)
def delete_queue(tx: Tx, op: DeleteQueue, now: float) -> None:
    """Delete a queue, and with force let go what waits in it."""
    tx.queues.get(op.name)
    waiting = tx.entries.list(op.name, EVERY_ENTRY)
    if waiting and not op.force:
        hint = "move them to another queue, or delete it with force"
        raise Conflict(f"{len(waiting)} tasks wait in queue {op.name!r}", hint=hint)
    for entry in waiting:
        task = tx.tasks.get(entry.task)
        if task.run is None:
            let_go(tx, task, now)
        else:
            why = f"its queue {op.name!r} was deleted"
            move(tx, task, Status.STOPPED, now, reason=EndReason.ABORTED, message=why)
    tx.queues.remove(op.name)
    tx.changes.note(ChangeKind.QUEUE, op.name, now)


@handles(ListEntries)
def list_entries(tx: Tx, op: ListEntries, now: float) -> list[Entry]:
    """Return what waits in a queue."""
    tx.queues.get(op.queue)
    return tx.entries.list(op.queue, op.limit)


@handles(MoveEntry)
def move_entry(tx: Tx, op: MoveEntry, now: float) -> None:
    """Give a task another place."""
    waiting = tx.entries.find(op.task)
    if waiting is None:
        raise NotFound(f"task {op.task} waits in no queue")
    queue = waiting.queue if op.queue is None else op.queue
    if queue != waiting.queue:
        tx.queues.get(queue)
        tx.entries.add(replace(waiting, queue=queue, rank=None))
        tx.tasks.describe(replace(tx.tasks.get(op.task), queue=queue))
    others = [one for one in tx.entries.order(queue) if one[0] != op.task]
    place = {"first": 0, "last": len(others)}.get(str(op.place), op.place)
    if not isinstance(place, int) or place < 0:
        raise Invalid(f"{op.place!r} is no place in a queue", hint="a number from 0, or first, or last")
    beside = others[: place + 1][-1:]
    urgency = beside[0][1] if beside else waiting.urgency
    tx.entries.rank([*others[:place], (op.task, urgency), *others[place:]])
    for name in {queue, waiting.queue}:
        tx.changes.note(ChangeKind.QUEUE, name, now)


def let_go(tx: Tx, task: Task, now: float) -> None:
    """Let a task wait no more: it is a draft again. A run that was to go on stays stopped, where it stood."""
    if task.type is TaskType.CONTROLLER and tx.runs.has(task.id) and tx.runs.get(task.id).number:
        move(tx, task, Status.STOPPED, now, reason=EndReason.ABORTED, message="it was taken out of its queue")
    else:
        move(tx, task, Status.CREATED, now)


def wait_in(tx: Tx, task: Task, queue: str, now: float, *, priority: int = 0) -> None:
    """Let a task that is queued wait in a queue.

    Raises:
        NotFound: There is no such queue.
    """
    tx.queues.get(queue)
    is_run = task.type is TaskType.CONTROLLER and tx.runs.has(task.id)
    tx.entries.add(Waiting(task=task.id, queue=queue, urgency=-priority, takes_slot=not is_run, since=now))
    if task.queue != queue:
        tx.tasks.describe(replace(task, queue=queue))


def _one(tx: Tx, name: str, now: float) -> Queue:
    return _served(tx, [tx.queues.get(name)], now)[0]


def _served(tx: Tx, queues: list[Queue], now: float) -> list[Queue]:
    """Return the queues with how many agents serve each, and what helps where none does."""
    agents = [one for one in tx.agents.list(now) if not one.draining]
    serving = {queue.name: sum(not one.queues or queue.name in one.queues for one in agents) for queue in queues}
    return [
        replace(queue, agents=serving[queue.name], why_idle=_why_idle(queue, serving[queue.name])) for queue in queues
    ]


def _why_idle(queue: Queue, agents: int) -> str:
    if queue.paused:
        return paused(queue.name)
    return "" if agents else unserved(queue.name)


def _checked(name: str) -> str:
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        hint = f"a name has 1 to {LONGEST_NAME} characters, all of which can be printed"
        raise Invalid(f"{name[:LONGEST_NAME]!r} is no name for a queue", hint=hint)
    return name


def _limit(limit: int | None) -> int | None:
    return limit or None
