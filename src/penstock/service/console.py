"""What the operations do that look for text in what tasks printed.

It must never know how lines are kept: chunks come out of the store readable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from penstock.core.errors import Invalid
from penstock.core.outputs import ConsoleLine
from penstock.core.steering import unsteered
from penstock.ops.console import ConsoleMatch, ConsoleMatches, ConsolePlace, SearchConsole
from penstock.service.base import handles

if TYPE_CHECKING:
    from penstock.ports import Tx

AT_FIRST, AT_MOST = 4, 200  # chunks that are read by one statement
AT_ONCE = 2_000  # lines that these should have together: what is read and not looked at costs time too
FIRST = ConsolePlace(0, -1)  # before every line


@handles(SearchConsole)
def search_console(tx: Tx, op: SearchConsole, now: float) -> ConsoleMatches:
    """Look at lines until enough are found, or enough were looked at."""
    tx.tasks.get(op.task)
    if not op.text:
        raise Invalid("nothing says what to look for in the console", hint="give a text of one letter or more")
    for name in ("limit", "lines"):
        if getattr(op, name) < 1:
            raise Invalid(f"{name} must be 1 or more, not {getattr(op, name)}")
    fits = _matcher(op.text, match_case=op.match_case)
    matches: list[ConsoleMatch] = []
    place = op.after
    for looked, (task, place, line) in enumerate(_lines(tx, op), 1):
        if fits(line.text):
            matches.append(ConsoleMatch(task=task, place=place, line=line))
        if len(matches) == op.limit or looked == op.lines:
            return ConsoleMatches(matches=tuple(matches), place=place, is_over=False)
    return ConsoleMatches(matches=tuple(matches), place=place, is_over=True)


def _matcher(text: str, *, match_case: bool) -> Callable[[str], bool]:
    if match_case:
        return lambda line: text in unsteered(line)
    folded = text.casefold()
    return lambda line: folded in unsteered(line).casefold()


def _lines(tx: Tx, op: SearchConsole) -> Iterator[tuple[str, ConsolePlace, ConsoleLine]]:
    """Yield the lines after the place from which the search goes on, as they came."""
    start = op.after or FIRST
    known = start.chunk - 1  # the chunk of that place may hold more lines
    count = AT_FIRST
    while chunks := tx.reports.console(op.task, whole_run=op.whole_run, after=known, limit=count):
        for chunk in chunks:
            for number, line in enumerate(chunk.lines):
                place = ConsolePlace(chunk.id, number)
                if place > start:
                    yield chunk.task, place, line
        known = chunks[-1].id
        lines = sum(len(chunk.lines) for chunk in chunks)
        count = min(max(AT_ONCE * len(chunks) // lines, 1), AT_MOST)
