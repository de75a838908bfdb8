"""Attempts of steps under their cache keys, and what these keys are made of."""

from __future__ import annotations

from penstock.core.cachekey import KeyParts
from penstock.core.run import ARCHIVED, REUSED
from penstock.core.task import Status
from penstock.ops.executions import Execution, Keyed, ListExecutions
from penstock.store.sql import Session, Where, reader, text

_parts = reader(KeyParts)
_tags = reader(tuple[str, ...])


class SqlExecutions:
    """The executions."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, task: str, run: str, step: str, keyed: Keyed) -> None:
        """Record the cache key of an attempt."""
        self._session.run(
            "INSERT INTO key_parts (key, parts) VALUES (?, ?) ON CONFLICT (key) DO NOTHING",
            keyed.key,
            text(keyed.parts),
        )
        self._session.change(
            f"run {run}",
            """INSERT INTO executions (task, project, pipeline, step, key)
                SELECT ?, project, pipeline, ?, ? FROM runs WHERE task = ?""",
            task,
            step,
            keyed.key,
            run,
        )

    def list(self, wanted: ListExecutions) -> list[Execution]:
        """Return the executions that the filters let through, the latest first."""
        where = Where()
        where.equal("e.task", wanted.task)
        where.equal("e.key", wanted.key)
        where.equal("e.pipeline", wanted.pipeline)
        where.equal("e.project", wanted.project)
        where.within("t.project", self._session.projects)
        where.equal("e.step", wanted.step)
        rows = self._session.rows(
            f"""SELECT e.task, r.pipeline, r.number, e.step, t.status, t.system_tags, e.key, p.parts FROM executions e
                JOIN tasks t ON t.id = e.task JOIN runs r ON r.task = t.run JOIN key_parts p ON p.key = e.key
                {where} ORDER BY t.runtime LIKE '%"{REUSED}"%', e.position DESC LIMIT ?""",
            *where.values,
            wanted.limit,
        )
        return [
            Execution(
                task=row[0],
                run=f"{row[1]} #{row[2]}",
                step=row[3],
                status=Status(row[4]),
                archived=ARCHIVED in _tags(row[5]),
                keyed=Keyed(key=row[6], parts=_parts(row[7])),
            )
            for row in rows
        ]
