"""A pool of connections to one database, at most one for each thread at a time, and none across a fork.

A forked process must neither use nor end what it inherited: both sides would talk on one socket. So a child forgets
the pool of its parent without closing it, and makes its own when it next needs one. What it inherited leads nowhere, so
that the server still notices when the parent is gone.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any, Final
from weakref import WeakKeyDictionary

import psycopg
from psycopg import RawCursor
from psycopg_pool import ConnectionPool, PoolTimeout

from penstock.core.errors import StoreBusy, StoreError, TryAgain
from penstock.store.connections import AWARE
from penstock.store.postgres.adaptation import adapt
from penstock.store.postgres.address import Address
from penstock.store.postgres.faults import unreachable

MOST: Final = 10
"""So many connections at most for one process, beside the one that listens."""

PATIENCE: Final = 60.0
"""Seconds to wait for a connection, and for the database to come back, before giving up."""

# A process that hangs in the middle of a transaction must not hold up all others for ever.
_SETUP: Final = (
    b"SET idle_in_transaction_session_timeout = '60s'; SET lock_timeout = '60s'; "
    b"SET default_transaction_isolation = 'read committed'; "
    b"SELECT stats_reset::text FROM pg_stat_bgwriter"
)
_STATEMENTS: Final = 256  # how many prepared statements a connection keeps: more than we have

# What the driver logs, such as connections that were lost, our errors say. Without a handler Python would print it.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

Connection = psycopg.Connection[Any]


class _Mine(threading.local):
    """What a thread has."""

    held = False


class Connections:
    """The connections of one store.

    Args:
        address: The database.
        patience: Seconds to wait for a connection before giving up.
    """

    _pool: ConnectionPool[Connection] | None

    def __init__(self, address: Address, patience: float = PATIENCE) -> None:
        self.address = address
        self._patience = patience
        self.closed = False
        self._begin_anew()
        AWARE.add(self)

    @contextmanager
    def mine(self) -> Generator[Connection]:
        """Hold a connection for this thread.

        Raises:
            StoreError: The database cannot be reached.
            StoreBusy: All connections are in use, for longer than one should wait.
        """
        mine = self._mine
        if mine.held:
            raise RuntimeError("a transaction is open in this thread already")
        pool = self._opened()
        try:
            connection = pool.getconn()
        except PoolTimeout:
            raise self._why_there_is_none() from None
        mine.held = True
        process = os.getpid()
        try:
            yield connection
        finally:
            if os.getpid() == process:
                mine.held = False
                pool.putconn(connection)

    def connect(self) -> Connection:
        """Open a connection beside the pool; raise StoreError when the database cannot be reached."""
        try:
            connection: Connection = psycopg.connect(**self._parameters())
            self._configure(connection)
        except psycopg.OperationalError as error:
            raise unreachable(self.address.shown, error) from error
        return connection

    def life(self, connection: Connection) -> str:
        """Return which life of the server a connection belongs to: another one begins when the server has crashed.

        PostgreSQL forgets its statistics then, and says since when it has new ones. Numbers of transactions that were
        given before a crash may be given again after it.
        """
        return self._open[connection]

    def lost(self) -> TryAgain:
        """Return the error for a connection that was lost, after looking which others were."""
        with self._lock:
            pool = self._pool
        if pool is not None:
            pool.check()
        return TryAgain(f"the connection to {self.address.shown} was lost")

    def close(self) -> None:
        """Close every connection, each when its transaction is over."""
        if self._mine.held:
            raise RuntimeError("a transaction is open in this thread: leave it before closing")
        self.closed = True
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    def before_fork(self) -> None:
        """Let nobody be about to make or drop the pool."""
        self._lock.acquire()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Forget the parent's connections without ending them."""
        KEPT.append(self._pool)
        for connection in list(self._open):
            cut_off(connection)
            KEPT.append(connection)
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._lock = threading.Lock()
        self._mine = _Mine()
        self._pool = None
        self._open: WeakKeyDictionary[Connection, str] = WeakKeyDictionary()

    def _parameters(self) -> dict[str, Any]:
        return {**self.address.parameters, "autocommit": True, "cursor_factory": RawCursor}

    def _opened(self) -> ConnectionPool[Connection]:
        if self.closed:
            raise StoreError(f"{self.address.shown} was closed")
        with self._lock:
            if self._pool is None:
                self._pool = ConnectionPool(
                    kwargs=self._parameters(),
                    min_size=0,
                    max_size=MOST,
                    timeout=self._patience,
                    configure=self._configure,
                    open=True,
                )
            return self._pool

    def _configure(self, connection: Connection) -> None:
        """Prepare a new connection."""
        adapt(connection)
        connection.prepared_max = _STATEMENTS
        cursor = connection.execute(_SETUP)
        while cursor.nextset():
            pass
        (life,) = cursor.fetchone() or ("",)
        self._open[connection] = str(life)

    def _why_there_is_none(self) -> StoreError:
        try:
            self.connect().close()
        except StoreError as error:
            return error
        return StoreBusy(
            f"all {MOST} connections of this process to {self.address.shown} were in use for too long",
            hint="see pg_stat_activity for what they wait for",
        )


def cut_off(connection: Connection) -> None:
    """Have a connection lead nowhere, without a word to the server; its descriptor stays, so that no file gets it."""
    nowhere, other_end = socket.socketpair()
    with nowhere, suppress(psycopg.OperationalError):  # it was closed before
        other_end.close()
        os.dup2(nowhere.fileno(), connection.fileno())


KEPT: Final[list[object]] = []
"""What a forked process inherited and must never end: kept until the process does."""
