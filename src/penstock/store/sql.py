"""Running statements within one transaction, and the small words that statements are put together from.

Values are always bound, never written into a statement. What is put together as text is names from our own code.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Protocol, TypeVar

import msgspec

from penstock.core.errors import Invalid, NotFound
from penstock.store.dialect import Dialect

Value = str | int | float | bytes | None
Row = tuple[Any, ...]
T = TypeVar("T")

MOST_VALUES = 500
"""Values in one list of a statement; databases allow 999 at the least."""

FEW = 8
"""Lines that are appended to the change feed by one statement, which tells how they are numbered."""


class Cursor(Protocol):
    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...


class ManyCursor(Protocol):
    def executemany(self, sql: str, rows: Iterable[Sequence[Value]], /) -> object: ...


class Connection(Protocol):
    def execute(self, sql: str, values: Sequence[Value] = ..., /) -> Cursor: ...
    def cursor(self) -> ManyCursor: ...


class Session:
    """Runs the statements of one transaction, and none after its end.

    Args:
        connection: Where the transaction is open.
        dialect: The words of its database.
    """

    __slots__ = ("_appended", "_connection", "_dialect", "loose", "numbered", "projects")

    def __init__(self, connection: Connection, dialect: Dialect) -> None:
        self._connection: Connection | None = connection
        self._dialect = dialect
        self.projects: tuple[str, ...] = ()  # what lists are limited to, with what lies below; nothing for no limit
        self._appended: list[tuple[str, Sequence[Value]]] = []
        self.numbered: list[Row] = []  # of what was appended each number with its values, where few lines were
        self.loose: dict[str, float] = {}  # blobs that lost a reference, each with the time that the record had

    def run(self, sql: str, *values: Value) -> Cursor:
        """Run one statement."""
        try:
            return self._open().execute(self._dialect.statement(sql), values)
        except (UnicodeEncodeError, OverflowError) as error:
            raise _not_storable(error) from error

    def run_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Run one statement for each of these rows of values."""
        try:
            self._open().cursor().executemany(self._dialect.statement(sql), rows)
        except (UnicodeEncodeError, OverflowError) as error:
            raise _not_storable(error) from error

    def append(self, sql: str, *values: Value) -> None:
        """Append a line to the change feed, at the end of the transaction: others wait for their turn.

        Whoever takes that turn at the end waits for nobody while others wait for it.

        Args:
            sql: An `INSERT` up to its `VALUES`. What numbers the lines is called `seq`.
        """
        self._appended.append((sql, values))

    def settle(self) -> None:
        """Run what was put off to the end of the transaction."""
        if self._appended and self._dialect.append:
            self.run(self._dialect.append)
        appended, self._appended = self._appended, []
        for sql, lines in groupby(appended, key=itemgetter(0)):
            rows = [values for _, values in lines]
            line = f"({marks(rows[0])})"
            if len(rows) > FEW:
                self.run_many(f"{sql} {line}", rows)
                continue
            values = [value for row in rows for value in row]
            numbers = sorted(self.rows(f"{sql} {', '.join([line] * len(rows))} RETURNING seq", *values))
            self.numbered += [(*number, *row) for number, row in zip(numbers, rows, strict=True)]

    def first(self, sql: str, *values: Value) -> Row | None:
        """Return the first row of the result, None when there is none."""
        row: Row | None = self.run(sql, *values).fetchone()
        return row

    def rows(self, sql: str, *values: Value) -> list[Row]:
        """Return all rows of the result."""
        return self.run(sql, *values).fetchall()

    def rows_among(self, sql: str, values: Sequence[Value]) -> list[Row]:
        """Return the rows for any number of values; `{values}` in the statement stands for their list."""
        return [row for some in slices(values) for row in self.rows(sql.replace("{values}", marks(some)), *some)]

    def change(self, missing: str, sql: str, *values: Value) -> None:
        """Run a statement that has to change a row; raise NotFound saying that `missing` is when it changes none."""
        if self.run(sql, *values).rowcount == 0:
            raise NotFound(f"there is no {missing}")

    @property
    def dialect(self) -> Dialect:
        """The words of the database."""
        return self._dialect

    def end(self) -> None:
        """Refuse every further statement."""
        self._connection = None

    def _open(self) -> Connection:
        if self._connection is None:
            raise RuntimeError("this transaction has ended")
        return self._connection


