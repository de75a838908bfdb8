"""Searching runs and tasks: a page at a time, in an order that what comes and goes meanwhile does not shift.

A condition that few rows pass is looked up first, by its index. Where there is none, the order leads: rows are walked
in it, by an index where there is one, and checked until a page is full. Where that takes long, conditions may exclude
each other: those that indexes find are looked up after all, and what passes them together leads. A page goes on behind
the value and the id of the last row, so nothing is counted and nothing is skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from penstock.core.search import NEWEST, OF_RUNS, OF_TASKS, Extra, ParameterColumn
from penstock.core.task import Json
from penstock.ops.search import RunPage, RunRow, SearchRuns, SearchTasks, TaskPage, TaskRow
from penstock.store.conditions import SIDES, Among, Compiled, Term, compiled, joined
from penstock.store.order import Part, Place, cursor_of, parts_of, place_of
from penstock.store.runs import SqlRuns
from penstock.store.sql import Session, Where, values_of_text
from penstock.store.tasks import BRIEF, COLUMNS, SqlTasks

FEW: Final = 2_000
"""So many rows are looked up and sorted. Where more pass each condition, a page is soon full by walking; if it is not
after so many rows, what passes all of them is looked up after all."""

_OF_BOTH: Final = {name: f"t.{name}" for name in ("name", "status", "project", "comment", "started", "ended")} | {
    "user": "t.user_name",
    "duration": "(t.ended - t.started)",
}
_BY_NAME: Final = {"name": "SUBSTR(t.name, 1, 200)"}
_CONTROLLERS: Final = "SELECT t.id AS task FROM tasks t WHERE t.type = 'controller' AND"

RUNS: Final = Among(
    id="r.task",
    tables=("runs r", "tasks t"),
    always="t.id = r.task AND t.type = 'controller'",
    facts={
        **_OF_BOTH,
        **{name: f"r.{name}" for name in ("pipeline", "project", "version", "number", "created")},
        "id": "r.task",
    },
    kinds=OF_RUNS,
    of_runs=True,
    keys=_BY_NAME,
    orders={
        "started": "controllers_by_start",
        "ended": "controllers_by_end",
        "duration": "controllers_by_duration",
        "status": "controllers_by_status",
        "name": "controllers_by_name",
    },
    looks="controllers",
    finds={
        "status": _CONTROLLERS,
        "started": _CONTROLLERS,
        "pipeline": "SELECT r.task FROM runs r WHERE",
        "created": "SELECT r.task FROM runs r WHERE",
    },
)
TASKS: Final = Among(
    id="t.id",
    tables=("tasks t",),
    always="t.run IS NULL AND NOT EXISTS (SELECT 1 FROM runs x WHERE x.task = t.id)",
    facts={**_OF_BOTH, "type": "t.type", "created": "t.created", "id": "t.id"},
    kinds=OF_TASKS,
    of_runs=False,
    keys=_BY_NAME,
)


class _Query(NamedTuple):
    """What is the same for all parts of the order: which rows pass, and how they are found.

    Args:
        find: A query for the ids of those that may; None where the order leads.
        checks: What has to hold besides.
        instead: Where the order leads, and few rows may pass all the same: how they are found when a page is not full
            after so many rows as are few.
    """

    among: Among
    archived: bool | None
    find: Term | None
    checks: tuple[Term, ...]
    instead: _Query | None = None


class SqlSearch:
    """Searches runs and tasks."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def runs(self, wanted: SearchRuns) -> RunPage:
        """Return a page of runs."""
        ids, follows = self._page(RUNS, wanted)
        found = SqlRuns(self._session).of(ids, BRIEF if wanted.brief else COLUMNS)
        values = self._values(wanted.columns, ids)
        return RunPage(tuple(RunRow(found[id], values[id]) for id in ids), follows)

    def tasks(self, wanted: SearchTasks) -> TaskPage:
        """Return a page of tasks that belong to no run."""
        ids, follows = self._page(TASKS, wanted)
        found = SqlTasks(self._session).of(ids, BRIEF if wanted.brief else COLUMNS)
        values = self._values(wanted.columns, ids)
        return TaskPage(tuple(TaskRow(found[id], values[id]) for id in ids), follows)

    def _page(self, among: Among, wanted: SearchRuns | SearchTasks) -> tuple[list[str], str | None]:
        """Return the ids of a page, and where the next one begins."""
        sort = wanted.sort or NEWEST
        parts = parts_of(among, sort)
        start = Place() if wanted.after is None else place_of(wanted.after, sort, parts)
        query = self._planned(among, wanted)
        if query is None:
            return [], None
        dialect = self._session.dialect
        if query.find is None and dialect.as_written:
            self._session.run(dialect.as_written)
        rows = self._rows(query, parts, start, wanted.limit + 1)
        if query.instead is not None and len(rows) <= wanted.limit:
            if dialect.as_it_likes:
                self._session.run(dialect.as_it_likes)
            rows = self._rows(query.instead, parts, start, wanted.limit + 1)
        page = rows[: wanted.limit]
        return [one.id for one in page], cursor_of(sort, page[-1]) if len(rows) > wanted.limit else None

    def _rows(self, query: _Query, parts: Sequence[Part], start: Place, limit: int) -> list[Place]:
        """Return the first rows from a place on that pass."""
        rows: list[Place] = []
        for number, part in enumerate(parts[start.part :], start.part):
            behind = start if number == start.part and start.id else None
            rows += (Place(number, key, id) for id, key in self._walk(query, part, behind, limit - len(rows)))
            if len(rows) >= limit:
                break
        return rows

    def _planned(self, among: Among, wanted: SearchRuns | SearchTasks) -> _Query | None:
        """Choose the condition that leads: the one that the fewest rows pass, if those are few; None for no row."""
        conditions = [compiled(among, one) for one in wanted.where]
        leading, fewest = None, FEW + 1
        for one in conditions:
            if one.find is not None:
                sql = f"SELECT COUNT(*) FROM (SELECT 1 FROM ({one.find.sql}) found LIMIT {FEW + 1}) counted"
                row = self._session.first(sql, *one.find.values)
                if row is not None and row[0] < fewest:
                    leading, fewest = one, row[0]
                if not fewest:
                    return None
        checks = tuple(one.check for one in conditions if one is not leading)
        if leading is not None:
            return _Query(among, wanted.archived, leading.find, checks)
        together = _all_of(conditions)
        rest = tuple(one.check for one in conditions if one.find is None)
        instead = _Query(among, wanted.archived, together, rest) if together else None
        return _Query(among, wanted.archived, None, checks, instead)

    def _walk(self, query: _Query, part: Part, behind: Place | None, limit: int) -> list[tuple[str, Any]]:
        """Return id and value of the first rows of a part that pass."""
        id, checked = part.id or query.among.id, joined(" AND ", query.checks)
        sign, order = ("<", "DESC") if part.descending else (">", "ASC")
        where = self._where(query, part)
        if behind is not None:
            values = (behind.key, behind.key, behind.id)
            where.term(f"{part.key} {sign}= ? AND ({part.key} {sign} ? OR {id} {sign} ?)", values)
        in_order = f"ORDER BY {part.key} {order}, {id} {order} LIMIT"
        tables = self._tables(query, part)
        if query.instead is not None:
            sql = f"""SELECT id, value FROM (SELECT {id} AS id, {part.key} AS value, ({checked.sql}) AS passes
                FROM {tables} {where} {in_order} {FEW}) walked WHERE passes LIMIT ?"""
            rows = self._session.rows(sql, *checked.values, *where.values, limit)
        else:
            for check in query.checks:
                where.term(check.sql, check.values)
            few = query.find or Term("")
            before = f"WITH few(id) AS MATERIALIZED ({few.sql})" if few.sql else ""
            sql = f"{before} SELECT {id}, {part.key} FROM {tables} {where} {in_order} ?"
            rows = self._session.rows(sql, *few.values, *where.values, limit)
        return [(id, key) for id, key in rows]

    def _tables(self, query: _Query, part: Part) -> str:
        """Return the tables. What stands first leads; in PostgreSQL, where a condition does, its statistics decide."""
        among, source = query.among, (part.source,) if part.source else ()
        leads = query.find is None and part.ordered
        index = part.ordered if leads else among.looks
        using = self._session.dialect.using.replace("{}", index) if index else ""
        tables = [f"{table} {using}" if table == "tasks t" else table for table in among.tables]
        if query.find is not None:
            return " CROSS JOIN ".join(("few", *tables, *source))
        return " CROSS JOIN ".join((*source, *(reversed(tables) if leads else tables)))

    def _where(self, query: _Query, part: Part) -> Where:
        among, where = query.among, Where()
        if query.find is not None:
            where.holds(f"{among.id} = few.id")
        where.holds(among.always)
        if part.only.sql:
            where.term(part.only.sql, part.only.values)
        where.within("t.project", self._session.projects)
        if query.archived is not None:
            where.equal("t.archived", int(query.archived))
        return where

    def _values(self, columns: Sequence[Extra], ids: Sequence[str]) -> dict[str, tuple[Json, ...]]:
        """Return the values of these columns for each id."""
        by_column = [self._column(one, ids) for one in columns] if ids else []
        return {id: tuple(values.get(id) for values in by_column) for id in ids}

    def _column(self, column: Extra, ids: Sequence[str]) -> dict[str, Json]:
        # The ids lead: SQLite would rather look through all that have such a column.
        chosen = f"WITH chosen(id) AS (VALUES {', '.join(['(?)'] * len(ids))})"
        if isinstance(column, ParameterColumn):
            sql = f"""{chosen} SELECT p.task, p.value FROM chosen CROSS JOIN parameters p
                WHERE p.task = chosen.id AND p.section = ? AND p.name = ?"""
            rows = self._session.rows(sql, *ids, column.section, column.name)
            return {task: values_of_text(value) for task, value in rows}
        sql = f"""{chosen} SELECT v.task, {SIDES[column.value]} FROM chosen CROSS JOIN scalar_series v
            WHERE v.task = chosen.id AND v.title = ? AND v.series = ?"""
        return dict(self._session.rows(sql, *ids, column.title, column.series))


def _all_of(conditions: Sequence[Compiled]) -> Term | None:
    """Return the query for what passes all conditions that indexes find; None where that is not more than one."""
    first, *others = [one.find for one in conditions if one.find is not None] or [Term("")]
    if not others:  # it has been looked up: many pass it
        return None
    within = joined(" AND ", [Term(f"found.task IN ({one.sql})", one.values) for one in others])
    return Term(f"SELECT found.task FROM ({first.sql}) found WHERE {within.sql}", (*first.values, *within.values))
