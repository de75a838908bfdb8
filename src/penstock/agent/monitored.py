"""Reports what the process of a task uses, with all that it started, while a shim carries the task out.

It is the one place that does so for tasks of agents: their own processes leave it to the shim, which no code of the
user's can hold up. That code may say that it is not wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from penstock.backend import Backend
from penstock.blobs.files import FileBlobs
from penstock.core.task import MONITORING, OFF, Task
from penstock.ops.base import Op
from penstock.ops.tasks import DescribeTask, EndTask
from penstock.run.reporter import Reporter
from penstock.run.resources import ResourceMonitor

R = TypeVar("R")


class Monitored:
    """The backend of one task, which hears when its code wants no report, and when the task has ended.

    Args:
        backend: Where everything goes.
        task: The task.
        first_process: Finds the process that stands above all that the task started, where that is not its own: in a
            container. It returns None while there is none.
    """

    def __init__(self, backend: Backend, task: Task, first_process: Callable[[], int | None] | None = None) -> None:
        self._backend = backend
        self._task = task.id
        self._reporter = Reporter(backend, task.id)
        self._first_process = first_process
        self._monitor: ResourceMonitor | None = None

    @property
    def blobs(self) -> FileBlobs:
        """Where the blobs are."""
        return self._backend.blobs

    def call(self, op: Op[R]) -> R:
        """Carry out one operation."""
        if self._ends(op):
            self.end()
        return self._backend.call(op)

    def _ends(self, op: Op[Any]) -> bool:
        off = isinstance(op, DescribeTask) and op.id == self._task and op.runtime.get(MONITORING) == OFF
        return off or isinstance(op, EndTask)

    def close(self) -> None:
        """Leave the backend as it is: it belongs to whoever opened it."""

    def begin(self, task: str, pid: int) -> None:
        """Report from now on what the task's process uses."""
        _ = task
        self._monitor = ResourceMonitor(self._reporter, pid, find=self._first_process)
        self._monitor.start()

    def end(self) -> None:
        """Report no more; what was measured is recorded."""
        if self._monitor is not None:
            self._monitor.stop()
            self._monitor = None
            self._reporter.close()
