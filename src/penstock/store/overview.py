"""Many attempts, runs and pipelines at once, read without what of their records is long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from penstock.core.outputs import ScalarSummary
from penstock.core.task import EndReason, Status, Task
from penstock.ops.pipelines import Failure, LastRun, RunBar
from penstock.ports.overview import Held, Origin
from penstock.store.reports import summary_of
from penstock.store.sql import Session, Where, reader


class _Packages(Struct):
    """Of what a cache key is made of, the packages."""

    packages: dict[str, str] = {}


LONGEST_MESSAGE = 2_000  # characters of why an attempt ended: its first line is what is shown

LOOKED_AT = 100  # attempts by which is said which packages a run uses

_parts = reader(_Packages)
_strings = reader(tuple[str, ...])
_ATTEMPT = "id, step, attempt, status, reason, started, ended, queue, created"


class SqlOverview:
    """Reads of many rows what is shown of each."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def attempts(self, run: str) -> list[Task]:
        """Return the attempts of a run's steps, oldest first, without what they were asked to do."""
        rows = self._session.rows(
            f"SELECT {_ATTEMPT}, SUBSTR(message, 1, {LONGEST_MESSAGE}) FROM tasks WHERE run = ? ORDER BY position", run
        )
        return [
            Task(
                id=row[0],
                name=row[1] or "",
                project="",
                run=run,
                step=row[1],
                attempt=row[2],
                status=Status(row[3]),
                reason=EndReason(row[4]) if row[4] else None,
                started=row[5],
                ended=row[6],
                queue=row[7],
                created=row[8],
                message=row[9],
            )
            for row in rows
        ]

    def held(self, run: str) -> dict[str, Held]:
        """Return of a run and its attempts, as far as they wait or are held, where and by whom."""
        rows = self._session.rows(
            """SELECT t.id, e.queue, e.since, l.queue, l.agent FROM tasks t
                LEFT JOIN queue_entries e ON e.task = t.id LEFT JOIN leases l ON l.task = t.id
                WHERE (t.run = ? OR t.id = ?) AND (e.task IS NOT NULL OR l.task IS NOT NULL)""",
            run,
            run,
        )
        return {id: Held(queue=queue or held or "", since=since, agent=agent) for id, queue, since, held, agent in rows}

    def origins(self, tasks: Sequence[str]) -> dict[str, Origin]:
        """Return of attempts, by id, the run that each belongs to."""
        rows = self._session.rows_among(
            """SELECT t.id, r.task, r.pipeline, r.number FROM tasks t JOIN runs r ON r.task = t.run
                WHERE t.id IN ({values})""",
            tasks,
        )
        return {id: Origin(run=run, name=f"{pipeline} #{number}") for id, run, pipeline, number in rows}

    def metrics(self, tasks: Sequence[str]) -> list[tuple[str, ScalarSummary]]:
        """Return what is known of each series of these tasks without its points, behind the id of its task."""
        rows = self._session.rows_among(
            """SELECT task, title, series, last, minimum, maximum, count, iteration FROM scalar_series
                WHERE task IN ({values})""",
            tasks,
        )
        return [(row[0], summary_of(row[1:])) for row in rows]

    def packages(self, run: str) -> dict[str, str]:
        """Return the packages, with their versions, that steps of a run use whose execution can be reused."""
        rows = self._session.rows(
            f"""SELECT p.parts FROM key_parts p WHERE p.key IN (SELECT e.key FROM tasks t
                JOIN executions e ON e.task = t.id WHERE t.run = ? ORDER BY t.position LIMIT {LOOKED_AT})""",
            run,
        )
        return {name: version for (parts,) in rows for name, version in _parts(parts).packages.items()}

    def pipelines(self, after: tuple[str, str]) -> Iterator[tuple[str, str]]:
        """Yield name and project of the pipelines behind this one that have runs or drafts, in this order."""
        sql = """SELECT pipeline, project FROM runs WHERE (pipeline, project) > (?, ?)
            ORDER BY pipeline, project LIMIT 1"""
        while row := self._session.first(sql, *after):  # each jumps over all runs of a pipeline
            after = (row[0], row[1])
            yield after

    def bars(self, pipeline: str, project: str, limit: int) -> list[RunBar]:
        """Return the runs of a pipeline that have begun and are not archived, newest first."""
        where = self._in_sight()
        where.equal("r.pipeline", pipeline)
        where.equal("r.project", project)
        where.holds("r.number > 0")
        rows = self._session.rows(
            f"""SELECT {_BAR} FROM runs r CROSS JOIN tasks t {self._look("controllers")} {where} AND t.id = r.task
                ORDER BY r.number DESC LIMIT ?""",
            *where.values,
            limit,
        )
        return [_bar_of(row) for row in rows]

    def coming(self) -> dict[tuple[str, str], list[RunBar]]:
        """Return the runs that wait, or were claimed and have not begun, by pipeline, newest first."""
        where = self._in_sight()
        where.among("t.status", (Status.QUEUED.value, Status.IN_PROGRESS.value))
        where.holds("r.number = 0")
        rows = self._session.rows(
            f"""SELECT {_BAR}, r.pipeline, r.project FROM tasks t {self._look("controllers_by_status")}
                CROSS JOIN runs r {where} AND r.task = t.id ORDER BY r.created DESC""",
            *where.values,
        )
        found: dict[tuple[str, str], list[RunBar]] = {}
        for *bar, pipeline, project in rows:
            found.setdefault((pipeline, project), []).append(_bar_of(bar))
        return found

    def last(self, runs: Sequence[str]) -> dict[str, LastRun]:
        """Return what is said of these runs as the newest of their pipelines, by id."""
        rows = self._session.rows_among(
            f"""SELECT t.id, t.name, r.version, t.user_name, t.tags, t.queue, t.status,
                SUBSTR(t.message, 1, {LONGEST_MESSAGE})
                FROM runs r JOIN tasks t ON t.id = r.task WHERE r.task IN ({{values}})""",
            runs,
        )
        return {
            id: LastRun(
                name=name,
                version=version,
                user=user,
                tags=_strings(tags),
                queue=queue,
                error=message if status == Status.FAILED else "",
            )
            for id, name, version, user, tags, queue, status, message in rows
        }

    def failures(self, since: float, limit: int) -> list[Failure]:
        """Return the runs that failed since a moment and are not archived, the last first."""
        where = self._in_sight()
        where.equal("t.status", Status.FAILED.value)
        where.term("t.ended >= ?", [since])
        rows = self._session.rows(
            f"""SELECT t.id, t.name, r.pipeline, r.project, t.user_name, t.ended,
                SUBSTR(t.message, 1, {LONGEST_MESSAGE})
                FROM tasks t {self._look("controllers_by_end")} CROSS JOIN runs r {where} AND r.task = t.id
                ORDER BY t.ended DESC, t.id LIMIT ?""",
            *where.values,
            limit,
        )
        return [
            Failure(run=id, name=name, pipeline=pipeline, project=project, user=user, ended=ended, error=message)
            for id, name, pipeline, project, user, ended, message in rows
        ]

    def first_failed(self, run: str) -> tuple[str, str] | None:
        """Return the step of a run that failed first, and why; None where none did."""
        row = self._session.first(
            "SELECT name, reason FROM steps WHERE run = ? AND status = 'failed' ORDER BY ended, position LIMIT 1", run
        )
        return None if row is None else (row[0], row[1])

    def _in_sight(self) -> Where:
        where = Where()
        where.holds("t.type = 'controller' AND t.archived = 0")
        where.within("t.project", self._session.projects)
        return where

    def _look(self, index: str) -> str:
        """Return what has the database look through this index, which holds all that is read; the rows are long."""
        return self._session.dialect.using.replace("{}", index)


_BAR = "r.task, r.number, t.status, r.created, t.started, t.ended"


def _bar_of(row: Sequence[Any]) -> RunBar:
    return RunBar(id=row[0], number=row[1], status=Status(row[2]), created=row[3], started=row[4], ended=row[5])
