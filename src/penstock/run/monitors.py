"""Reports what the processes of tasks use that are carried out here, all from one thread, until each task has ended.

Nothing is looked at before a task has gone on for a while: most are over by then, and cost nothing. For tasks of agents
their shims do this; see `agent.monitored`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self, TypeVar

from penstock.backend import Backend
from penstock.blobs.files import FileBlobs
from penstock.core.errors import PenstockError
from penstock.core.outputs import ScalarPoint
from penstock.core.task import MONITORING, OFF
from penstock.ops.base import Op
from penstock.ops.outputs import NewPoints, ReportScalars
from penstock.ops.tasks import DescribeTask, EndTask
from penstock.run.resources import EVERY, FIRST, SETTLED, TITLE, Counts, counts, gpu_reader, levels, rates

R = TypeVar("R")


class _Watched:
    """A process, and what was counted of it last; None while nothing was."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.began = self.before = time.monotonic()
        self.due = self.began + SETTLED
        self.counted: Counts | None = None


class ResourceMonitors:
    """The backend of tasks, which hears when the code of one wants no report, and when one has ended.

    A context manager: leaving it ends the reports.

    Args:
        backend: Where everything goes.
        first: Seconds until the first report of a task.
        every: Seconds between reports.
    """

    def __init__(self, backend: Backend, first: float = FIRST, every: float = EVERY) -> None:
        self._backend = backend
        self._first = first
        self._every = every
        self._open: dict[str, _Watched] = {}
        self._changed = threading.Condition()
        self._until: float | None = 0.0  # when the thread looks next by itself; None for never
        self._closed = False
        self._gpu: Callable[[], Counts] | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def blobs(self) -> FileBlobs:
        """Where the blobs are."""
        return self._backend.blobs

    def call(self, op: Op[R]) -> R:
        """Carry out one operation."""
        if (over := _over(op)) is not None:
            with self._changed:
                self._open.pop(over, None)
        return self._backend.call(op)

    def close(self) -> None:
        """Leave the backend as it is: it belongs to whoever opened it."""

    def begin(self, task: str, pid: int) -> None:
        """Report from now on what this process uses."""
        with self._changed:
            self._open[task] = watched = _Watched(pid)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="penstock-monitors", daemon=True)
                self._thread.start()
            elif self._until is None or watched.due < self._until:
                self._changed.notify()

    def end(self) -> None:
        """Report nothing more."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(timeout=1)

    def _work(self) -> None:
        while (due := self._next()) is not None:
            for task, watched in due:
                self._look(task, watched)

    def _next(self) -> list[tuple[str, _Watched]] | None:
        """Wait until it is time to look at some; None when it is time to leave."""
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                if due := [(task, one) for task, one in self._open.items() if one.due <= now]:
                    return due
                self._until = min((one.due for one in self._open.values()), default=None)
                self._changed.wait(None if self._until is None else self._until - now)
        return None

    def _look(self, task: str, one: _Watched) -> None:
        """Count, and from the second time on report what was used since the time before."""
        now, latest = time.monotonic(), counts(one.pid)
        if one.counted is None:
            one.due = one.began + self._first
        else:
            one.due = now + self._every
            self._gpu = self._gpu or gpu_reader()
            found = rates(one.counted, latest, now - one.before) | levels(one.pid) | self._gpu()
            self._report(task, found, int(now - one.began))
        one.counted, one.before = latest, now

    def _report(self, task: str, found: Counts, iteration: int) -> None:
        at = time.time()
        series = tuple(
            NewPoints(title=TITLE, series=name, points=(ScalarPoint(iteration, value, at),))
            for name, value in found.items()
        )
        if task in self._open:
            with suppress(PenstockError):  # the next one may find more room
                self._backend.call(ReportScalars(task=task, series=series))


def _over(op: Op[Any]) -> str | None:
    """Return the task of which nothing more is to be reported after this; None for none."""
    match op:
        case EndTask(id=task):
            return task
        case DescribeTask(id=task, runtime=runtime) if runtime.get(MONITORING) == OFF:
            return task
        case _:
            return None
