"""A run as a table in the terminal that changes while it goes.

The controller's thread only notes what happened, in a few assignments. Rich's own thread draws, some times a second,
from these notes; a frame costs in proportion to the rows that fit on the screen, not to the steps of the run. Whatever
goes wrong with the terminal ends the drawing and never the run.
"""

from __future__ import annotations

import atexit
import sys
import time
from collections import Counter, deque
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from penstock.core.progress import SETTLED, StepStatus
from penstock.core.run import Run
from penstock.core.task import Status
from penstock.sdk.wording import GLYPHS, STYLES, columns, cut, duration, first_line, harmless, labelled

FRAMES: Final = 8  # a second, at most
KEPT: Final = 20  # lines of a failed step that are printed at the end
SHOWN_FAILURES: Final = 5  # failed steps whose lines are printed at the end
NAME_SHARE: Final = 3  # a name takes at most this part of the width
AROUND: Final = 5  # rows of the screen that are not steps: title, summary, prompt
SHORTEST: Final = 12  # but this many columns it gets
SUMMED: Final = tuple(one for one in StepStatus if one not in {StepStatus.PENDING, StepStatus.QUEUED})


class _Row:
    """What is known of one step."""

    def __init__(self, name: str, position: int) -> None:
        self.name = name
        self.position = position
        self.status = StepStatus.PENDING
        self.attempt = 0
        self.reason = ""
        self.started = 0.0
        self.ended = 0.0
        self.lines: deque[str] = deque(maxlen=KEPT)

    def seconds(self, now: float) -> float | None:
        """Return how long its latest attempt has been going, or went."""
        if not self.started:
            return None
        return (self.ended or now) - self.started

    def says(self) -> str:
        """Return what stands behind the step: why it stands as it does, or what it printed last."""
        if self.status is not StepStatus.RUNNING and self.reason:
            return first_line(self.reason)
        return harmless(self.lines[-1].strip()) if self.lines else ""


class _Live(Live):
    """Rich's display, which goes quiet when the terminal is gone instead of ending a thread or the process."""

    def refresh(self) -> None:
        """Draw a frame."""
        try:
            super().refresh()
        except (Exception, SystemExit):  # noqa: BLE001 - whatever a broken terminal raises, the run goes on
            self.console.quiet = True


