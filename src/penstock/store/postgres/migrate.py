"""The numbered migrations on PostgreSQL, each in one transaction of its own, under a lock that others wait for.

Opening a database that is up to date takes one query and no lock. Unlike with a file, nothing is copied before: a
server has backups of its own, and a migration that fails leaves nothing of itself.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from psycopg import errors

from penstock.core.errors import StoreError
from penstock.store.dialect import POSTGRES
from penstock.store.migrate import TABLE, Migration, lacking
from penstock.store.postgres.connections import Connection

OLDEST: Final = 150_000

_WAIT_FOR_TURN: Final = b"SELECT pg_advisory_xact_lock(7301202)"  # a number that no other lock of ours has
_ELSEWHERE: Final = "choose another database for Penstock, or a schema of its own: ?options=-csearch_path%3Dpenstock"


def migrate(connection: Connection, shown: str, known: Sequence[Migration]) -> None:
    """See that the database is what this code expects.

    Args:
        connection: Open on the database, outside of a transaction.
        shown: The database, for people.
        known: The migrations of this code.

    Raises:
        StoreTooNew: A newer version of this code has been here.
        StoreError: The database is another program's, its texts are not UTF-8, or a migration is not what it was when
            the database got it.
        psycopg.Error: What PostgreSQL refused.
    """
    if not lacking(_applied(connection, shown), shown, known):
        return
    check_version(connection.info.server_version, shown)
    _must_be_utf8(connection, shown)
    while True:
        with connection.transaction():
            connection.execute(_WAIT_FOR_TURN)
            applied = _applied(connection, shown)
            todo = lacking(applied, shown, known)
            if not todo:
                return
            if not applied:
                _must_be_ours(connection, shown)
                connection.execute(POSTGRES.schema(TABLE).encode())
            _apply(connection, todo[0])


def check_version(version: int, shown: str) -> None:
    """Raise StoreError when this PostgreSQL is older than any that we test with; 15.3 is 150003."""
    if version < OLDEST:
        raise StoreError(
            f"{shown} is PostgreSQL {version // 10_000}, and Penstock needs {OLDEST // 10_000} or newer",
            hint="upgrade PostgreSQL, or use another server",
        )


def _apply(connection: Connection, migration: Migration) -> None:
    for statement in migration.statements:
        connection.execute(POSTGRES.schema(statement).encode())
    connection.execute(
        "INSERT INTO schema_migrations (number, name, checksum, applied) VALUES ($1, $2, $3, $4)",
        (migration.number, migration.name, migration.checksum, time.time()),
    )


def _applied(connection: Connection, shown: str) -> dict[int, str]:
    try:
        with connection.transaction():  # so that an error in it does not end the one around it
            return dict(connection.execute("SELECT number, checksum FROM schema_migrations").fetchall())
    except errors.UndefinedTable:
        return {}
    except errors.UndefinedColumn:
        raise StoreError(
            f"{shown} is a database of another program: its schema_migrations is not ours", hint=_ELSEWHERE
        ) from None


def _must_be_ours(connection: Connection, shown: str) -> None:
    rows = connection.execute(
        "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename"
    ).fetchall()
    names = [name for (name,) in rows if name != "schema_migrations"]
    if names:
        raise StoreError(
            f"{shown} is a database of another program: it has the tables {', '.join(names[:5])}", hint=_ELSEWHERE
        )


def _must_be_utf8(connection: Connection, shown: str) -> None:
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise StoreError(
            f"{shown} keeps texts as {encoding}, which cannot hold every character",
            hint="make a database with: createdb --encoding=UTF8 --template=template0 NAME",
        )
