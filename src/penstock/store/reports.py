"""Console lines and scalars, kept as chunks.

A chunk is msgpack of an array; one of more than a few bytes is compressed, and told apart by the first byte of zlib's
format, which no msgpack array begins with. Small chunks of a series are put together, within the appending transaction,
once a hundred have come: a million points that came one by one are read from five hundred rows.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, groupby
from math import isnan, nan
from typing import Final, TypeVar

import msgspec
from msgspec.structs import replace

from penstock.core.errors import Invalid
from penstock.core.outputs import ConsoleLine, ScalarPoint, ScalarSeries, ScalarSummary
from penstock.ops.outputs import ConsoleChunk, NewPoints
from penstock.store.sql import Session

T = TypeVar("T")

LOOSE: Final = 100
"""So many chunks of a series come before they are put together."""

FULL: Final = 2000
"""A chunk of so many points stays as it is."""

_ZLIB: Final = 0x78
_NOT_WORTH_IT: Final = 256  # bytes below which compression saves nothing that matters

_lines = msgspec.msgpack.Decoder(tuple[ConsoleLine, ...])
_points = msgspec.msgpack.Decoder(tuple[ScalarPoint, ...])


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

    def console(self, task: str, *, whole_run: bool, after: int, limit: int) -> list[ConsoleChunk]:
        """Return chunks after one, as they came: of a task, or of a run and its steps."""
        column = "run" if whole_run else "task"
        rows = self._session.rows(
            f"SELECT id, task, data FROM console WHERE {column} = ? AND id > ? ORDER BY id LIMIT ?", task, after, limit
        )
        return [ConsoleChunk(id=id, task=task, lines=_unpack(data, _lines)) for id, task, data in rows]

    def last_lines(self, tasks: Sequence[str]) -> dict[str, str]:
        """Return the last line of each task that printed anything."""
        sql = """SELECT c.task, c.data FROM tasks t
            JOIN console c ON c.id = (SELECT MAX(id) FROM console WHERE task = t.id) WHERE t.id IN ({values})"""
        return {task: _unpack(data, _lines)[-1].text for task, data in self._session.rows_among(sql, tasks)}

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
            held = _joined(row[0] for row in self._session.rows(sql, found[0]))
            self._session.run("DELETE FROM scalar_chunks WHERE series = ?", found[0])
            self._session.run("DELETE FROM scalar_series WHERE id = ?", found[0])
            self.append_scalars(task, [replace(one, points=_without(held, one.points))])

    def scalars(self, task: str) -> list[ScalarSeries]:
        """Return all points of all series, by title and series."""
        rows = self._session.rows(
            """SELECT s.title, s.series, c.data FROM scalar_series s JOIN scalar_chunks c ON c.series = s.id
                WHERE s.task = ? ORDER BY s.title, s.series, c.id""",
            task,
        )
        return [
            ScalarSeries(title=title, series=series, points=_joined(row[2] for row in chunks))
            for (title, series), chunks in groupby(rows, key=lambda row: (row[0], row[1]))
        ]

    def summaries(self, task: str) -> list[ScalarSummary]:
        """Return what is known of each series without its points, by title and series."""
        rows = self._session.rows(
            """SELECT title, series, last, minimum, maximum, count, iteration FROM scalar_series
                WHERE task = ? ORDER BY title, series""",
            task,
        )
        return [
            ScalarSummary(
                title=title,
                series=series,
                last=_value(last),
                minimum=_value(minimum),
                maximum=_value(maximum),
                count=count,
                iteration=iteration,
            )
            for title, series, last, minimum, maximum, count, iteration in rows
        ]

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
            self._add_chunk(series, _joined(row[0] for row in rows))
        self._session.run("UPDATE scalar_series SET loose = 0 WHERE id = ?", series)

    def _add_chunk(self, series: int, points: Sequence[ScalarPoint]) -> None:
        self._session.run(
            "INSERT INTO scalar_chunks (series, count, data) VALUES (?, ?, ?)",
            series,
            len(points),
            _pack_points(points),
        )


def _joined(chunks: Iterable[bytes]) -> tuple[ScalarPoint, ...]:
    parts = [_unpack(data, _points) for data in chunks]
    return tuple(chain.from_iterable(parts))


def _bound(value: float) -> float | None:
    """Return the value as columns hold it: what is no number as NULL, since SQLite has no NaN."""
    return None if isnan(value) else value


def _value(column: float | None) -> float:
    return nan if column is None else column


def _pack(items: object) -> bytes:
    packed = msgspec.msgpack.encode(items)
    return zlib.compress(packed, 1) if len(packed) > _NOT_WORTH_IT else packed


def _unpack(data: bytes, decoder: msgspec.msgpack.Decoder[T]) -> T:
    return decoder.decode(zlib.decompress(data) if data[0] == _ZLIB else data)


def _pack_points(points: Sequence[ScalarPoint]) -> bytes:
    try:
        return _pack(points)
    except OverflowError as error:
        raise Invalid("an iteration beyond 64 bits cannot be stored") from error


def _pack_lines(lines: Sequence[ConsoleLine]) -> bytes:
    try:
        return _pack(lines)
    except UnicodeEncodeError:
        return _pack([ConsoleLine(line.at, line.stream, _writable(line.text)) for line in lines])


def _writable(text: str) -> str:
    """Return the text with half characters spelled out: what a process prints must never be refused."""
    return text.encode("utf-8", "backslashreplace").decode()


def _without(points: Sequence[ScalarPoint], gone: Sequence[ScalarPoint]) -> tuple[ScalarPoint, ...]:
    """Return the points but those that are gone; packed, as NaN equals nothing."""
    left = Counter(map(msgspec.msgpack.encode, gone))
    kept: list[ScalarPoint] = []
    for point in points:
        packed = msgspec.msgpack.encode(point)
        if left[packed]:
            left[packed] -= 1
        else:
            kept.append(point)
    return tuple(kept)
