"""Opening the store that the settings name; the one place that knows of both databases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from penstock.core.errors import StoreError

if TYPE_CHECKING:
    from penstock.ports import Store


def open_store(file: Path, url: str | None = None) -> Store:
    """Open the store, and bring its tables up to date.

    Args:
        file: The SQLite file that is used when there is no URL; it is made when it is missing.
        url: A PostgreSQL database, as `postgresql://user:password@host:port/name`.

    Raises:
        Invalid: The URL is none.
        StoreError: The database cannot be used, or the driver for PostgreSQL is not installed.
    """
    if url is None:
        from penstock.store.sqlite import SqliteStore  # noqa: PLC0415 - who uses PostgreSQL needs none of it

        return SqliteStore(file)
    try:
        from penstock.store.postgres.store import PostgresStore  # noqa: PLC0415 - importing the driver takes 0.1 s
    except ImportError as error:
        raise StoreError(
            f"the driver for PostgreSQL cannot be imported: {error}", hint="pip install 'penstock[postgres]'"
        ) from error
    return PostgresStore(url)
