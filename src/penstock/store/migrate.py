"""Numbered migrations: what a database has to look like for this code, and how an older one gets there.

Migrations go forwards only, each in one transaction, under a lock that other processes wait for; an older database is
copied before. Opening one that is up to date takes no lock and one query.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from msgspec import Struct

from penstock.core.errors import StoreError, StoreTooNew
from penstock.store.dialect import SQLITE
from penstock.store.files import make_private, sync_folder
from penstock.store.patience import Patience

# Not by importlib.resources, whose import takes 15 ms of CPU: as much as Python's own start.
_PACKAGED: Final = Path(__file__).with_name("migrations")

TABLE: Final = """CREATE TABLE IF NOT EXISTS schema_migrations (
    number BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied DOUBLE PRECISION NOT NULL)"""


class Migration(Struct, frozen=True, kw_only=True):
    """One step of the schema.

    Args:
        number: Its place in the order, from 1.
        name: What it is about.
        text: Its statements, each ending with a semicolon at the end of a line.
    """

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """Tells whether a database got this very text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def statements(self) -> list[str]:
        """The statements, without comments."""
        lines = [line for line in self.text.splitlines() if not line.lstrip().startswith("--")]
        return [statement for part in "\n".join(lines).split(";\n") if (statement := part.strip().rstrip(";"))]


def migrations(folder: Path = _PACKAGED) -> list[Migration]:
    """Return the migrations of a folder, by number: its files are named `0001_what_it_is_about.sql`."""
    found = [
        Migration(number=int(file.stem.partition("_")[0]), name=file.stem, text=file.read_text(encoding="utf-8"))
        for file in sorted(folder.glob("*.sql"))
    ]
    if [one.number for one in found] != list(range(1, len(found) + 1)):
        raise StoreError(f"the migrations in {folder} are not numbered 1, 2, 3, ...: {[one.name for one in found]}")
    return found


def migrate(connection: sqlite3.Connection, path: Path, known: Sequence[Migration], patience: float) -> None:
    """See that the database is what this code expects.

    Args:
        connection: Open on the database, outside of a transaction.
        path: The database.
        known: The migrations of this code.
        patience: Seconds to wait for another process that migrates it.

    Raises:
        StoreTooNew: A newer version of this code has been here.
        StoreError: The file is another program's, or a migration is not what it was when the database got it.
    """
    if pending(connection, path, known):
        with _locked(path, patience):
            _set_up(connection, path)
            todo = pending(connection, path, known)
            if todo and todo[0].number > 1:
                _copy(connection, path, todo[0].number)
            for migration in todo:
                _apply(connection, migration)


def pending(connection: sqlite3.Connection, path: Path, known: Sequence[Migration]) -> list[Migration]:
    """Return the migrations that the database lacks."""
    return lacking(_applied(connection), str(path), known)


def lacking(applied: Mapping[int, str], shown: str, known: Sequence[Migration]) -> list[Migration]:
    """Return the migrations that a database lacks.

    Args:
        applied: The checksums of those that it got, by number.
        shown: The database, for people.
        known: The migrations of this code.

    Raises:
        StoreTooNew: A newer version of this code has been here.
        StoreError: A migration is not what it was when the database got it.
    """
    newest = max(applied, default=0)
    if newest > len(known):
        raise StoreTooNew(
            f"{shown} has migration {newest}, and this version of Penstock knows no further than {len(known)}",
            hint="upgrade Penstock, for example: pip install --upgrade penstock",
        )
    for migration in known:
        checksum = applied.get(migration.number, migration.checksum)
        if checksum != migration.checksum:
            raise StoreError(
                f"{shown} got another migration {migration.name} than this version of Penstock has",
                hint="a migration never changes once it is released: use the version that made this database",
            )
    return [migration for migration in known if migration.number not in applied]


def _applied(connection: sqlite3.Connection) -> dict[int, str]:
    try:
        return dict(connection.execute("SELECT number, checksum FROM schema_migrations").fetchall())
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
            raise
        return {}  # there is no such table


def _set_up(connection: sqlite3.Connection, path: Path) -> None:
    """Switch a new database to WAL, once for all, and refuse one that is not ours."""
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if names and "schema_migrations" not in names:
        raise StoreError(
            f"{path} is a database of another program: it has the tables {', '.join(sorted(names)[:5])}",
            hint="choose another home for Penstock",
        )
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise StoreError(
            f"the disk of {path} does not let processes share memory, which SQLite's WAL needs",
            hint="choose a home on another disk",
        )
    connection.execute(TABLE)


def _apply(connection: sqlite3.Connection, migration: Migration) -> None:
    connection.execute(SQLITE.begin_writing)
    try:
        for statement in migration.statements:
            connection.execute(SQLITE.schema(statement))
        connection.execute(
            "INSERT INTO schema_migrations (number, name, checksum, applied) VALUES (?, ?, ?, ?)",
            (migration.number, migration.name, migration.checksum, time.time()),
        )
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _copy(connection: sqlite3.Connection, path: Path, number: int) -> None:
    """Copy the database as it is before a migration; the copy appears whole or not at all."""
    copy = Path(f"{path}.before-{number:04}")
    part = Path(f"{copy}.part")
    part.unlink(missing_ok=True)
    make_private(part)
    connection.execute("VACUUM INTO ?", (os.fspath(part),))
    descriptor = os.open(part, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    part.replace(copy)
    sync_folder(path.parent)


@contextmanager
def _locked(path: Path, patience: float) -> Generator[None]:
    """Hold the lock of those who migrate this database."""
    descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    waiting = Patience(path, patience)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting.wait()
            else:
                break
        yield
    finally:
        os.close(descriptor)
