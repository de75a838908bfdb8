"""What the service needs of many records at once, to show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from penstock.core.task import Task


class Held(Struct, frozen=True):
    """Where a task waits, or who holds it.

    Args:
        since: Epoch seconds at which it came to wait; None once it was claimed.
        agent: The agent that holds it; None while it waits.
    """

    queue: str
    since: float | None
    agent: str | None


class Origin(Struct, frozen=True):
    """The run that an attempt belongs to.

    Args:
        run: Its id.
        name: Its name, always with the number.
    """

    run: str
    name: str


class Overview(Protocol):
    """Attempts, runs and pipelines, without what of their records is long."""

    def attempts(self, run: str) -> list[Task]: ...
    def held(self, run: str) -> dict[str, Held]: ...
    def origins(self, tasks: Sequence[str]) -> dict[str, Origin]: ...
