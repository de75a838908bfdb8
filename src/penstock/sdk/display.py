"""What a run shows where it was started: plain lines, or in a terminal a live table."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from penstock.core.progress import StepStatus
from penstock.core.run import Run
from penstock.sdk.wording import harmless

if TYPE_CHECKING:
    from penstock.run.announcer import Observer
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


class Careful:
    """Passes on to a display until the display fails; then it is left alone, and the run goes on."""

    def __init__(self, display: Observer) -> None:
        self._display = display
        self._works = True

    def begun(self, run: Run, steps: list[str]) -> None:
        """Pass it on."""
        self._pass_on(lambda: self._display.begun(run, steps))

    def step(self, name: str, status: StepStatus, attempt: int, reason: str) -> None:
        """Pass it on."""
        self._pass_on(lambda: self._display.step(name, status, attempt, reason))

    def printed(self, step: str, lines: list[str]) -> None:
        """Pass it on."""
        self._pass_on(lambda: self._display.printed(step, lines))

    def ended(self, run: Run) -> None:
        """Pass it on."""
        self._pass_on(lambda: self._display.ended(run))

    def _pass_on(self, call: Callable[[], None]) -> None:
        if not self._works:
            return
        try:
            call()
        except Exception as error:  # noqa: BLE001 - whatever it is, showing a run must not end it
            self._works = False
            with suppress(OSError, ValueError, AttributeError):
                sys.stderr.write(f"penstock: the display of the run failed: {type(error).__name__}: {error}\n")


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
        self._in_terminal = sys.stdout is not None and sys.stdout.isatty()  # pyright: ignore[reportUnnecessaryComparison]

    def begun(self, run: Run, steps: list[str]) -> None:
        """Say which run this is."""
        said = f"{len(steps)} steps" if steps else "its steps come as it goes"
        self._say(f"{run.task.name} v{run.version} ({run.id[:12]}): {said}")

    def step(self, name: str, status: StepStatus, attempt: int, reason: str) -> None:
        """Say what became of a step."""
        if status is StepStatus.QUEUED:
            return
        again = f" (try {attempt})" if attempt > 1 else ""
        self._say(f"{name}: {status}{again}{f': {reason}' if reason else ''}")

    def printed(self, step: str, lines: list[str]) -> None:
        """Pass on what a step printed."""
        shown = [harmless(line) for line in lines] if self._in_terminal else lines
        self._write("stdout", "".join(f"{step} | {line}\n" for line in shown))

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
            encoding = stream.encoding or "utf-8"
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
            stream.flush()
        except (OSError, ValueError, AttributeError):
            self._closed.add(name)
