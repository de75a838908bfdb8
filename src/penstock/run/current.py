"""What this process is working on: the task, and the way to record for it.

A step process sets it before the user's function is called; a script that makes a pipeline sets it too. It is the one
piece of state that belongs to the process as a whole, because `Task.current_task()` has no argument.
"""

from __future__ import annotations

import os
from contextvars import ContextVar

from penstock.backend import Backend
from penstock.core.secret import Secrets
from penstock.run.reporter import Reporter


class Current:
    """A task that this process works on.

    Args:
        task: Id of the task.
        run: Id of the run that it belongs to; a run's own task belongs to itself.
        backend: Where operations go.
        reporter: Takes what is reported for the task.
        scratch: Folder for copies of file artifacts.
        assigned: Whether the task existed before this process, which was launched to carry it out. Its values win over
            those of the code, and its output and end are recorded by whoever launched it.

    Attributes:
        secrets: Of a process that was launched to carry the task out, what it was given of these, by their seals.
        runs: Ids of the runs that this process made beside the task that it was launched for.
    """

    def __init__(
        self,
        task: str,
        run: str | None,
        backend: Backend,
        reporter: Reporter,
        scratch: str,
        *,
        assigned: bool = False,
    ) -> None:
        self.task = task
        self.run = run
        self.backend = backend
        self.reporter = reporter
        self._others: dict[str, Reporter] = {}
        self.scratch = scratch
        self.assigned = assigned
        self.process = os.getpid()
        self.runs: list[str] = []
        self.secrets: Secrets = {}

    def take_on(self, run: str, backend: Backend) -> None:
        """Note that this process carries out a run beside its task. Who carries out a run writes to the store itself.

        What is said of "the pipeline" from now on is said of this run.
        """
        self.runs.append(run)
        self.run, self.backend = run, backend

    def reporter_for(self, task: str) -> Reporter:
        """Return the one reporter of this process for a task."""
        if task == self.task:
            return self.reporter
        return self._others.setdefault(task, Reporter(self.backend, task))

    def flush(self) -> None:
        """Record what was reported so far."""
        for reporter in (self.reporter, *self._others.values()):
            reporter.flush()

    def take_over(self, before: Current) -> None:
        """Go on with the reporters of what the process worked on before: two for one task would mix up the order."""
        self._others |= {**before._others, before.task: before.reporter}

    def close(self) -> None:
        """Record what was reported and is not recorded yet."""
        for reporter in (self.reporter, *self._others.values()):
            reporter.close()


of_thread: ContextVar[str | None] = ContextVar("run of this thread", default=None)
"""The run whose function this thread carries out: several may go on in one process."""

_current: Current | None = None


def get() -> Current | None:
    """Return what this process works on, or None."""
    return _current


def secrets_for(task: str) -> Secrets:
    """Return the secrets that this process was given to carry this task out; none for any other task."""
    return _current.secrets if _current is not None and _current.task == task else {}


def put(current: Current | None) -> None:
    """Set what this process works on."""
    global _current  # noqa: PLW0603 - this is the state that belongs to the process
    _current = current