class LiveTable:
    """Watches a run and shows it in the terminal.

    Args:
        console: Where to; None for standard error.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False, markup=False, emoji=False)
        self._rows: dict[str, _Row] = {}
        self._running: dict[str, _Row] = {}
        self._failed: dict[str, _Row] = {}
        self._recent: deque[_Row] = deque(maxlen=200)  # more than fit on a screen
        self._counts: Counter[StepStatus] = Counter()
        self._longest = 0
        self._title = ""
        self._status = Status.IN_PROGRESS
        self._began = time.monotonic()
        self._ended = 0.0
        self._live: _Live | None = None

    def begun(self, run: Run, steps: list[str]) -> None:
        """Start to draw."""
        self._rows = {name: _Row(name, position) for position, name in enumerate(steps)}
        self._longest = max((columns(harmless(name)) for name in steps), default=0)
        self._counts = Counter({StepStatus.PENDING: len(steps)})
        self._running, self._failed = {}, {}
        self._recent.clear()
        self._title = harmless(f"{run.task.name}  v{run.version}")
        self._status = Status.IN_PROGRESS
        self._began, self._ended = time.monotonic(), 0.0
        atexit.register(self._stop)  # the cursor comes back, whatever happens
        try:
            self._live = _Live(get_renderable=self._draw, console=self._console, refresh_per_second=FRAMES)
            self._live.start()
        except (Exception, SystemExit):  # noqa: BLE001 - a display that cannot be had is no reason not to run
            self._stop()

    def step(self, name: str, status: StepStatus, attempt: int, reason: str) -> None:
        """Note that a step's status changed."""
        if name not in self._rows:  # the run got it just now
            self._rows[name] = _Row(name, len(self._rows))
            self._longest = max(self._longest, columns(harmless(name)))
            self._counts[StepStatus.PENDING] += 1
        row = self._rows[name]
        self._counts[row.status] -= 1
        self._counts[status] += 1
        row.status, row.reason = status, reason
        row.attempt = attempt or row.attempt
        self._running.pop(name, None)
        self._failed.pop(name, None)
        if status is StepStatus.RUNNING:
            row.started, row.ended = time.monotonic(), 0.0
            row.lines.clear()
            self._running[name] = row
        elif status in SETTLED:
            row.ended = time.monotonic()
            self._recent.append(row)
            if status is StepStatus.FAILED:
                self._failed[name] = row

    def printed(self, step: str, lines: list[str]) -> None:
        """Note what a step printed last."""
        self._rows[step].lines.extend(lines[-KEPT:])

    def ended(self, run: Run) -> None:
        """Leave the table as it is now, and below it what the failed steps printed last."""
        self._status, self._ended = run.task.status, time.monotonic()
        self._stop()
        try:
            if run.task.status is not Status.COMPLETED:
                self._explain(run)
        except (Exception, SystemExit):  # noqa: BLE001 - nobody is left to read it
            self._console.quiet = True

    def _stop(self) -> None:
        """End the drawing, with a last frame."""
        live, self._live = self._live, None
        atexit.unregister(self._stop)
        if live is None:
            return
        try:
            live.stop()
        except (Exception, SystemExit):  # noqa: BLE001 - the terminal is gone; Rich leaves the process for that
            self._console.quiet = True

    def _draw(self) -> Group:
        now = self._ended or time.monotonic()
        room = max(self._console.height - AROUND, 3)
        rows = list(self._rows.values()) if len(self._rows) <= room else self._chosen(room)
        lines = [self._head(now), *self._lines(rows, now)]
        if len(rows) < len(self._rows):
            lines.append(self._summary())
        return Group(*lines)

    def _chosen(self, room: int) -> list[_Row]:
        """Return the rows that matter most just now, in the order of the steps; at the end, those that failed."""
        candidates = [*tuple(self._running.values()), *tuple(self._failed.values())]
        if not self._ended:
            candidates += reversed(tuple(self._recent))
        chosen = {row.name: row for row in candidates}
        return sorted(list(chosen.values())[:room], key=lambda row: row.position)

    def _head(self, now: float) -> Text:
        text = Text(no_wrap=True, overflow="ellipsis").append(self._title, style="bold")
        text.append(f"  {labelled(self._status)}", style=STYLES[self._status])
        return text.append(f"  {duration(now - self._began)}", style="dim")

    def _lines(self, rows: list[_Row], now: float) -> list[Text]:
        width = self._console.width
        name_width = min(self._longest, max(width // NAME_SHARE, SHORTEST))
        shown = [(row, _status(row), _length(row, now)) for row in rows]
        status_width = max((len(status) for _, status, _ in shown), default=0)
        length_width = max((len(length) for _, _, length in shown), default=0)
        lines: list[Text] = []
        for row, status, length in shown:
            name = cut(harmless(row.name), name_width)
            line = Text(f"{GLYPHS[row.status]} {name}{' ' * (name_width - columns(name))}", no_wrap=True)
            line.append(f"  {status:{status_width}}  ").stylize(STYLES[row.status])
            line.append(f"{length:>{length_width}}  ")
            said = cut(row.says(), max(width - columns(line.plain), 0))
            lines.append(line.append(said, style="red" if row.status is StepStatus.FAILED else "dim"))
        return lines

    def _summary(self) -> Text:
        """Return how many steps stand in which status."""
        waiting = self._counts[StepStatus.PENDING] + self._counts[StepStatus.QUEUED]
        found = [f"{self._counts[status]:,} {status}" for status in SUMMED if self._counts[status]]
        found += [f"{waiting:,} waiting"] if waiting else []
        return Text(", ".join(found), style="dim", no_wrap=True)

    def _explain(self, run: Run) -> None:
        """Print the last lines of the failed steps, and why the run ended."""
        failed = list(self._failed.values())
        for row in failed[:SHOWN_FAILURES]:
            self._console.print(Text(f"\n{harmless(row.name)} failed: {first_line(row.reason)}", style="bold red"))
            for line in row.lines:
                self._console.print(Text(f"  {harmless(line)}"), soft_wrap=True)
        if len(failed) > SHOWN_FAILURES:
            self._console.print(Text(f"\nand {len(failed) - SHOWN_FAILURES} more steps failed"))
        why = f": {first_line(run.task.message)}" if run.task.message else ""
        self._console.print(Text(f"\n{harmless(run.task.name)} {run.task.status}{why}", style=STYLES[run.task.status]))
        sys.stderr.flush()


def _status(row: _Row) -> str:
    return f"{row.status} ({row.attempt})" if row.attempt > 1 else str(row.status)


def _length(row: _Row, now: float) -> str:
    seconds = row.seconds(now)
    return "" if seconds is None else duration(seconds)
