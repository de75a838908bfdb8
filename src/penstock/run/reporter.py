"""Takes scalars, plots and texts from user code and records them in the background.

Rule 1: reporting returns at once, unless so much waits that memory would run out. Rule 2: it never raises into user
code; a report that cannot be recorded is said once on standard error, and takes no other along. Rule 3: `close` waits
for what was reported as long as something is recorded, but not for ever.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from penstock.backend import Backend
from penstock.blobs.files import FileBlobs
from penstock.core.outputs import ConsoleLine, Plot, ScalarPoint, Stream
from penstock.ops.base import Op
from penstock.ops.outputs import AppendConsole, NewPoints, ReportPlots, ReportScalars

PAUSE = 0.2  # seconds between two flushes
PATIENCE = 5.0  # seconds that flush and close wait for what does not come about
LARGEST_BATCH = 10_000  # reports in one flush, so that one transaction stays short
MOST_WAITING = 50 * LARGEST_BATCH  # reports, some 80 MB of them, before whoever reports has to help
_LIMIT = 1 << 63  # of iterations, in both directions

Scalar = tuple[str, str, int | None, float, float]  # title, series, iteration, value, time
Report = Scalar | Plot | ConsoleLine


class Source(Protocol):
    """Somebody else who has lines for the console, and keeps them until they are taken."""

    def push(self) -> None:
        """See that all that was printed can be taken."""

    def take(self) -> Sequence[ConsoleLine]:
        """Return some lines, the next ones; none when there are none."""
        ...


class Reporter:
    """Records what is reported for one task.

    Args:
        backend: Where the reports go. A flush calls it from a thread of its own.
        task: Id of the task.

    Attributes:
        hears_prints: Whether what this process prints is recorded for this task anyway.
        destination: What the user named as the place for images and media.
        first_iteration: What is added to the iterations that are reported: of a task that goes on, where it was.
    """

    def __init__(self, backend: Backend, task: str) -> None:
        self._backend = backend
        self._task = task
        self._waiting: deque[Report] = deque()
        self._sources: tuple[Source, ...] = ()
        self._flushing = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()
        self._woken = threading.Event()
        self._complained = False
        self._stuck = False
        self._recorded = 0
        self._process = os.getpid()
        self.destination: str | None = None
        self.hears_prints = False
        self.first_iteration = 0

    @property
    def blobs(self) -> FileBlobs:
        """Where the bytes of what is reported go."""
        return self._backend.blobs

    def scalar(self, title: str, series: str, value: float, iteration: int | None) -> None:
        """Take one point of a series."""
        place = None if iteration is None else iteration + self.first_iteration
        self._take((title, series, place, value, time.time()))

    def plot(self, plot: Plot) -> None:
        """Take a plot."""
        self._take(plot)

    def text(self, text: str) -> None:
        """Take lines for the console that were not printed."""
        for line in _writable(text).splitlines() or [""]:
            self._take(ConsoleLine(time.time(), Stream.OUT, line))

    def add_source(self, source: Source) -> None:
        """Record the lines of a source as well, from now on."""
        self._sources = (*self._sources, source)
        self._start()

    def remove_source(self, source: Source) -> None:
        """Record what a source still has, and ask it no more."""
        self._drain(PATIENCE, renewed=True)
        self._sources = tuple(one for one in self._sources if one is not source)

    def wake(self) -> None:
        """Record what there is without waiting for the next turn."""
        self._woken.set()

    def flush(self, patience: float = PATIENCE) -> bool:
        """Record what was reported so far, and see it recorded; give up after `patience` seconds.

        Returns:
            Whether all is recorded. A forked process has nothing of its own to record.
        """
        if self._process != os.getpid():
            return True
        for source in self._sources:
            source.push()
        return self._drain(patience, renewed=False)

    def close(self) -> None:
        """Record what is left and stop the thread."""
        if self._process != os.getpid():
            return
        for source in self._sources:
            source.push()
        self._closed.set()
        self._woken.set()
        if not self._drain(PATIENCE, renewed=True):
            self.complain(f"{len(self._waiting)} reports are not recorded: that took too long")

    def complain(self, what: str) -> None:
        """Say once, on standard error, that something could not be recorded."""
        if not self._complained:
            self._complained = True
            print(f"penstock: {what}", file=sys.stderr)  # noqa: T201 - this is where a user looks

    def _take(self, report: Report) -> None:
        if self._process != os.getpid():
            self.complain("what is reported from a process that the step forked itself is not recorded")
            return
        self._waiting.append(report)
        if self._thread is None:
            self._start()
        if len(self._waiting) >= MOST_WAITING and not self._stuck:
            self._stuck = not self._drain(PATIENCE, renewed=True)

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="penstock-reporter", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while not self._closed.is_set():
            self._woken.wait(PAUSE)
            self._woken.clear()
            self._drain(PATIENCE, renewed=True)

    def _drain(self, patience: float, *, renewed: bool) -> bool:
        """Record until nothing waits; return whether it came to that.

        Args:
            renewed: Whether patience begins anew whenever something was recorded.
        """
        deadline, before = time.monotonic() + patience, self._recorded
        while True:
            if self._flushing.acquire(timeout=max(0.0, deadline - time.monotonic())):
                try:  # nothing may be waiting because the thread is just recording it: whoever has the lock knows
                    if not self._record_some():
                        return True
                finally:
                    self._flushing.release()
            if renewed and self._recorded != before:  # by whoever: the other thread may have had every turn
                deadline, before = time.monotonic() + patience, self._recorded
            if time.monotonic() >= deadline:
                return False

    def _record_some(self) -> bool:
        batch: list[Report] = []
        while self._waiting and len(batch) < LARGEST_BATCH:
            batch.append(self._waiting.popleft())
        for source in self._sources:
            batch += source.take()
        for op in _operations(self._task, batch, self._refused):
            try:
                self._backend.call(op)
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the user's work
                self._refused(str(error))
        self._stuck = False
        self._recorded += len(batch)
        return bool(batch)

    def _refused(self, why: str) -> None:
        self.complain(f"a report could not be recorded: {why}")


def _operations(task: str, batch: list[Report], refused: Callable[[str], None]) -> list[Op[None]]:
    """Return what records these reports. One that would be refused is left out, or it would take the others along."""
    points = _by_series([one for one in batch if isinstance(one, tuple)], refused)
    plots = [one for one in batch if isinstance(one, Plot) and _is_text((one.title, one.series, one.data), refused)]
    lines = [one for one in batch if isinstance(one, ConsoleLine)]
    found: list[Op[None]] = []
    if points:
        found.append(ReportScalars(task=task, series=points))
    if plots:
        found.append(ReportPlots(task=task, plots=tuple(plots)))
    if lines:
        found.append(AppendConsole(task=task, lines=tuple(lines)))
    return found


def _by_series(reports: list[Scalar], refused: Callable[[str], None]) -> tuple[NewPoints, ...]:
    series: dict[tuple[str, str], list[ScalarPoint]] = {}
    for title, name, iteration, value, at in reports:
        if iteration is None or -_LIMIT <= iteration < _LIMIT:
            series.setdefault((title, name), []).append(ScalarPoint(iteration, value, at))
        else:
            refused("an iteration beyond 64 bits cannot be stored")
    return tuple(
        NewPoints(title=names[0], series=names[1], points=tuple(points))
        for names, points in series.items()
        if _is_text(names, refused)
    )


def _is_text(texts: Sequence[str], refused: Callable[[str], None]) -> bool:
    found = all(_writable(text) == text for text in texts)
    if not found:
        refused(f"{texts[0]!r} has a name or data that is no Unicode")
    return found


def _writable(text: str) -> str:
    """Return the text with half characters spelled out."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
