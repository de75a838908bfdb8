"""How people write conditions and columns on the command line: `status=failed`, `Args/rate<0.1`, `-loss:train:min`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from penstock.core.search import Column, Condition, Extra, Kind, Sort, Value

F = TypeVar("F", bound=Callable[..., Any])

_CONDITION: Final = re.compile(r"(?P<column>[^=!<>~]+)(?P<test>!=|<=|>=|=|<|>|~)(?P<value>.*)", re.DOTALL)
_SPAN: Final = re.compile(r"(?P<count>[0-9]+(\.[0-9]+)?)(?P<unit>[smhdw])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def search_options(command: F) -> F:
    """Let a command filter and sort a list, and show columns of values."""
    where = click.option(
        "--where",
        multiple=True,
        metavar="CONDITION",
        help="Only what it holds for: COLUMN, one of = != < <= > >= ~, and a value, or several with | between them.",
    )
    sort = click.option("--sort", metavar="COLUMN", help="By this column; -COLUMN for the largest first.")
    columns = click.option(
        "--columns", multiple=True, metavar="COLUMNS", help="Show parameters (Args/NAME) and metrics (TITLE:SERIES)."
    )
    return where(sort(columns(command)))


def read_column(text: str) -> Column:
    """Return the column that a text names: a fact, `Section/name` of a parameter, `title:series` of a metric."""
    from penstock.core.search import Fact, MetricColumn, ParameterColumn, Side

    text = text.strip()
    if ":" in text:
        title, _, rest = text.partition(":")
        series, _, side = rest.rpartition(":")
        return MetricColumn(title, series, Side(side)) if series and side in set(Side) else MetricColumn(title, rest)
    section, parts, name = text.partition("/")
    return ParameterColumn(section, name) if parts else Fact(text)


def read_sort(text: str) -> Sort:
    """Return what to sort by: a column, with `-` before it for the largest first."""
    from penstock.core.search import Sort

    return Sort(read_column(text.removeprefix("-")), descending=text.startswith("-"))


def read_columns(texts: Sequence[str]) -> tuple[Extra, ...]:
    """Return the columns that are to be shown beside the usual ones; `,` stands between several.

    Raises:
        Invalid: One is neither a parameter nor a metric.
    """
    from penstock.core.errors import Invalid
    from penstock.core.search import Fact

    found: list[Extra] = []
    for text in (one for some in texts for one in some.split(",") if one.strip()):
        column = read_column(text)
        if isinstance(column, Fact):
            raise Invalid(f"{text!r} is neither a parameter nor a metric", hint="write Args/NAME or TITLE:SERIES[:min]")
        found.append(column)
    return tuple(found)


def read_condition(text: str, facts: Mapping[str, Kind], now: float) -> Condition:
    """Return the condition that a text writes.

    Args:
        facts: The facts that the list has.
        now: Epoch seconds; `started>7d` means within the last seven days.

    Raises:
        Invalid: It is none.
    """
    from penstock.core.errors import Invalid
    from penstock.core.search import ORDERS, Compare, Condition, Fact, Kind, MetricColumn

    found = _CONDITION.fullmatch(text)
    if found is None:
        raise Invalid(f"{text!r} is no condition", hint="write for example status=failed, Args/rate<0.1 or text~iris")
    column, test = read_column(found["column"]), Compare(found["test"])
    said = [found["value"].strip()] if test in ORDERS else [one.strip() for one in found["value"].split("|")]
    kind = facts.get(column.name) if isinstance(column, Fact) else None
    values: list[Value] = []
    for one in said:
        if kind is Kind.TIME:
            values.append(_moment(one, now))
        elif kind is Kind.NUMBER or isinstance(column, MetricColumn):
            values.append(_number(one))
        elif kind is None and not isinstance(column, Fact) and test is not Compare.HAS:
            values += _of_parameter(one, several=test not in ORDERS)
        else:
            values.append(one)
    return Condition(column, test, tuple(values))


def _of_parameter(text: str, *, several: bool) -> list[Value]:
    """Return what a text may stand for: `0.1` a number and a text, `true` a truth value and a text."""
    meant: list[Value] = [text]
    with suppress(ValueError):
        meant.insert(0, float(text))
    if several and text in {"true", "false", "null"}:
        meant.insert(0, {"true": True, "false": False, "null": None}[text])
    return meant if several else meant[:1]


def _number(text: str) -> float:
    from penstock.core.errors import Invalid

    if span := _SPAN.fullmatch(text):
        return float(span["count"]) * _SECONDS[span["unit"]]
    try:
        return float(text)
    except ValueError:
        raise Invalid(f"{text!r} is no number", hint="write for example 0.1, or 5m for five minutes") from None


def _moment(text: str, now: float) -> float:
    """Return the epoch seconds of a date and time, or of what so long ago was."""
    from penstock.core.errors import Invalid

    if span := _SPAN.fullmatch(text):
        return now - float(span["count"]) * _SECONDS[span["unit"]]
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        hint = "write 2026-11-30, 2026-11-30T12:00, or 7d for seven days ago (s, m, h, d, w)"
        raise Invalid(f"{text!r} is no time", hint=hint) from None
