"""What the service needs of many records at once, to show them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from msgspec import Struct

from penstock.core.outputs import ScalarSummary
from penstock.core.task import Task
from penstock.ops.pipelines import Failure, LastRun, RunBar


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
    def metrics(self, tasks: Sequence[str]) -> list[tuple[str, ScalarSummary]]: ...
    def packages(self, run: str) -> dict[str, str]: ...
    def pipelines(self, after: tuple[str, str]) -> Iterator[tuple[str, str]]: ...
    def bars(self, pipeline: str, project: str, limit: int) -> list[RunBar]: ...
    def coming(self) -> dict[tuple[str, str], list[RunBar]]: ...
    def last(self, runs: Sequence[str]) -> dict[str, LastRun]: ...
    def failures(self, since: float, limit: int) -> list[Failure]: ...
    def first_failed(self, run: str) -> tuple[str, str] | None: ...
