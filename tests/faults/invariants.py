"""What holds in the database at every moment, asked for in one statement each: a statement sees one moment."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

from findings import Broken

from penstock.settings import Settings

OPEN = "('queued', 'in_progress')"
NEVER = {
    "it is queued and waits in no queue": """
        SELECT id FROM tasks WHERE status = 'queued' AND id NOT IN (SELECT task FROM queue_entries)""",
    "it waits in a queue and is not queued": """
        SELECT task FROM queue_entries WHERE task NOT IN (SELECT id FROM tasks WHERE status = 'queued')""",
    "it waits although somebody holds it": """
        SELECT task FROM queue_entries WHERE task IN (SELECT task FROM leases)""",
    "somebody holds it although it is not in progress": """
        SELECT task FROM leases JOIN tasks ON id = task WHERE status <> 'in_progress' AND type <> 'controller'""",
    "it is in progress and nobody holds it": """
        SELECT id FROM tasks
            WHERE status = 'in_progress' AND run IS NOT NULL AND id NOT IN (SELECT task FROM leases)""",
    "it is open although its run has ended": f"""
        SELECT one.id FROM tasks AS one JOIN tasks AS above ON above.id = one.run
            WHERE one.status IN {OPEN} AND above.status IN ('completed', 'failed', 'stopped')""",
    "two attempts of the step are open": f"""
        SELECT max(id) FROM tasks WHERE status IN {OPEN} AND run IS NOT NULL GROUP BY run, step HAVING count(*) > 1""",
    "two attempts of the step completed": """
        SELECT max(id) FROM tasks WHERE status = 'completed' AND run IS NOT NULL
            GROUP BY run, step HAVING count(*) > 1""",
}


def check_invariants(settings: Settings) -> None:
    """Look whether all of it holds now. Every step of every run has to go through queues.

    Raises:
        Broken: Something does not; it says what, and of which task.
    """
    ask = _postgres(settings.database_url) if settings.database_url else _sqlite(settings)
    for what, statement in NEVER.items():
        if found := ask(statement):
            raise Broken(f"task {found[0][0]}: {what}")


def _sqlite(settings: Settings) -> Callable[[str], list[tuple[str]]]:
    def ask(statement: str) -> list[tuple[str]]:
        with closing(sqlite3.connect(f"file:{settings.database}?mode=ro", timeout=30, uri=True)) as connection:
            return connection.execute(statement).fetchall()

    return ask


def _postgres(url: str) -> Callable[[str], list[tuple[str]]]:
    import psycopg  # the driver is imported only where it is needed

    def ask(statement: str) -> list[tuple[str]]:
        with closing(psycopg.connect(url, autocommit=True)) as connection:
            return connection.execute(statement.encode()).fetchall()

    return ask
