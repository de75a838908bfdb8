"""Operations on what a run and its steps printed, as one log."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from penstock.core.outputs import Stream
from penstock.ops.base import Op


class LogSource(Struct, frozen=True, kw_only=True):
    """Who printed: an attempt of a step, or the run itself.

    Args:
        task: Its id.
        step: Empty for the run itself.
    """

    task: str
    step: str = ""
    attempt: int = 0


class LogLine(Struct, frozen=True, array_like=True):
    """A line.

    Args:
        at: Epoch seconds when it was read.
        source: Which of the page's sources printed it, counted from 0.
        text: The line without its line break.
    """

    at: float
    stream: Stream
    source: int
    text: str


class LogPage(Struct, frozen=True, kw_only=True):
    """A part of a log.

    Args:
        sources: Who printed these lines.
        lines: By time; what came at one time in the order of arrival.
        first, last: The places at which it begins and ends: `before` of the page before, `after` of the next one.
        is_over: Whether nothing more is there by now, in the direction in which it was read.
    """

    sources: tuple[LogSource, ...] = ()
    lines: tuple[LogLine, ...] = ()
    first: int = 0
    last: int = 0
    is_over: bool = True


class ReadLog(Op[LogPage], frozen=True, kw_only=True):
    """Return a part of what a run and its steps printed, merged: from the beginning, from a place on, or the end of it.

    What steps print at once arrives in pieces: lines of two pages may lie a fraction of a second the wrong way round.

    Args:
        run: The run.
        steps: Only these steps; an empty name for the run itself; None for all.
        after: A place; 0 for the beginning.
        before: A place; None for the end.
        newest: Whether to read backwards, from the end of that range.
        lines: About so many lines, 1 to 20,000: a piece that arrived at once is not cut.
    """

    run: str
    steps: tuple[str, ...] | None = None
    after: int = 0
    before: int | None = None
    newest: bool = False
    lines: int = 1_000
    reads: ClassVar[bool] = True
