"""What the operation on the log of a run does: puts together what its steps printed.

It must never know how lines are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from penstock.core.errors import Invalid
from penstock.ops.logs import LogLine, LogPage, LogSource, ReadLog
from penstock.ops.outputs import ConsoleChunk
from penstock.service.base import handles

if TYPE_CHECKING:
    from penstock.ports import Tx

AT_FIRST, AT_MOST = 16, 256  # chunks that are read by one statement
LOOKED_AT = 20_000  # lines of others that are passed over in one call
MOST = 20_000


@handles(ReadLog)
def read_log(tx: Tx, op: ReadLog, now: float) -> LogPage:
    """Read chunks until there are lines enough, and sort these by time."""
    tx.runs.get(op.run)
    if not 1 <= op.lines <= MOST:
        raise Invalid(f"lines must be 1 to {MOST:,}, not {op.lines}")
    known = {op.run: LogSource(task=op.run)} | {
        one.id: LogSource(task=one.id, step=one.step or "", attempt=one.attempt) for one in tx.overview.attempts(op.run)
    }
    wanted = {task for task, source in known.items() if op.steps is None or source.step in op.steps}
    kept: list[ConsoleChunk] = []
    read: list[int] = []
    count = passed = 0
    is_over = True
    for chunk in _chunks(tx, op):
        if count >= op.lines or passed >= LOOKED_AT:
            is_over = False
            break
        read.append(chunk.id)
        if chunk.task in wanted:
            kept.append(chunk)
            count += len(chunk.lines)
        else:
            passed += len(chunk.lines)
    return _page(kept, known, (min(read, default=op.after), max(read, default=op.after)), is_over=is_over)


def _page(
    chunks: list[ConsoleChunk], known: dict[str, LogSource], places: tuple[int, int], *, is_over: bool
) -> LogPage:
    chunks.sort(key=lambda chunk: chunk.id)
    numbers: dict[str, int] = {}
    for chunk in chunks:
        numbers.setdefault(chunk.task, len(numbers))
    lines = [LogLine(line.at, line.stream, numbers[chunk.task], line.text) for chunk in chunks for line in chunk.lines]
    lines.sort(key=lambda line: line.at)
    sources = tuple(known[task] for task in numbers)
    return LogPage(sources=sources, lines=tuple(lines), first=places[0], last=places[1], is_over=is_over)


def _chunks(tx: Tx, op: ReadLog) -> Iterator[ConsoleChunk]:
    """Yield the chunks of the range in the order in which they are read."""
    after, before, limit = op.after, op.before, AT_FIRST
    while found := tx.reports.console(
        op.run, whole_run=True, after=after, before=before, newest=op.newest, limit=limit
    ):
        yield from reversed(found) if op.newest else found
        if op.newest:
            before = found[0].id
        else:
            after = found[-1].id
        limit = min(limit * 2, AT_MOST)
