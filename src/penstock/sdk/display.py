"""What a run shows where it was started: plain lines, or in a terminal a live table."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from penstock.core.progress import StepStatus
from penstock.core.run import Run

if TYPE_CHECKING:
    from penstock.run.controller import Observer
    from penstock.settings import Settings


def observer(settings: Settings) -> Observer:
    """Return the display that the settings ask for."""
    wanted = settings.progress
    if wanted == "auto":
        wanted = "live" if sys.stderr.isatty() and sys.stdout.isatty() else "plain"
    if wanted == "none":
        return Silent()
    if wanted == "plain":
        return PlainLines()
    from penstock.sdk.live import LiveTable

    return LiveTable()


class Silent:
    """Shows nothing."""

    def begun(self, run: Run, steps: list[str]) -> None:
        """Show nothing."""

    def step(self, name: str, status: StepStatus, attempt: int, reason: str) -> None:
        """Show nothing."""

    def printed(self, step: str, lines: list[str]) -> None:
        """Show nothing."""

    def ended(self, run: Run) -> None:
        """Show nothing."""


class PlainLines:
    """One line a change, on standard error; what steps print goes to standard output, behind the step's name."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._closed: set[str] = set()

    def begun(self, run: Run, steps: list[str]) -> None:
        """Say which run this is."""
        self._say(f"{run.task.name} v{run.version} ({run.id[:12]}): {len(steps)} steps")

    def step(self, name: str, status: StepStatus, attempt: int, reason: str) -> None:
        """Say what became of a step."""
        if status is StepStatus.QUEUED:
            return
        again = f" (try {attempt})" if attempt > 1 else ""
        self._say(f"{name}: {status}{again}{f': {reason}' if reason else ''}")

    def printed(self, step: str, lines: list[str]) -> None:
        """Pass on what a step printed."""
        self._write("stdout", "".join(f"{step} | {line}\n" for line in lines))

    def ended(self, run: Run) -> None:
        """Say how the run ended."""
        why = f": {run.task.message}" if run.task.message else ""
        self._say(f"{run.task.name}: {run.task.status}{why}")

    def _say(self, text: str) -> None:
        self._write("stderr", f"[{time.monotonic() - self._began:8.2f} s] {text}\n")

    def _write(self, name: str, text: str) -> None:
        """Write to a standard stream; one that was closed by its reader is left alone from then on."""
        if name in self._closed:
            return
        try:
            stream = getattr(sys, name)
            stream.write(text)
            stream.flush()
        except (OSError, ValueError, AttributeError):
            self._closed.add(name)
