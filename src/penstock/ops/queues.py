"""Operations on queues and on what waits in them. A task is in exactly one queue, or in none."""

from __future__ import annotations

from typing import ClassVar, Literal

from msgspec import Struct

from penstock.core.task import TaskType
from penstock.ops.base import Op


class Queue(Struct, frozen=True, kw_only=True):
    """A queue as it stands now.

    Args:
        paused: Whether nothing is claimed from it.
        limit: How many of its tasks may run at once; None for any number.
        waiting, running: How many tasks wait in it, and how many that were claimed from it run.
        agents: How many agents serve it.
        oldest: Epoch seconds since when what waits longest in it has waited; None when nothing waits.
        created: Epoch seconds.
        why_idle: Why nothing is claimed from it now, and what helps, in a sentence; empty when agents claim.
    """

    name: str
    paused: bool = False
    limit: int | None = None
    waiting: int = 0
    running: int = 0
    agents: int = 0
    oldest: float | None = None
    created: float = 0.0
    why_idle: str = ""


class Entry(Struct, frozen=True, kw_only=True):
    """A task that waits.

    Args:
        priority: The higher, the sooner it is claimed; 0 for most.
        since: Epoch seconds at which it was put into a queue.
        run, step: Of an attempt, what it is an attempt of.
    """

    task: str
    name: str
    type: TaskType
    queue: str
    priority: int
    since: float
    run: str | None = None
    step: str | None = None


class ListQueues(Op[list[Queue]], frozen=True, kw_only=True):
    """Return the queues by name.

    Args:
        names: Only these; None for all.
    """

    names: tuple[str, ...] | None = None
    reads: ClassVar[bool] = True


class CreateQueue(Op[Queue], frozen=True, kw_only=True):
    """Create a queue; one of this name that is there stays as it is, and is returned.

    Raises Invalid when the name is empty, longer than 256 characters, or holds what cannot be printed.
    """

    name: str
    limit: int | None = None


class ChangeQueue(Op[Queue], frozen=True, kw_only=True):
    """Pause a queue or let it go on, limit how many of its tasks run at once, give it another name.

    What waits in it goes with it under its new name. What is None stays as it is; a limit of 0 is none.

    Raises Conflict when another queue has the new name.
    """

    name: str
    paused: bool | None = None
    limit: int | None = None
    rename: str | None = None


class DeleteQueue(Op[None], frozen=True, kw_only=True):
    """Delete a queue; raise Conflict while tasks wait in it.

    Args:
        force: Make drafts of plain tasks and runs that wait in it, and stop attempts of steps.
    """

    name: str
    force: bool = False


class ListEntries(Op[list[Entry]], frozen=True, kw_only=True):
    """Return what waits in a queue, next first."""

    queue: str
    limit: int = 1_000
    reads: ClassVar[bool] = True


class MoveEntry(Op[None], frozen=True, kw_only=True):
    """Give a task that waits another place in its queue, or in another queue.

    It takes the priority of what it comes to stand beside.

    Args:
        place: Its new place, from 0 for the next; or `first` or `last`.
        queue: Another queue; None stays in that where it is.
    """

    task: str
    place: int | Literal["first", "last"]
    queue: str | None = None
