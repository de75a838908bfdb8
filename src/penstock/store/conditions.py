"""Conditions of a search as SQL: what checks one row, and what finds the rows that pass where an index knows them.

Values are always bound. What stands in a statement is names from here. It must never know how pages are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from penstock.core.search import Compare, Condition, Fact, Kind, MetricColumn, ParameterColumn, Side, Value
from penstock.store import sql
from penstock.store.sql import marks, text_of_values
from penstock.store.tasks import FIRST_OF_TAG

FIRST: Final = 200
"""Characters of a text by which it lies in an index."""

OF_STEPS: Final = ("kwargs", "kwargs_artifacts")
"""The sections that lie in no index: the arguments of steps, which are most of all parameters."""

INDEXED: Final = " AND ".join(f"p.section <> '{section}'" for section in OF_STEPS)
"""Which parameters lie in an index, in the words of the index."""

TEXTS: Final = 1_000
"""So many different texts of a parameter are taken from the index, before rows are looked at, which lie elsewhere."""

START: Final = f"SUBSTR(p.value, 1, {FIRST})"
SIDES: Final = {Side.LAST: "v.last", Side.MIN: "v.minimum", Side.MAX: "v.maximum"}


class Term(NamedTuple):
    """A piece of a statement with its values."""

    sql: str
    values: tuple[sql.Value, ...] = ()


class Compiled(NamedTuple):
    """A condition.

    Args:
        check: Holds for the rows that pass.
        find: A query for the ids of those that pass, each once, where an index finds them.
    """

    check: Term
    find: Term | None = None


class Among(Struct, frozen=True, kw_only=True):
    """The table that is searched.

    Args:
        id: The column of ids.
        tables: What is read; the first leads.
        always: Holds for every row that is meant.
        facts: The column of each fact.
        kinds: What values facts have.
        of_runs: Whether it is that of runs.
        keys: What facts are sorted by, where that is not their column itself.
        orders: Indexes of tasks in the order of a fact.
        looks: The index of tasks in which they are looked up otherwise.
        finds: Queries for ids by a fact, where an index finds them; a condition on the column follows.
    """

    id: str
    tables: tuple[str, ...]
    always: str
    facts: dict[str, str]
    kinds: dict[str, Kind]
    of_runs: bool
    keys: dict[str, str] = {}
    orders: dict[str, str] = {}
    looks: str = ""
    finds: dict[str, str] = {}


def compiled(among: Among, condition: Condition) -> Compiled:
    """Return a condition that was checked as SQL."""
    made = _of_column(among, condition)
    if condition.test is Compare.OTHER:
        return Compiled(Term(f"NOT COALESCE({made.check.sql}, FALSE)", made.check.values))
    return made


def _of_column(among: Among, condition: Condition) -> Compiled:
    match condition.column:
        case ParameterColumn(section, name):
            return _of_parameter(among, section, name, condition)
        case MetricColumn(title, series, value):
            named = Term("v.title = ? AND v.series = ?", (title, series))
            return _of_metric(among, named, SIDES[value], condition)
        case Fact(name):
            return _of_fact(among, name, condition)


def _of_parameter(among: Among, section: str, name: str, condition: Condition) -> Compiled:
    terms = [_parameter(condition.test, value) for value in condition.values]
    named = Term("p.section = ? AND p.name = ?", (section, name))
    some = joined(" OR ", terms)
    check = Term(
        f"EXISTS (SELECT 1 FROM parameters p WHERE p.task = {among.id} AND {named.sql} AND ({some.sql}))",
        (*named.values, *some.values),
    )
    if section in OF_STEPS:
        return Compiled(check)
    query = f"SELECT p.task FROM parameters p WHERE {named.sql} AND {INDEXED}"
    if condition.test is Compare.HAS:  # each index has some of them: none comes twice, and counting them ends early
        numbers = Term(f"{query} AND p.number IS NOT NULL AND ({some.sql})", (*named.values, *some.values))
        return Compiled(check, joined(" UNION ALL ", (_texts(named, condition.values), numbers)))
    found = [Term(f"{query} AND {one.sql}", (*named.values, *one.values)) for one in terms]
    return Compiled(check, joined(" UNION ", found))


def _texts(named: Term, wanted: Sequence[Value]) -> Term:
    """Return a query for those whose parameter is a text with some of these letters.

    Most parameters have few different texts, which the index tells, one jump each. Rows are looked at where only the
    beginning of a text lies there, and where there are too many of them.
    """
    letters = [text_of_values(value)[1:-1] for value in wanted]
    in_start, in_value = (_grouped([_has(column, one) for one in letters]) for column in ("d.v", "p.value"))
    these = f"parameters p WHERE {named.sql} AND {INDEXED} AND p.number IS NULL"
    first = f"{START} FROM {these}"
    parts = (
        Term(f"WITH RECURSIVE d(v, n) AS (SELECT (SELECT {first} ORDER BY {START} LIMIT 1), 1", named.values),
        Term(f" UNION ALL SELECT (SELECT {first} AND {START} > d.v ORDER BY {START} LIMIT 1), d.n + 1", named.values),
        Term(f" FROM d WHERE d.v IS NOT NULL AND d.n < {TEXTS}) SELECT p.task FROM d CROSS JOIN {these}", named.values),
        Term(f" AND {START} = d.v AND {in_start.sql}", in_start.values),
        Term(f" UNION ALL SELECT p.task FROM d CROSS JOIN {these}", named.values),
        Term(f" AND {START} = d.v AND LENGTH(d.v) = {FIRST} AND NOT {in_start.sql}", in_start.values),
        Term(f" AND {in_value.sql} UNION ALL SELECT p.task FROM {these}", (*in_value.values, *named.values)),
        Term(f" AND {START} > (SELECT d.v FROM d WHERE d.n = {TEXTS}) AND {in_value.sql}", in_value.values),
    )
    return joined("", parts)


def _parameter(test: Compare, value: Value) -> Term:
    """Return what holds for a parameter with a value that passes."""
    if test is Compare.HAS:
        return _has("p.value", text_of_values(value)[1:-1])
    compare = "=" if test is Compare.OTHER else test.value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Term(f"p.number IS NOT NULL AND p.number {compare} ?", (float(value),))
    stored = text_of_values(value)
    if compare == "=":
        return Term(f"p.number IS NULL AND {START} = ? AND p.value = ?", (stored[:FIRST], stored))
    return Term(f"p.number IS NULL AND {START} {compare} ? AND SUBSTR(p.value, 1, 1) = '\"'", (stored[:FIRST],))


def _of_metric(among: Among, named: Term, column: str, condition: Condition) -> Compiled:
    some = joined(" OR ", [_compared(column, condition.test, value) for value in condition.values])
    query = f"FROM scalar_series v WHERE {named.sql} AND ({some.sql})"
    values = (*named.values, *some.values)
    check = Term(f"EXISTS (SELECT 1 {query} AND v.task = {among.id})", values)
    return Compiled(check, Term(f"SELECT v.task {query}", values))


def _of_fact(among: Among, name: str, condition: Condition) -> Compiled:
    kind = among.kinds[name]
    if kind is Kind.TAGS:
        return _of_tags(among, condition)
    if kind is Kind.ANY:
        some = _grouped([_has("l.text", str(value), is_lower=True) for value in condition.values])
        chosen = f"FROM letters l WHERE l.of_run = {int(among.of_runs)} AND {some.sql}"
        check = Term(f"EXISTS (SELECT 1 {chosen} AND l.task = {among.id})", some.values)
        return Compiled(check, Term(f"SELECT l.task {chosen}", some.values))
    column = among.facts[name]
    check = _grouped([_compared(column, condition.test, value) for value in condition.values])
    query = among.finds.get(name)
    if query is None or condition.test is Compare.HAS:
        return Compiled(check)
    return Compiled(check, Term(f"{query} {check.sql}", check.values))


def _of_tags(among: Among, condition: Condition) -> Compiled:
    if condition.test is Compare.HAS:
        some = joined(" OR ", [_has("g.tag", str(value)) for value in condition.values])
        of_row = f"EXISTS (SELECT 1 FROM task_tags g WHERE g.task = {among.id} AND ({some.sql}))"
        return Compiled(Term(of_row, some.values))
    tags = tuple(str(value)[:FIRST_OF_TAG] for value in condition.values)
    chosen = f"FROM task_tags g WHERE g.tag IN ({marks(tags)})"
    check = Term(f"EXISTS (SELECT 1 {chosen} AND g.task = {among.id})", tags)
    return Compiled(check, Term(f"SELECT DISTINCT g.task {chosen}", tags))  # who has two of them comes once


def _compared(column: str, test: Compare, value: Value) -> Term:
    if test is Compare.HAS:
        return _has(column, str(value))
    compare = "=" if test is Compare.OTHER else test.value
    return Term(f"{column} {compare} ?", (value if isinstance(value, str) else float(value or 0),))


def _has(column: str, letters: str, *, is_lower: bool = False) -> Term:
    """The column holds these letters. Databases agree on the case of letters of ASCII alone.

    Args:
        is_lower: Whether what it holds is written in small letters of ASCII.
    """
    escaped = letters.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    lowered = escaped.encode().lower().decode()
    return Term(f"{column if is_lower else f'LOWER({column})'} LIKE ? ESCAPE '!'", (f"%{lowered}%",))


def _grouped(terms: Sequence[Term]) -> Term:
    some = joined(" OR ", terms)
    return Term(f"({some.sql})", some.values)


def joined(word: str, terms: Sequence[Term]) -> Term:
    """Return the pieces as one, with a word between them."""
    return Term(word.join(one.sql for one in terms), tuple(value for one in terms for value in one.values))
