"""Console lines and scalars, kept as chunks.

A chunk of lines is msgpack of an array; one of more than a few bytes is compressed, and told apart by the first byte
of zlib's format, which no msgpack array begins with. Lines of one stream that were written at once may be kept as one
text, with the line breaks between them: whoever reads gets them apart. How points become bytes stands in `points`.
Small chunks of a series are put together, within the appending transaction, once a hundred have come: a million points
that came one by one are read from five hundred rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from math import isnan, nan
from typing import Final

import msgspec
from msgspec.structs import replace

from penstock.core.outputs import ConsoleLine, ScalarPoint, ScalarSeries, ScalarSummary
from penstock.ops.outputs import ConsoleChunk, NewPoints
from penstock.store import points
from penstock.store.sql import Row, Session, marks

LAST: Final = 2**63 - 1
"""An id that comes after every other."""

LOOSE: Final = 100
"""So many chunks of a series come before they are put together."""

FULL: Final = 2000
"""A chunk of so many points stays as it is."""

_lines = msgspec.msgpack.Decoder(tuple[ConsoleLine, ...])


class SqlReports:
    """Console lines and scalars."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def append_console(self, task: str, run: str | None, lines: Sequence[ConsoleLine]) -> None:
        """Append lines to the console of a task, which is a step of this run."""
        if lines:
            self._session.run(
                "INSERT INTO console (task, run, at, data) VALUES (?, ?, ?, ?)",
                task,
                run or task,
                lines[0].at,
                _pack_lines(lines),
            )

    def console(
        self, task: str, *, whole_run: bool, after: int, limit: int, before: int | None = None, newest: bool = False
    ) -> list[ConsoleChunk]:
        """Return chunks of a range, as they came: of a task, or of a run and its steps."""
        column, order = "run" if whole_run else "task", "DESC" if newest else "ASC"
        rows = self._session.rows(
            f"SELECT id, task, data FROM console WHERE {column} = ? AND id > ? AND id < ? ORDER BY id {order} LIMIT ?",
            task,
            after,
            LAST if before is None else before,
            limit,
        )
        rows = rows[::-1] if newest else rows
        return [ConsoleChunk(id=id, task=task, lines=_unpack_lines(data)) for id, task, data in rows]

    def last_lines(self, tasks: Sequence[str]) -> dict[str, str]:
        """Return the last line of each task that printed anything."""
        sql = """SELECT c.task, c.data FROM tasks t
            JOIN console c ON c.id = (SELECT MAX(id) FROM console WHERE task = t.id) WHERE t.id IN ({values})"""
        return {task: _unpack_lines(data)[-1].text for task, data in self._session.rows_among(sql, tasks)}

    def append_scalars(self, task: str, series: Sequence[NewPoints]) -> None:
        """Append points to series of a task."""
        for one in series:
            if one.points:
                self._append(task, one)

    def remove_scalars(self, task: str, series: Sequence[NewPoints]) -> None:
        """Remove exactly these points from series of a task, as often as they are given; others stay in their order."""
        for one in series:
            found = self._session.first(
                "SELECT id FROM scalar_series WHERE task = ? AND title = ? AND series = ?", task, one.title, one.series
            )
            if found is None:
                continue
            sql = "SELECT data FROM scalar_chunks WHERE series = ? ORDER BY id"
            held = points.joined(row[0] for row in self._session.rows(sql, found[0]))
            self._session.run("DELETE FROM scalar_chunks WHERE series = ?", found[0])
            self._session.run("DELETE FROM scalar_series WHERE id = ?", found[0])
            self.append_scalars(task, [replace(one, points=_without(held, one.points))])

    def scalars(self, task: str, titles: Sequence[str] | None = None, most: int | None = None) -> list[ScalarSeries]:
        """Return the points of series, by title and series.

        Args:
            titles: Only the series of these titles; None for all.
            most: At most so many points of each series, as a drawing needs them; None for all.
        """
        return [
            ScalarSeries(
                title=title,
                series=series,
                points=points.joined(data) if most is None else points.thinned(data, most),
            )
            for title, series, data in self._chunks(task, titles)
        ]

    def _chunks(self, task: str, titles: Sequence[str] | None) -> list[tuple[str, str, list[bytes]]]:
        """Return the bytes of the chunks of each series, by title and series."""
        sql = """SELECT s.title, s.series, c.data FROM scalar_series s JOIN scalar_chunks c ON c.series = s.id
                WHERE s.task = ?{among} ORDER BY s.title, s.series, c.id"""
        among = "" if titles is None else f" AND s.title IN ({marks(titles)})" if titles else " AND 1 = 0"
        rows = self._session.rows(sql.format(among=among), task, *(titles or ()))
        return [
            (title, series, [row[2] for row in chunks])
            for (title, series), chunks in groupby(rows, key=lambda row: (row[0], row[1]))
        ]

    def summaries(self, task: str) -> list[ScalarSummary]:
        """Return what is known of each series without its points, by title and series."""
        rows = self._session.rows(
            """SELECT title, series, last, minimum, maximum, count, iteration FROM scalar_series
                WHERE task = ? ORDER BY title, series""",
            task,
        )
        return [summary_of(row) for row in rows]

    def copy_scalars(self, source: str, target: str) -> None:
        """Give a task the series of another one; those of its own with the same name get their points as well."""
        self.append_scalars(
            target, [NewPoints(title=one.title, series=one.series, points=one.points) for one in self.scalars(source)]
        )

    def _append(self, task: str, new: NewPoints) -> None:
        numbers = [point.value for point in new.points if not isnan(point.value)]
        last = new.points[-1]
        row = self._session.first(
            """INSERT INTO scalar_series (task, title, series, last, minimum, maximum, count, iteration, loose)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT (task, title, series) DO UPDATE SET
                last = excluded.last, iteration = excluded.iteration,
                count = scalar_series.count + excluded.count, loose = scalar_series.loose + 1,
                minimum = CASE WHEN scalar_series.minimum IS NULL OR excluded.minimum < scalar_series.minimum
                    THEN excluded.minimum ELSE scalar_series.minimum END,
                maximum = CASE WHEN scalar_series.maximum IS NULL OR excluded.maximum > scalar_series.maximum
                    THEN excluded.maximum ELSE scalar_series.maximum END
                RETURNING id, loose""",
            task,
            new.title,
            new.series,
            _bound(last.value),
            min(numbers, default=None),
            max(numbers, default=None),
            len(new.points),
            last.iteration,
        )
        assert row is not None  # noqa: S101 - an upsert always returns its row
        series, loose = row
        self._add_chunk(series, new.points)
        if loose >= LOOSE:
            self._put_together(series)

    def _put_together(self, series: int) -> None:
        full = self._session.first(
            "SELECT id FROM scalar_chunks WHERE series = ? AND count >= ? ORDER BY id DESC LIMIT 1", series, FULL
        )
        # Only what came after the last full chunk: joining across it would change the order of the points.
        last_full = full[0] if full else 0
        rows = self._session.rows(
            "SELECT data FROM scalar_chunks WHERE series = ? AND id > ? ORDER BY id", series, last_full
        )
        self._session.run("DELETE FROM scalar_chunks WHERE series = ? AND id > ?", series, last_full)
        if rows:
            self._add_chunk(series, points.joined(row[0] for row in rows))
        self._session.run("UPDATE scalar_series SET loose = 0 WHERE id = ?", series)

    def _add_chunk(self, series: int, some: Sequence[ScalarPoint]) -> None:
        self._session.run(
            "INSERT INTO scalar_chunks (series, count, data) VALUES (?, ?, ?)", series, len(some), points.pack(some)
        )


