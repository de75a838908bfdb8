"""Opening the store that the settings name; the one place that knows of both databases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from penstock.core.errors import StoreError
from penstock.store.files import ELSEWHERE, explain_os, make_folder

if TYPE_CHECKING:
    from penstock.ports import Store


def open_store(file: Path, url: str | None = None) -> Store:
    """Open the store, and bring its tables up to date.

    Args:
        file: The SQLite file that is used when there is no URL; it is made when it is missing. Its folder is made in
            any case, for nobody but its owner: blobs lie there.
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
    _make_home(file.parent)
    return PostgresStore(url)


def _make_home(folder: Path) -> None:
    try:
        made = make_folder(folder)
    except OSError as error:
        raise explain_os(folder, error) from error
    if not made and not folder.is_dir():
        raise StoreError(f"{folder} cannot be used: it is no folder", hint=ELSEWHERE)
