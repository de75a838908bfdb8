"""Tells those who watch a run that a step's status changed: the display, and the user's own callback."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from penstock.core.errors import StepFailed
from penstock.core.progress import StepStatus
from penstock.core.run import Run
from penstock.run.callbacks import CHANGED, call


class Observer(Protocol):
    """Somebody who watches a run, for a display. What it does cannot change the run."""

    def begun(self, run: Run, steps: list[str]) -> None: ...
    def step(self, name: str, status: StepStatus, attempt: int, reason: str) -> None: ...
    def printed(self, step: str, lines: list[str]) -> None: ...
    def ended(self, run: Run) -> None: ...


class Announcer:
    """Passes on what became of steps, once it is recorded.

    Args:
        observer: The display.
        changed: The user's functions by step, as in `Callbacks`. One that raises changes nothing, and is told of.
        complain: Takes a sentence about one that raised.
    """

    def __init__(
        self,
        observer: Observer,
        changed: Mapping[str, Callable[[StepStatus], object]],
        complain: Callable[[str], None],
    ) -> None:
        self._observer = observer
        self._changed = changed
        self.complain = complain
        self._status: dict[str, StepStatus] = {}

    def step(self, name: str, status: StepStatus, attempt: int, reason: str) -> None:
        """Tell that a step stands so now."""
        self._observer.step(name, status, attempt, reason)
        function = self._changed.get(name)
        before = self._status.get(name, StepStatus.PENDING)
        if function is None or before is status:
            return
        self._status[name] = status
        try:
            call(CHANGED, lambda: function(before))
        except StepFailed as error:
            self.complain(f"step {name!r}: {error.message}")
