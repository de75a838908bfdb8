"""Operations that look for text in what tasks printed."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from penstock.core.outputs import ConsoleLine
from penstock.ops.base import Op


class ConsolePlace(Struct, frozen=True, order=True):
    """Where a line stands: in which chunk, and the how manieth of it, from 0. Later lines have greater places."""

    chunk: int
    line: int


class ConsoleMatch(Struct, frozen=True, kw_only=True):
    """A line that holds the text that was looked for, and the task that printed it."""

    task: str
    place: ConsolePlace
    line: ConsoleLine


class ConsoleMatches(Struct, frozen=True, kw_only=True):
    """Lines that were found.

    Args:
        place: The last line that was looked at, from which a search goes on; None when there is none at all.
        is_over: Whether every line that is there by now was looked at.
    """

    matches: tuple[ConsoleMatch, ...]
    place: ConsolePlace | None
    is_over: bool


class SearchConsole(Op[ConsoleMatches], frozen=True, kw_only=True):
    """Return console lines that hold a text, in the order of arrival: of one task, or of a run and its steps.

    One call looks at a limited number of lines, so that none takes long: go on from `place` until it is over, and again
    when more was printed. Raises Invalid when the text is empty or a limit is below 1.

    Args:
        task: Id of the task, or of the run when `whole_run` is set.
        text: What a line must hold, letter by letter: it is no pattern. What steers a terminal, such as
            colours, is no part of a line.
        match_case: Whether `Error` and `error` are two texts.
        after: The place from which the search goes on; None begins with the first line.
        limit: At most this many matches.
        lines: At most this many lines are looked at.
    """

    task: str
    text: str
    whole_run: bool = False
    match_case: bool = False
    after: ConsolePlace | None = None
    limit: int = 100
    lines: int = 20_000
    reads: ClassVar[bool] = True
