"""Heeds the word of whoever aborts a task that this process carries out, and nobody else would end.

It waits in a thread of its own and polls nothing; it must never know how the task is ended then.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from penstock.backend import Backend
from penstock.core.causes import BY_PERSON
from penstock.core.errors import PenstockError
from penstock.core.progress import StepStatus
from penstock.core.task import EndReason, Status, Task
from penstock.ops.tasks import AwaitTask

PATIENCE = 30.0  # seconds of one wait; it is answered at once when the task has ended
SETTLED = 0.5  # seconds before it looks at all: most tasks that are over by then are over at once
PAUSE = 5.0  # seconds before it looks again when the store or the server could not be reached


class Heed:
    """Waits for the end of one task between `start` and `stop`.

    Args:
        aborted: Called once, from a thread of its own, with the task that somebody aborted. How else a task ends is
            for whoever carries it out to know.
    """

    def __init__(self, backend: Backend, task: str, aborted: Callable[[Task], object]) -> None:
        self._backend = backend
        self._task = task
        self._aborted = aborted
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._wait, name="penstock-heed", daemon=True)

    def start(self) -> None:
        """Begin to wait."""
        self._thread.start()

    def stop(self) -> None:
        """Heed nothing any more."""
        self._over.set()

    def _wait(self) -> None:
        pause = SETTLED
        while not self._over.wait(pause):
            try:
                ended = self._backend.call(AwaitTask(id=self._task, wait=PATIENCE))
                pause = 0.0
            except PenstockError:
                ended, pause = None, PAUSE
            if ended is not None:
                if was_aborted(ended) and not self._over.is_set():
                    self._aborted(ended)
                return


def was_aborted(task: Task) -> bool:
    """Return whether a person aborted the task; it may also have been marked as stopped by its own code."""
    by_person = task.message.startswith(BY_PERSON[StepStatus.ABORTED])
    return task.status is Status.STOPPED and task.reason is EndReason.ABORTED and by_person
