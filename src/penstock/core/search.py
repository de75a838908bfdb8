"""What lists are filtered by, sorted by and shown with: columns, and conditions on them.

People write them so; `cli.where` reads that:

    status=failed|stopped    a fact of the record, one of several values
    Args/rate<0.1            a parameter, by section and name
    loss:train:min<0.1       a metric, by title and series: its last value, unless `min` or `max` follows
    tags!=debug  text~iris   a tag that is not there; letters in a name, a pipeline, a project, a comment or a tag

It must never know where anything is kept.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct

from penstock.core.errors import Invalid
from penstock.core.names import did_you_mean

MOST_CONDITIONS: Final = 20
MOST_COLUMNS: Final = 50
MOST_VALUES: Final = 100
MOST_ROWS: Final = 500
LONGEST: Final = 1_000
"""Characters of a name or of a value to compare with."""


class Kind(StrEnum):
    """What values a fact has."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"  # epoch seconds
    TAGS = "tags"
    ANY = "any text"


SHARED: Final = {
    "name": Kind.TEXT,
    "status": Kind.TEXT,
    "project": Kind.TEXT,
    "user": Kind.TEXT,
    "comment": Kind.TEXT,
    "id": Kind.TEXT,
    "created": Kind.TIME,
    "started": Kind.TIME,
    "ended": Kind.TIME,
    "duration": Kind.NUMBER,
    "tags": Kind.TAGS,
    "text": Kind.ANY,
}
OF_RUNS: Final = SHARED | {"pipeline": Kind.TEXT, "version": Kind.TEXT, "number": Kind.NUMBER}
OF_TASKS: Final = SHARED | {"type": Kind.TEXT}


class Fact(Struct, frozen=True, tag="fact"):
    """A column of the record itself.

    Args:
        name: One of those that the list has, such as `status`; `duration` is in seconds.
    """

    name: str


class ParameterColumn(Struct, frozen=True, tag="parameter"):
    """A column of the values of one parameter."""

    section: str
    name: str


class Side(StrEnum):
    """Which of its values stands for a series."""

    LAST = "last"
    MIN = "min"
    MAX = "max"


class MetricColumn(Struct, frozen=True, tag="metric"):
    """A column of values of one series of scalars."""

    title: str
    series: str
    value: Side = Side.LAST


Extra = ParameterColumn | MetricColumn
Column = Fact | ParameterColumn | MetricColumn


class Compare(StrEnum):
    """How values are compared."""

    EQUAL = "="
    OTHER = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    HAS = "~"


ORDERS: Final = frozenset({Compare.LESS, Compare.AT_MOST, Compare.MORE, Compare.AT_LEAST})

Value = str | int | float | bool | None


class Condition(Struct, frozen=True):
    """What a row has to be like.

    Args:
        column: What is looked at.
        test: `=` and `~` need one of the values, `!=` none of them: it finds all that `=` does not, with what has no
            value at all. Others take one value. `~` finds letters within a text, whatever their case is in ASCII.
        values: What it is compared with. Numbers are compared with numbers, texts with texts.
    """

    column: Column
    test: Compare
    values: tuple[Value, ...]


class Sort(Struct, frozen=True):
    """What rows are sorted by: numbers before texts, and what has no value at the end, newest first."""

    column: Column
    descending: bool = False


NEWEST: Final = Sort(Fact("created"), descending=True)

_EXAMPLE: Final = "write for example status=failed, Args/rate<0.1 or loss:train:min<0.1"


def check_search(
    facts: dict[str, Kind], where: tuple[Condition, ...], sort: Sort | None, columns: tuple[Extra, ...], limit: int
) -> None:
    """Raise Invalid unless a list with these facts can be searched so."""
    for what, count, most in (("conditions", len(where), MOST_CONDITIONS), ("columns", len(columns), MOST_COLUMNS)):
        if count > most:
            raise Invalid(f"{count} {what} are too many", hint=f"{most} are the most")
    if not 1 <= limit <= MOST_ROWS:
        raise Invalid(f"limit is {limit}", hint=f"give 1 to {MOST_ROWS}, and follow `next` for more")
    for one in where:
        _check_condition(facts, one)
    for column in columns:
        _check_column(facts, column)
    if sort is not None:
        _check_column(facts, sort.column)
        if _kind(facts, sort.column) in {Kind.TAGS, Kind.ANY}:
            raise Invalid(f"{shown(sort.column)} is nothing to sort by")


def shown(column: Column) -> str:
    """Return a column as people write it."""
    match column:
        case Fact(name):
            return name
        case ParameterColumn(section, name):
            return f"{section}/{name}"
        case MetricColumn(title, series, value):
            return f"{title}:{series}" + ("" if value is Side.LAST else f":{value}")


def _kind(facts: dict[str, Kind], column: Column) -> Kind | None:
    """Return what values a column has; None for a parameter, which may have any."""
    if isinstance(column, Fact):
        return facts[column.name]
    return Kind.NUMBER if isinstance(column, MetricColumn) else None


def _check_column(facts: dict[str, Kind], column: Column) -> None:
    if isinstance(column, Fact):
        if column.name not in facts:
            hint = did_you_mean(column.name, facts, "") + " A parameter is written with its section: Args/NAME"
            raise Invalid(f"there is no column {column.name[:LONGEST]!r}", hint=hint)
        return
    names = (column.section, column.name) if isinstance(column, ParameterColumn) else (column.title, column.series)
    if any(len(name) > LONGEST for name in names):
        raise Invalid(f"the name of a column is longer than {LONGEST:,} characters")


def _check_condition(facts: dict[str, Kind], one: Condition) -> None:
    _check_column(facts, one.column)
    name, kind = shown(one.column), _kind(facts, one.column)
    if not 1 <= len(one.values) <= MOST_VALUES:
        raise Invalid(f"{name} is compared with {len(one.values)} values", hint=f"give 1 to {MOST_VALUES}")
    if one.test in ORDERS and len(one.values) > 1:
        raise Invalid(f"{name}{one.test} takes one value, not {len(one.values)}")
    if one.test not in _TESTS.get(kind, frozenset(Compare)):
        raise Invalid(f"{name} cannot be tested with {one.test}", hint=_EXAMPLE)
    for value in one.values:
        _check_value(name, kind, one.test, value)


def _check_value(name: str, kind: Kind | None, test: Compare, value: Value) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(value, str) and len(value) > LONGEST:
        raise Invalid(f"{name} is compared with a text longer than {LONGEST:,} characters")
    if kind in {Kind.NUMBER, Kind.TIME} and not is_number:
        raise Invalid(f"{name} is compared with {value!r}, which is no number")
    if (kind not in {Kind.NUMBER, Kind.TIME, None} or test is Compare.HAS) and not isinstance(value, str):
        raise Invalid(f"{name}{test} takes a text, not {value!r}")
    if test in ORDERS and not (is_number or isinstance(value, str)):
        raise Invalid(f"{name}{test} takes a number or a text, not {value!r}")


_TESTS: Final[dict[Kind | None, frozenset[Compare]]] = {
    Kind.NUMBER: frozenset(Compare) - {Compare.HAS},
    Kind.TIME: frozenset(Compare) - {Compare.HAS},
    Kind.TAGS: frozenset({Compare.EQUAL, Compare.OTHER, Compare.HAS}),
    Kind.ANY: frozenset({Compare.HAS}),
}
