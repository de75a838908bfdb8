"""The store on one PostgreSQL database: any number of machines, and every writer as if it were alone.

Transactions that write are serializable: where two of them could not have come one after the other, PostgreSQL ends
one, and `repeated` carries that unit out again. So what the service reads before it writes needs no locks.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus

from penstock.core.errors import StoreError, TryAgain
from penstock.store.dialect import POSTGRES
from penstock.store.migrate import Migration, migrations
from penstock.store.postgres.address import read
from penstock.store.postgres.connections import PATIENCE, Connection, Connections
from penstock.store.postgres.faults import explain, is_lost
from penstock.store.postgres.migrate import migrate
from penstock.store.postgres.waiter import PostgresWaiter
from penstock.store.sql import Session, Value
from penstock.store.transaction import SqlTx

T = TypeVar("T")

_NOT_SYNCED: Final = "SET LOCAL synchronous_commit = off; "
_FIRST_PAUSE: Final = 0.002
_LONGEST_PAUSE: Final = 0.25


class PostgresStore:
    """Everything that is stored, in one database.

    Args:
        url: The database, as `postgresql://user:password@host:port/name`; it must be there, its tables are made.
        known: The migrations; those of this version when None.
        patience: Seconds to wait for the database, and for other transactions, before giving up.

    Raises:
        Invalid: The URL is none.
        StoreError: The database cannot be reached or used; the message says why, and never the password.
    """

    def __init__(self, url: str, *, known: Sequence[Migration] | None = None, patience: float = PATIENCE) -> None:
        address = read(url)
        self.shown = address.shown
        self._patience = patience
        self._connections = Connections(address, patience)
        self.waiter = PostgresWaiter(self._connections)
        self._migrate(migrations() if known is None else known)

    @contextmanager
    def transaction(self, *, writes: bool = True, durable: bool = True) -> Generator[SqlTx]:
        """Open a transaction: committed at the end of the block, undone wholly when it raises.

        Args:
            writes: Whether it may change anything. One that may not sees the store as it was at its beginning.
            durable: Whether what it wrote is on the server's disk at its end; else a crash of the server may undo the
                last ones, a crash of this process may not.

        Raises:
            TryAgain: Another transaction came in between, or the connection was lost; nothing of this one was done.
            StoreError: The database cannot be reached or used.
        """
        process = os.getpid()
        with self._connections.mine() as connection:
            session = Session(_Statements(connection), POSTGRES)
            try:
                number = _begin(connection, writes=writes, durable=durable)
                yield SqlTx(session)
                _must_be_ours(process)
                session.settle()
                self._commit(connection, number)
            except psycopg.Error as error:
                raise self._fault(connection, error) from error
            finally:
                session.end()
                if os.getpid() == process:
                    _leave(connection)
        if writes:
            self.waiter.notify()

    def repeated(self, unit: Callable[[], T]) -> T:
        """Return what the unit returns; carry it out anew, after a random while, when another came in between."""
        deadline = time.monotonic() + self._patience
        pause = _FIRST_PAUSE
        while True:
            try:
                return unit()
            except TryAgain:
                if time.monotonic() >= deadline:
                    raise
            time.sleep(pause * (0.5 + os.urandom(1)[0] / 255))  # apart from all others that try again
            pause = min(pause * 2, _LONGEST_PAUSE)

    def close(self) -> None:
        """Close every connection, and end all waiting."""
        self._connections.close()
        self.waiter.close()

    def _commit(self, connection: Connection, number: str | None) -> None:
        """Commit; where the connection is lost in the middle of that, find out what became of the transaction."""
        try:
            done = connection.execute("COMMIT").statusmessage
        except psycopg.OperationalError as error:
            if number is None or not is_lost(connection):
                raise
            self._must_be_committed(number, error)
            return
        if done != "COMMIT":
            raise RuntimeError("a statement of this transaction failed, and nobody said so: nothing was recorded")

    def _must_be_committed(self, number: str, error: psycopg.Error) -> None:
        deadline = time.monotonic() + self._patience
        status = None
        while status is None or status == "in progress":
            try:
                connection = self._connections.connect()
                with connection:
                    (status,) = connection.execute("SELECT pg_xact_status($1::xid8)", (number,)).fetchone() or ("",)
            except (StoreError, psycopg.Error):
                status = None
            if time.monotonic() >= deadline:
                raise StoreError(
                    f"the connection to {self.shown} was lost while a change was recorded: whether it was is not known",
                    hint="look at what there is before you do it again",
                ) from error
            time.sleep(_FIRST_PAUSE if status else _LONGEST_PAUSE)
        if status != "committed":
            raise self._connections.lost() from error

    def _fault(self, connection: Connection, error: psycopg.Error) -> Exception:
        if is_lost(connection):
            return self._connections.lost()
        if isinstance(error, errors.ReadOnlySqlTransaction) and not _is_standby(connection):
            return RuntimeError("a transaction that only reads has written")
        return explain(self.shown, error)

    def _migrate(self, known: Sequence[Migration]) -> None:
        connection = self._connections.connect()
        try:
            with connection:
                migrate(connection, self.shown, known)
        except psycopg.Error as error:
            raise explain(self.shown, error) from error


class _Statements:
    """Runs statements on a connection of the driver, as a `Session` expects it."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, values: Sequence[Value] = (), /) -> psycopg.Cursor[Any]:
        return self._connection.execute(sql.encode(), values, binary=True)

    def cursor(self) -> _Statements:
        return self

    def executemany(self, sql: str, rows: Iterable[Sequence[Value]], /) -> object:
        rows = list(rows)
        if len(rows) == 1:  # without the detour of a pipeline
            return self.execute(sql, rows[0])
        return self._connection.cursor().executemany(sql.encode(), rows)


def _begin(connection: Connection, *, writes: bool, durable: bool) -> str | None:
    """Open a transaction; return its number when it may write."""
    if not writes:
        connection.execute(POSTGRES.begin_reading)
        return None
    begin, _, rest = POSTGRES.begin_writing.partition("; ")
    cursor = connection.execute(f"{begin}; {'' if durable else _NOT_SYNCED}{rest}".encode())
    while cursor.nextset():
        pass
    row = cursor.fetchone()
    return str(row[0]) if row else None


def _leave(connection: Connection) -> None:
    """Undo what is still open."""
    if not is_lost(connection) and connection.info.transaction_status != TransactionStatus.IDLE:
        try:
            connection.execute("ROLLBACK")
        except psycopg.Error:
            connection.close()


def _is_standby(connection: Connection) -> bool:
    return False


def _must_be_ours(process: int) -> None:
    if os.getpid() != process:
        raise StoreError("a transaction cannot end in another process than it began in: this one was forked meanwhile")
