"""What PostgreSQL or the way to it let us down with, as an error that says what to do. Never shows a password."""

from __future__ import annotations

from typing import Any, Final

import psycopg
from psycopg import errors

from penstock.core.errors import DiskFull, StoreBusy, StoreError, TryAgain

# What another transaction caused: the same unit will succeed when it is carried out anew.
_CAME_BETWEEN: Final = (errors.SerializationFailure, errors.DeadlockDetected)

# What a statement of ours waited for too long, or held for too long.
_TOO_LONG: Final = (
    errors.LockNotAvailable,
    errors.QueryCanceled,
    errors.TooManyConnections,
    errors.OutOfMemory,
    errors.CannotConnectNow,
)

_HINTS: Final[dict[type[psycopg.Error], str]] = {
    errors.InvalidCatalogName: "make it first, for example with: createdb NAME",
    errors.InvalidPassword: "see whether user and password in the URL are right",
    errors.InvalidAuthorizationSpecification: "see whether the URL's user exists and may connect (pg_hba.conf)",
    errors.InsufficientPrivilege: "the URL's user has to own the database, or may at least create tables in its schema",
    errors.ReadOnlySqlTransaction: "the URL leads to a standby, or the database is read-only: use the primary one",
}


def explain(shown: str, error: psycopg.Error) -> StoreError:
    """Return the error to raise for what PostgreSQL said of a statement.

    Args:
        shown: The database, for people.
        error: What the driver raised.
    """
    if isinstance(error, _CAME_BETWEEN):
        return TryAgain(f"another transaction came in between on {shown}")
    if isinstance(error, errors.DiskFull):
        return DiskFull(f"there is no space left for {shown}", hint="free some: nothing was recorded by half")
    if isinstance(error, _TOO_LONG):
        return StoreBusy(f"{shown} is held up: {_said(error)}", hint="see pg_stat_activity for who holds what")
    hint = next((hint for kind, hint in _HINTS.items() if isinstance(error, kind)), None)
    return StoreError(f"{shown} cannot be used: {_said(error)}", hint=hint)


def unreachable(shown: str, error: psycopg.Error) -> StoreError:
    """Return the error to raise when no connection can be had."""
    text = str(error)
    hints = {
        "password authentication failed": _HINTS[errors.InvalidPassword],
        "no password supplied": _HINTS[errors.InvalidPassword],
        "does not exist": "see whether the URL's database and user exist; createdb NAME makes a database",
        "pg_hba.conf": _HINTS[errors.InvalidAuthorizationSpecification],
        "too many clients": "raise PostgreSQL's max_connections, or stop processes that use it",
        "remaining connection slots": "raise PostgreSQL's max_connections, or stop processes that use it",
    }
    hint = next(
        (hint for part, hint in hints.items() if part in text), "see whether PostgreSQL runs and can be reached"
    )
    return StoreError(f"{shown} cannot be reached: {_said(error)}", hint=hint)


def is_lost(connection: psycopg.Connection[Any], error: psycopg.Error | None = None) -> bool:
    """Return whether the connection is gone, and with it the transaction that was open on it.

    Args:
        connection: The connection.
        error: What its driver raised. What the server has not said comes from a connection that is of no use any more.
    """
    if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
        connection.close()
    return connection.closed or connection.broken


def _said(error: psycopg.Error) -> str:
    """Return the first line of what was said, or the last where several addresses were tried."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return next((line for line in lines if "failed:" in line), lines[0] if lines else type(error).__name__)
