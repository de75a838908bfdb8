"""Watches the change feed for the wish to stop a run, in a thread of its own, so that the run's loop polls nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from penstock.backend import Backend
from penstock.core.errors import PenstockError
from penstock.core.run import Change, ChangeKind
from penstock.core.task import ENDED
from penstock.ops.changes import ListChanges

PAUSE = 0.1  # seconds between two looks: most changes are the run's own, and not what is waited for
PATIENCE = 30.0  # seconds of one wait; the feed answers at once when there is something


class Watch:
    """Calls `stop` when somebody asks the run to stop. Ends by itself when the run's end is recorded.

    Args:
        since: A change from before the run began; what came later is looked at.
    """

    def __init__(self, backend: Backend, run: str, since: int, stop: Callable[[str], None]) -> None:
        self._backend = backend
        self._run = run
        self._stop = stop
        self._seen = since
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="penstock-watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(timeout=1.0)

    def _watch(self) -> None:
        try:
            while not any(self._take(change) for change in self._next()):
                if self._over.wait(PAUSE):
                    return
        except PenstockError:
            return  # the store is gone; the run's own loop meets the same error and tells of it

    def _next(self) -> list[Change]:
        changes = self._backend.call(ListChanges(after=self._seen, run=self._run, wait=PATIENCE))
        if changes:
            self._seen = changes[-1].seq
        return changes

    def _take(self, change: Change) -> bool:
        """Pass on a wish to stop; return whether the run has ended."""
        if change.kind is ChangeKind.STOP_ASKED:
            self._stop(change.message)
        return change.kind is ChangeKind.STATUS and change.task == self._run and change.status in ENDED
