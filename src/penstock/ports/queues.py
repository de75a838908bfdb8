"""What the service needs of queues, leases and agents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from penstock.core.assignment import Assignment
from penstock.core.lease import Held
from penstock.ops.agents import Agent
from penstock.ops.queues import Entry, Queue
from penstock.ops.tag_limits import TagLimit


class Waiting(Struct, frozen=True, kw_only=True):
    """Where a task waits, or waited before it was claimed.

    Args:
        urgency: The smaller, the sooner it is claimed: its priority below zero.
        rank: Its place among those of the same urgency; None for the last.
        takes_slot: Whether an agent needs a free worker for it.
        lost: How often it was lost with its agent.
        resumed: Whether it is a run that goes on.
        since: Epoch seconds.
    """

    task: str
    queue: str
    urgency: int = 0
    rank: float | None = None
    takes_slot: bool = True
    lost: int = 0
    resumed: bool = False
    since: float = 0.0


class Lease(Struct, frozen=True, kw_only=True):
    """A task that was claimed.

    Args:
        waited: Where it waited.
        begun: Whether its process was started.
        ends: Epoch seconds.
    """

    held: Held
    waited: Waiting
    agent: str
    request: str
    begun: bool
    ends: float


class Queues(Protocol):
    """The queues."""

    def list(self, names: Sequence[str] | None = None) -> list[Queue]: ...
    def get(self, name: str) -> Queue: ...
    def add(self, name: str, limit: int | None, now: float) -> None: ...
    def change(self, name: str, *, paused: bool, limit: int | None) -> None: ...
    def rename(self, name: str, new: str) -> None: ...
    def remove(self, name: str) -> None: ...


class Entries(Protocol):
    """What waits in the queues."""

    def add(self, waiting: Waiting) -> None:
        """Let a task wait; one that waits somewhere gets this place instead."""
        ...

    def remove(self, task: str) -> None: ...
    def find(self, task: str) -> Waiting | None: ...
    def has_next(self, queues: Sequence[str], *, slots: bool) -> bool: ...
    def has_any(self, queues: Sequence[str], *, slots: bool) -> bool: ...
    def take(self, queue: str, *, slots: bool) -> Waiting | None:
        """Take the next task out of a queue, in one statement; None when nothing can be taken."""
        ...

    def list(self, queue: str, limit: int) -> list[Entry]: ...
    def before(self, queue: str, urgency: int) -> float: ...
    def order(self, queue: str) -> Sequence[tuple[str, int]]: ...
    def rank(self, tasks: Sequence[tuple[str, int]]) -> None: ...


class TagLimits(Protocol):
    """How many tasks with a tag may be held at once."""

    def list(self) -> list[TagLimit]: ...
    def set(self, tag: str, limit: int, now: float) -> None: ...
    def remove(self, tag: str) -> None: ...


class Leases(Protocol):
    """Who holds claimed tasks."""

    def add(self, waiting: Waiting, agent: str, request: str, ends: float) -> Lease: ...
    def of_request(self, request: str) -> Lease | None: ...
    def find(self, task: str) -> Lease | None: ...
    def hold(self, held: Held) -> Lease:
        """Return the lease, and keep others from taking it before this transaction ends; raise LeaseLost without it."""
        ...

    def begin(self, fence: int, ends: float) -> None: ...
    def renew(self, fence: int, ends: float) -> None: ...
    def shorten(self, agent: str, ends: float) -> None: ...
    def end(self, task: str) -> None: ...
    def list(
        self, *, agent: str | None = None, tasks: Sequence[str] | None = None, ended: float | None = None
    ) -> list[Lease]: ...
    def left_behind(self) -> Sequence[str]: ...


class Assignments(Protocol):
    """What attempts are given that agents carry out."""

    def set(self, task: str, assignment: Assignment) -> None: ...
    def find(self, task: str) -> Assignment | None: ...
    def remove(self, task: str) -> None: ...


class Agents(Protocol):
    """The agents that are believed to live."""

    def put(self, agent: Agent, ends: float) -> None: ...
    def find(self, name: str, now: float) -> Agent | None: ...
    def list(self, now: float) -> list[Agent]: ...
    def remove(self, name: str) -> None: ...
