"""The store on one PostgreSQL database: any number of machines, and every writer as if it were alone.

Transactions that write are serializable: where two of them could not have come one after the other, PostgreSQL ends
one, and `repeated` carries that unit out again. So what the service reads before it writes needs no locks.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
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

_TAKE_TURN: Final = b"SELECT pg_advisory_lock(7301203)"  # a number that no other lock of ours has
_GIVE_TURN: Final = b"SELECT pg_advisory_unlock(7301203)"
_NOT_SYNCED: Final = "SET LOCAL synchronous_commit = off; "
_OPEN: Final = frozenset({TransactionStatus.INTRANS, TransactionStatus.INERROR, TransactionStatus.ACTIVE})
_FIRST_PAUSE: Final = 0.002
_LONGEST_PAUSE: Final = 0.25


class _Turns(threading.local):
    """Whether this thread's next transaction takes turns with others that do."""

    taken = False


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
        self._turns = _Turns()
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
                with _in_turn(connection, taken=writes and self._turns.taken), _left_clean(connection, session):
                    number = _begin(connection, writes=writes, durable=durable)
                    yield SqlTx(session)
                    _must_be_in(process)
                    session.settle()
                    self._commit(connection, number)
            except psycopg.Error as error:
                _must_be_in(process)
                raise self._fault(connection, error, writes=writes) from error
        if writes:
            self.waiter.notify()

    def repeated(self, unit: Callable[[], T], *, in_turn: bool = False) -> T:
        """Return what the unit returns; carry it out anew when another transaction came in between.

        A unit that has to be carried out again takes turns with all others that have to, so that none starves.
        """
        deadline = time.monotonic() + self._patience
        pause = _FIRST_PAUSE
        self._turns.taken = in_turn
        try:
            while True:
                try:
                    return unit()
                except TryAgain:
                    if time.monotonic() >= deadline:
                        raise
                if self._turns.taken:
                    time.sleep(pause * (0.5 + os.urandom(1)[0] / 255))  # apart from all others that try again
                    pause = min(pause * 2, _LONGEST_PAUSE)
                self._turns.taken = True
        finally:
            self._turns.taken = False

    def close(self) -> None:
        """Close every connection, each when its transaction is over, and end all waiting."""
        self._connections.close()
        self.waiter.close()

    def _commit(self, connection: Connection, number: str | None) -> None:
        """Commit; where the connection is lost in the middle of that, find out what became of the transaction."""
        try:
            done = connection.execute(b"COMMIT").statusmessage
        except psycopg.OperationalError as error:
            if number is None or not is_lost(connection, error):
                raise
            self._must_be_committed(number, self._connections.life(connection), error)
            return
        if done != "COMMIT":
            raise RuntimeError("a statement of this transaction failed, and nobody said so: nothing was recorded")

    def _must_be_committed(self, number: str, life: str, error: psycopg.Error) -> None:
        """Return when the transaction of this number, of this life of the server, was committed; raise when not."""
        deadline = time.monotonic() + self._patience
        while (status := self._status(number, life)) not in {"committed", "aborted", "forgotten"}:
            if time.monotonic() >= deadline:
                break
            time.sleep(_LONGEST_PAUSE)
        if status == "aborted":
            raise self._connections.lost() from error
        if status != "committed":
            raise StoreError(
                f"the connection to {self.shown} was lost while a change was recorded: whether it was is not known",
                hint="look at what there is before you do it again",
            ) from error

    def _status(self, number: str, life: str) -> str | None:
        """Return what became of a transaction, `forgotten` after a crash of the server, None when nobody tells now."""
        with suppress(StoreError, psycopg.Error), self._connections.connect() as connection:
            if self._connections.life(connection) != life:
                return "forgotten"
            row = connection.execute("SELECT pg_xact_status($1::xid8)", (number,)).fetchone()
            return None if row is None else row[0]
        return None

    def _fault(self, connection: Connection, error: psycopg.Error, *, writes: bool) -> Exception:
        if is_lost(connection, error):
            return self._connections.lost()
        if isinstance(error, errors.ReadOnlySqlTransaction) and not writes:
            return RuntimeError("a transaction that only reads has written")
        ours = isinstance(error, psycopg.ProgrammingError | psycopg.InterfaceError)
        if ours and not isinstance(error, errors.InsufficientPrivilege):
            return error  # a mistake in our own code
        return explain(self.shown, error)

    def _migrate(self, known: Sequence[Migration]) -> None:
        with self._connections.connect() as connection:
            try:
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
        try:
            self._connection.cursor().executemany(sql.encode(), rows)
        except psycopg.Error:
            self._forget_prepared()
            raise
        return None

    def _forget_prepared(self) -> None:
        """Undo the transaction by the driver's own means, which forget what is prepared.

        Rows with values of other types are other statements. One that stands behind a failure in the same pipeline was
        never prepared, and is taken for it (psycopg 3.3): every use of it would fail from then on.
        """
        with suppress(psycopg.OperationalError):  # the connection is lost, and all of that with it
            self._connection.rollback()


def _begin(connection: Connection, *, writes: bool, durable: bool) -> str | None:
    """Open a transaction; return its number when it may write."""
    if not writes:
        connection.execute(POSTGRES.begin_reading.encode())
        return None
    begin, _, number = POSTGRES.begin_writing.partition("; ")
    cursor = connection.execute(f"{begin}; {'' if durable else _NOT_SYNCED}{number}".encode())
    while cursor.nextset():
        pass
    row = cursor.fetchone()
    return str(row[0]) if row else None


@contextmanager
def _in_turn(connection: Connection, *, taken: bool) -> Generator[None]:
    """Take turns with all others that do, if this is to."""
    process = os.getpid()
    if taken:
        connection.execute(_TAKE_TURN)
    try:
        yield
    finally:
        if taken and os.getpid() == process and not is_lost(connection):
            try:
                connection.execute(_GIVE_TURN)
            except psycopg.Error:  # the transaction has ended, and its end must not be taken for a failure
                connection.close()  # the turn goes with it


@contextmanager
def _left_clean(connection: Connection, session: Session) -> Generator[None]:
    """Undo what is still open at the end, and refuse every further statement; leave to another process what is its."""
    process = os.getpid()
    try:
        yield
    finally:
        session.end()
        if os.getpid() == process and connection.info.transaction_status in _OPEN:
            connection.execute(b"ROLLBACK")


def _must_be_in(process: int) -> None:
    if os.getpid() != process:
        raise StoreError(
            "a transaction cannot go on in another process than it began in: this one was forked meanwhile"
        )
