"""The order of what is searched, in parts, and the places in it at which pages begin.

Numbers come before texts, and what has no value at the end. Each of these is a part of its own, which is read by one
statement with one index. It must never know which rows pass.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from penstock.core.errors import Invalid
from penstock.core.search import Fact, Kind, MetricColumn, ParameterColumn, Sort, shown
from penstock.store.conditions import INDEXED, OF_STEPS, SIDES, START, Among, Term

_MAY_LACK: Final = frozenset({"started", "ended", "duration"})


class _Said(msgspec.Struct, frozen=True, array_like=True):
    """What the text for a place holds."""

    sign: str
    part: int
    key: str | int | float
    id: str


class Part(NamedTuple):
    """Rows that have a value of one kind, or none.

    Args:
        key: What they are sorted by; then by id.
        numeric: Whether these are numbers, not texts.
        descending: Whether the largest comes first.
        only: Which rows these are.
        source: The table that has the value, where that is not the row's own.
        id: The column of ids there.
        ordered: The index of tasks in this order.
    """

    key: str
    numeric: bool
    descending: bool
    only: Term = Term("")
    source: str = ""
    id: str = ""
    ordered: str = ""


class Place(NamedTuple):
    """Where a page begins: behind a row of a part; at the very beginning where no row is named."""

    part: int = 0
    key: Any = None
    id: str = ""


def parts_of(among: Among, sort: Sort) -> list[Part]:
    """Return the parts of an order."""
    match sort.column:
        case Fact(name):
            column, numeric = among.facts[name], among.kinds[name] in {Kind.NUMBER, Kind.TIME}
            ordered, key = among.orders.get(name, ""), among.keys.get(name, column)
            having = Term(f"{column} IS NOT NULL") if name in _MAY_LACK else Term("")
            part = Part(key, numeric, sort.descending, having, id="t.id" if ordered else "", ordered=ordered)
            return [part, _without(among, Term(f"{column} IS NULL"))] if name in _MAY_LACK else [part]
        case ParameterColumn(section, name):
            return _parts_of_parameter(among, section, name, descending=sort.descending)
        case MetricColumn(title, series, value):
            held = f"v.title = ? AND v.series = ? AND {SIDES[value]} IS NOT NULL AND v.task = {among.id}"
            only = Term(held, (title, series))
            return [
                Part(SIDES[value], True, sort.descending, only, "scalar_series v", "v.task"),
                _without(among, Term(f"NOT EXISTS (SELECT 1 FROM scalar_series v WHERE {held})", only.values)),
            ]


def _parts_of_parameter(among: Among, section: str, name: str, *, descending: bool) -> list[Part]:
    held, values = f"p.section = ? AND p.name = ? AND p.task = {among.id}", (section, name)
    indexed = held if section in OF_STEPS else f"{held} AND {INDEXED}"
    numbers = Term(f"{indexed} AND p.number IS NOT NULL", values)
    texts = Term(f"{indexed} AND p.number IS NULL", values)
    return [
        Part("p.number", True, descending, numbers, "parameters p", "p.task"),
        Part(START, False, descending, texts, "parameters p", "p.task"),
        _without(among, Term(f"NOT EXISTS (SELECT 1 FROM parameters p WHERE {held})", values)),
    ]


def _without(among: Among, lacking: Term) -> Part:
    """Return the part of what has no value: newest first."""
    return Part(among.facts["created"], numeric=True, descending=True, only=lacking)


def cursor_of(sort: Sort, place: Place) -> str:
    """Return a place as a text for others, who need not know what it says."""
    said = msgspec.msgpack.encode(_Said(_sign(sort), place.part, place.key, place.id))
    return base64.urlsafe_b64encode(said).decode().rstrip("=")


def place_of(cursor: str, sort: Sort, parts: Sequence[Part]) -> Place:
    """Return the place that a text says.

    Raises:
        Invalid: It says none, or one in another order.
    """
    found = _read(cursor)
    if found is not None and found.sign == _sign(sort) and 0 <= found.part < len(parts):
        is_number = isinstance(found.key, float | int)
        if is_number == parts[found.part].numeric:
            return Place(found.part, float(found.key) if is_number else found.key, found.id)
    raise Invalid(
        f"{cursor[:40]!r} is no place in this list",
        hint="give `next` of the page before as it was, with the same sort; or nothing for the first page",
    )


def _read(cursor: str) -> _Said | None:
    try:
        return msgspec.msgpack.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=_Said)
    except (ValueError, RecursionError):  # what is not base64 or msgpack raises one of the first kind
        return None


def _sign(sort: Sort) -> str:
    return f"{'-' if sort.descending else ''}{shown(sort.column)}"
