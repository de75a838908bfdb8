"""Takes scalars, plots and texts from user code and records them in the background.

Rule 1: reporting returns at once. Rule 2: it never raises into user code; a report that cannot be recorded is said
once on standard error. Rule 3: `close` waits for what was reported, but not for ever.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque

from penstock.backend import Backend
from penstock.blobs.files import FileBlobs
from penstock.core.outputs import ConsoleLine, Plot, ScalarPoint, Stream
from penstock.ops.base import Op
from penstock.ops.outputs import AppendConsole, NewPoints, ReportPlots, ReportScalars

PAUSE = 0.2  # seconds between two flushes
PATIENCE = 5.0  # seconds that close waits
LARGEST_BATCH = 10_000  # reports in one flush, so that one transaction stays short

Report = tuple[str, str, ScalarPoint] | Plot | ConsoleLine


class Reporter:
    """Records what is reported for one task.

    Args:
        backend: Where the reports go. A flush calls it from a thread of its own.
        task: Id of the task.
    """

    def __init__(self, backend: Backend, task: str) -> None:
        self._backend = backend
        self._task = task
        self._waiting: deque[Report] = deque()
        self._flushing = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()
        self._complained = False
        self._process = os.getpid()

    @property
    def blobs(self) -> FileBlobs:
        """Where the bytes of what is reported go."""
        return self._backend.blobs

    def scalar(self, title: str, series: str, value: float, iteration: int | None) -> None:
        """Take one point of a series."""
        self._take((title, series, ScalarPoint(iteration, value, time.time())))

    def plot(self, plot: Plot) -> None:
        """Take a plot."""
        self._take(plot)

    def text(self, text: str) -> None:
        """Take lines for the console that were not printed."""
        for line in text.splitlines() or [""]:
            self._take(ConsoleLine(time.time(), Stream.OUT, line))

    def flush(self, patience: float = PATIENCE) -> None:
        """Record what was reported so far, and see it recorded; give up after `patience` seconds."""
        deadline = time.monotonic() + patience
        while (left := deadline - time.monotonic()) > 0 and self._flushing.acquire(timeout=left):
            try:  # nothing may be waiting because the thread is just recording it: whoever has the lock knows
                if not self._waiting:
                    return
                self._record(self._take_batch())
            finally:
                self._flushing.release()

    def close(self) -> None:
        """Record what is left and stop the thread."""
        self._closed.set()
        if self._process == os.getpid():
            self.flush()

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
            self._thread = threading.Thread(target=self._work, name="penstock-reporter", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while not self._closed.wait(PAUSE):
            self.flush()

    def _take_batch(self) -> list[Report]:
        batch: list[Report] = []
        while self._waiting and len(batch) < LARGEST_BATCH:
            batch.append(self._waiting.popleft())
        return batch

    def _record(self, batch: list[Report]) -> None:
        for op in _operations(self._task, batch):
            try:
                self._backend.call(op)
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the user's work
                self.complain(f"a report could not be recorded: {error}")


def _operations(task: str, batch: list[Report]) -> list[Op[None]]:
    series: dict[tuple[str, str], list[ScalarPoint]] = {}
    plots: list[Plot] = []
    lines: list[ConsoleLine] = []
    for report in batch:
        if isinstance(report, Plot):
            plots.append(report)
        elif isinstance(report, ConsoleLine):
            lines.append(report)
        else:
            series.setdefault(report[:2], []).append(report[2])
    found: list[Op[None]] = []
    if series:
        points = [NewPoints(title=title, series=name, points=tuple(some)) for (title, name), some in series.items()]
        found.append(ReportScalars(task=task, series=tuple(points)))
    if plots:
        found.append(ReportPlots(task=task, plots=tuple(plots)))
    if lines:
        found.append(AppendConsole(task=task, lines=tuple(lines)))
    return found
