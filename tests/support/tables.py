"""Gives the new databases of this process their tables by a copy of a database that has them.

The migrations take longer than most tests. They are carried out where they are what is tested, in `tests/store/`, and
in every process that a test starts.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from penstock.store.migrate import Migration, _locked, migrate, migrations

MIGRATED: Final = "tests/store/"


class Copies:
    """Stands where `store/sqlite.py` calls the migrations.

    Args:
        template: A database of this version, with nothing in it.
    """

    def __init__(self, template: Path) -> None:
        self._template = f"file:{template}?mode=ro"
        self._known = migrations()

    def __call__(self, connection: sqlite3.Connection, path: Path, known: Sequence[Migration], patience: float) -> None:
        """Copy the tables into a database that has none; whatever else a database needs, the migrations do."""
        if _is_new(path) and known == self._known and not _of_migrations():
            with _locked(path, patience):
                if _is_new(path):
                    self._copy(connection)
        migrate(connection, path, known, patience)

    def _copy(self, connection: sqlite3.Connection) -> None:
        (before,) = connection.execute("PRAGMA synchronous").fetchone()
        connection.execute("PRAGMA synchronous = OFF")
        with closing(sqlite3.connect(self._template, uri=True)) as template:
            template.backup(connection)
        connection.execute(f"PRAGMA synchronous = {before}")


def _is_new(path: Path) -> bool:
    return path.stat().st_size == 0


def _of_migrations() -> bool:
    return os.environ.get("PYTEST_CURRENT_TEST", "").startswith(MIGRATED)
