"""Many attempts, runs and pipelines at once, read without what of their records is long."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.core.task import EndReason, Status, Task
from penstock.ports.overview import Held, Origin
from penstock.store.sql import Session

LONGEST_MESSAGE = 2_000  # characters of why an attempt ended: its first line is what is shown

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
