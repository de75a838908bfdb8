"""Watches the change feed for what others want of a run: that it stops, skips a step, or what became of an attempt.

It does so in a thread of its own, so that the run's loop polls nothing; it must never know what is made of that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from penstock.core.errors import PenstockError
from penstock.core.progress import StepStatus
from penstock.core.run import Change, ChangeKind
from penstock.core.task import ENDED

PAUSE = 0.1  # seconds between two looks: most changes are the run's own, and not what is waited for
BREATH = 0.004  # seconds between two looks where others carry steps out: what follows from one is asked for before


class Watch:
    """Passes on what the feed tells. Ends by itself when the run's end is recorded.

    Args:
        follow: Returns the changes of the run after one; waits for the first for a while.
        since: A change from before the run began; what came later is looked at.
        stop: Called with the reason when somebody asks the run to stop.
        moved: Called with each change of an attempt's status, and each step that is skipped, whoever did it.
        pause: Seconds between two looks.
    """

    def __init__(
        self,
        follow: Callable[[int], Sequence[Change]],
        run: str,
        since: int,
        stop: Callable[[str], None],
        moved: Callable[[Change], None],
        pause: float = PAUSE,
    ) -> None:
        self._follow = follow
        self._run = run
        self._stop = stop
        self._moved = moved
        self._pause = pause
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
                if self._over.wait(self._pause):
                    return
        except PenstockError:
            return  # the store is gone; the run's own loop meets the same error and tells of it

    def _next(self) -> Sequence[Change]:
        changes = self._follow(self._seen)
        if changes:
            self._seen = changes[-1].seq
        return changes

    def _take(self, change: Change) -> bool:
        """Pass a change on; return whether the run has ended."""
        if change.kind is ChangeKind.STOP_ASKED:
            self._stop(change.message)
        if change.kind is ChangeKind.STEP and change.status == StepStatus.SKIPPED:
            self._moved(change)
        if change.kind is not ChangeKind.STATUS:
            return False
        if change.task != self._run:
            self._moved(change)
            return False
        return change.status in ENDED
