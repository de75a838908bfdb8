"""What letters are looked for in, of runs and of tasks that belong to none: kept apart, as the rows of tasks are long.

Whoever changes a name, a comment, tags or what a task belongs to has it put down anew.
"""

from __future__ import annotations

from typing import Final

from penstock.store.sql import Session

REMOVE: Final = "DELETE FROM letters WHERE of_run IN (0, 1) AND task IN ({values})"

ROWS: Final = """SELECT CASE WHEN r.task IS NULL THEN 0 ELSE 1 END, t.id, LOWER(
    t.name || ' | ' || t.comment || ' | ' || t.tags || ' | ' || COALESCE(r.pipeline || ' | ' || r.project, t.project)
    ) FROM tasks t LEFT JOIN runs r ON r.task = t.id WHERE t.run IS NULL"""
"""The letters of every task that has any."""


def put_down(session: Session, task: str) -> None:
    """Put down what the letters of a task are; none, where it is an attempt of a step."""
    session.run(REMOVE.replace("{values}", "?"), task)
    session.run(f"INSERT INTO letters (of_run, task, text) {ROWS} AND t.id = ?", task)
