"""The store on one SQLite file: WAL, writers take turns, any number of processes and threads."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Final, TypeVar

from penstock.core.errors import StoreError
from penstock.store.connections import Connections, Slot
from penstock.store.dialect import SQLITE
from penstock.store.files import explain, explain_os, is_busy, make_files
from penstock.store.migrate import Migration, migrate, migrations
from penstock.store.patience import Patience
from penstock.store.sql import Session
from penstock.store.transaction import SqlTx
from penstock.store.waiter import SqliteWaiter

T = TypeVar("T")

OLDEST: Final = (3, 35, 0)  # the first with RETURNING
PATIENCE: Final = 300.0
"""Seconds to wait for other processes before giving up."""

_STATEMENTS: Final = 256  # how many prepared statements a connection keeps: more than we have
_PRAGMAS: Final = (
    "PRAGMA synchronous = FULL",
    "PRAGMA cache_size = -16384",  # 16 MB, which a small database never fills; lists of a large one read more than 2
    "PRAGMA fullfsync = ON",  # macOS: only this reaches the disk
    "PRAGMA journal_size_limit = 67108864",  # what a great transaction made of the WAL does not stay
)


class SqliteStore:
    """Everything that is stored, in one file.

    Args:
        path: The file; it and its folder are made when they are missing, for their owner alone.
        known: The migrations; those of this version when None.
        patience: Seconds to wait for another process before StoreBusy.

    Raises:
        StoreError: The file cannot be used; the class and the message say why.
    """

    def __init__(self, path: Path, *, known: Sequence[Migration] | None = None, patience: float = PATIENCE) -> None:
        check_version(sqlite3.sqlite_version_info)
        self.path = path.resolve()
        self._patience = patience
        make_files(self.path)
        self._connections = Connections(self.path, self._connect)
        self.waiter = SqliteWaiter(self.path, self._connections)
        try:
            self._migrate(migrations() if known is None else known)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def transaction(self, *, writes: bool = True, durable: bool = True) -> Generator[SqlTx]:
        """Open a transaction: committed at the end of the block, undone wholly when it raises.

        Args:
            writes: Whether it may change anything. One that may not sees the store as it was at its beginning.
            durable: Whether what it wrote is on the disk at its end; else a power cut may undo the last ones, a
                crash of the process may not.
        """
        with self._connections.mine() as (slot, connection), self._turn(writes=writes):
            session = Session(connection, SQLITE)
            changes = connection.total_changes
            try:
                self._begin(slot, connection, writes=writes, durable=durable)
                yield SqlTx(session)
                _must_be_ours(slot)
                session.settle()
                if writes:
                    connection.execute("COMMIT")
                elif connection.total_changes != changes:
                    raise RuntimeError("a transaction that only reads has written")
            except (sqlite3.ProgrammingError, sqlite3.InterfaceError):
                raise  # a mistake in our own code
            except sqlite3.Error as error:
                raise explain(self.path, error) from error
            finally:
                session.end()
                if not slot.inherited and connection.in_transaction:
                    connection.execute("ROLLBACK")
        if writes:
            self.waiter.notify()

    def repeated(self, unit: Callable[[], T], *, in_turn: bool = False) -> T:
        """Return what the unit returns. All writers take turns, so that it never has to be carried out again."""
        _ = in_turn
        return unit()

    def close(self) -> None:
        """Close every connection, and end all waiting. A transaction that is open in another thread may end before."""
        self._connections.close()
        self.waiter.close()

    def _turn(self, *, writes: bool) -> AbstractContextManager[None]:
        """Threads of this process queue for writing; only one of them then competes with other processes."""
        return self._connections.turn(self._patience) if writes else nullcontext()

    def _begin(self, slot: Slot, connection: sqlite3.Connection, *, writes: bool, durable: bool) -> None:
        if not writes:
            self._retry(lambda: _begin_reading(connection))
            return
        if slot.durable is not durable:
            # Not by execute, which keeps statements prepared: SQLite may obey a pragma when it prepares it.
            connection.executescript(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            slot.durable = durable
        self._retry(lambda: connection.execute(SQLITE.begin_writing))

    def _connect(self) -> sqlite3.Connection:
        try:
            return self._retry(self._try_to_connect)
        except sqlite3.Error as error:
            raise explain(self.path, error) from error

    def _try_to_connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            _url(self.path),
            uri=True,
            timeout=0.0,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_STATEMENTS,
        )
        try:
            for pragma in _PRAGMAS:
                connection.execute(pragma)
        except BaseException:
            connection.close()
            raise
        return connection

    def _migrate(self, known: Sequence[Migration]) -> None:
        try:
            with self._connections.mine() as (_, connection):
                self._retry(lambda: migrate(connection, self.path, known, self._patience))
        except sqlite3.Error as error:
            raise explain(self.path, error) from error
        except OSError as error:
            raise explain_os(self.path, error) from error

    def _retry(self, attempt: Callable[[], T]) -> T:
        """Carry out what another process may stand in the way of, until none does or patience ends."""
        patience: Patience | None = None
        while True:
            try:
                return attempt()
            except sqlite3.Error as error:
                if not is_busy(error):
                    raise
            patience = patience or Patience(self.path, self._patience)
            patience.wait()


def check_version(version: tuple[int, ...]) -> None:
    """Raise StoreError when this SQLite is too old for our SQL."""
    if version < OLDEST:
        shown, needed = (".".join(map(str, one)) for one in (version, OLDEST))
        raise StoreError(
            f"Python's SQLite is {shown}, and Penstock needs {needed} or newer",
            hint="use a Python that comes with its own SQLite, such as one that uv installs",
        )


def _begin_reading(connection: sqlite3.Connection) -> None:
    connection.execute(SQLITE.begin_reading)
    try:
        connection.execute("PRAGMA data_version").fetchone()  # what is read first is what fixes the moment
    except sqlite3.Error:
        connection.execute("ROLLBACK")
        raise


def _must_be_ours(slot: Slot) -> None:
    if slot.inherited:
        raise StoreError("a transaction cannot end in another process than it began in: this one was forked meanwhile")


def _url(path: Path) -> str:
    """Return the address of a database that has to be there: SQLite would make a missing one that anybody may read."""
    text = str(path)
    for special in "%?#":
        text = text.replace(special, f"%{ord(special):02x}")
    return f"file:{text}?mode=rw"