def slices(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Cut the values into pieces that a statement can take."""
    return (values[start : start + MOST_VALUES] for start in range(0, len(values), MOST_VALUES))


def marks(values: Sequence[object]) -> str:
    """Return a placeholder for each value."""
    return ", ".join("?" * len(values))


def upsert(table: str, key: str, columns: str) -> str:
    """Return the statement that adds a row, or replaces the columns of the one that has its key."""
    names = f"{key}, {columns}"
    updates = ", ".join(f"{column} = excluded.{column}" for column in columns.split(", "))
    return (
        f"INSERT INTO {table} ({names}) VALUES ({marks(names.split(', '))}) ON CONFLICT ({key}) DO UPDATE SET {updates}"
    )


class Where:
    """The conditions of a query, all of which must hold. A condition on None is left out."""

    def __init__(self) -> None:
        self.values: list[Value] = []
        self._terms: list[str] = []

    def __str__(self) -> str:
        return f"WHERE {' AND '.join(self._terms)}" if self._terms else ""

    def equal(self, column: str, value: Value) -> None:
        """The column has this value."""
        if value is not None:
            self._terms.append(f"{column} = ?")
            self.values.append(value)

    def begins(self, column: str, value: str | None) -> None:
        """The column begins with this text."""
        if value is not None:
            self._terms.append(f"{column} >= ? AND {column} < ?")
            self.values += [value, f"{value}\U0010ffff"]

    def after(self, column: str, value: int) -> None:
        """The column is greater."""
        self._terms.append(f"{column} > ?")
        self.values.append(value)

    def until(self, column: str, value: float) -> None:
        """The column is not greater."""
        self._terms.append(f"{column} <= ?")
        self.values.append(value)

    def before(self, column: str, value: int) -> None:
        """The column is smaller."""
        self._terms.append(f"{column} < ?")
        self.values.append(value)

    def within(self, column: str, projects: Sequence[str], condition: str = "{within}") -> None:
        """The column names one of these projects, or one below it; any project when none is given.

        A condition may stand around that, where the column is that of another table.
        """
        if projects and "" not in projects:
            # By SUBSTR, which compares exactly whatever the database thinks of letters; there are few projects.
            below = " OR ".join("name = ? OR SUBSTR(name, 1, ?) = ?" for _ in projects)
            within = f"{column} IN (SELECT name FROM projects WHERE {below})"
            self._terms.append(condition.replace("{within}", within))
            self.values += [value for one in projects for value in (one, len(one) + 1, f"{one}/")]

    def holds(self, condition: str) -> None:
        """A condition of our own, without values."""
        self._terms.append(condition)

    def term(self, condition: str, values: Sequence[Value]) -> None:
        """A condition of our own, with values."""
        self._terms.append(condition)
        self.values += values

    def among(self, column: str, values: Sequence[Value] | None) -> None:
        """The column has one of these values; nothing fits when there are none."""
        if values is not None:
            self._terms.append(f"{column} IN ({marks(values)})" if values else "1 = 0")
            self.values += values


def text(value: object) -> str:
    """Return a struct, tuple or dict as JSON text."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError as error:
        raise _not_storable(error) from error


def reader(kind: type[T]) -> Callable[[str], T]:
    """Return a function that reads such JSON text. Fields that it does not know are passed over."""
    return msgspec.json.Decoder(kind).decode


def text_of_values(value: object) -> str:
    """Return values of the user's as JSON text that gives them back as they were.

    Python's own JSON writes NaN, infinities and half characters, where msgspec's makes null of the first two.
    """
    try:
        return json.dumps(value)
    except (TypeError, ValueError) as error:
        raise Invalid(f"a value cannot be stored as JSON: {error}") from error


def values_of_text(stored: str) -> Any:
    """Return what `text_of_values` wrote."""
    return json.loads(stored)


def _not_storable(error: UnicodeEncodeError | OverflowError) -> Invalid:
    if isinstance(error, UnicodeEncodeError):
        shown = ascii(error.object[max(0, error.start - 20) : error.end + 20])
        return Invalid(f"{shown} holds half a character (a lone surrogate), which cannot be stored")
    return Invalid("a whole number beyond 64 bits cannot be stored here")