def summary_of(row: Row) -> ScalarSummary:
    """Return what a row says of a series: title, series, last, minimum, maximum, count, iteration."""
    title, series, last, minimum, maximum, count, iteration = row
    return ScalarSummary(
        title=title,
        series=series,
        last=_value(last),
        minimum=_value(minimum),
        maximum=_value(maximum),
        count=count,
        iteration=iteration,
    )


def _bound(value: float) -> float | None:
    """Return the value as columns hold it: what is no number as NULL, since SQLite has no NaN."""
    return None if isnan(value) else value


def _value(column: float | None) -> float:
    return nan if column is None else column


def _pack_lines(lines: Sequence[ConsoleLine]) -> bytes:
    try:
        packed = msgspec.msgpack.encode(lines)
    except UnicodeEncodeError:
        packed = msgspec.msgpack.encode([replace(line, text=_writable(line.text)) for line in lines])
    return points.compress(packed)


def _unpack_lines(data: bytes) -> tuple[ConsoleLine, ...]:
    lines = _lines.decode(points.decompress(data))
    return tuple(_apart(lines)) if any("\n" in line.text for line in lines) else lines


def _apart(lines: Sequence[ConsoleLine]) -> Iterator[ConsoleLine]:
    for line in lines:
        for text in line.text.split("\n"):
            yield ConsoleLine(line.at, line.stream, text)


def _writable(text: str) -> str:
    """Return the text with half characters spelled out: what a process prints must never be refused."""
    return text.encode("utf-8", "backslashreplace").decode()


def _without(held: Sequence[ScalarPoint], gone: Sequence[ScalarPoint]) -> tuple[ScalarPoint, ...]:
    """Return the points but those that are gone; packed, as NaN equals nothing."""
    left = Counter(map(msgspec.msgpack.encode, gone))
    kept: list[ScalarPoint] = []
    for point in held:
        packed = msgspec.msgpack.encode(point)
        if left[packed]:
            left[packed] -= 1
        else:
            kept.append(point)
    return tuple(kept)
