"""A SQLite connection a thread, and none across a fork.

A forked process must neither use nor close a connection that it inherited. Less known is that SQLite inherits its list
of the locks that "this process" has, too, and then opens the same file anew without locking it: what the child wrote
was lost once the parent closed its last connection (measured). So every connection is closed before a fork, and parent
and child open their own when they next need one.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol
from weakref import WeakSet

from msgspec import Struct

from penstock.core.errors import StoreError
from penstock.store.patience import too_long

_LONGEST_FORK: Final = 10.0  # seconds that a fork waits for the transactions of other threads


class ForkAware(Protocol):
    """Something that has to know about forks of this process."""

    def before_fork(self) -> None: ...
    def after_fork_in_parent(self) -> None: ...
    def after_fork_in_child(self) -> None: ...


class Slot:
    """Room for one connection. Whoever uses it holds the lock."""

    __slots__ = ("__weakref__", "connection", "durable", "inherited", "lock", "opened")

    def __init__(self) -> None:
        self.connection: sqlite3.Connection | None = None
        self.durable = True
        self.inherited = False  # whether it came here by a fork in the middle of a transaction
        self.lock = threading.Lock()
        self.opened = 0  # how many connections have been in it

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def __del__(self) -> None:
        self.close()


class _Mine(threading.local):
    """What a thread has."""

    slot: Slot | None = None
    held = False


class Connections:
    """The connections of one store.

    Args:
        path: The database, for errors.
        connect: Opens one.
    """

    _paused: list[Slot]  # closed for a fork that is under way, and held
    _torn: list[Slot]  # in use in spite of it

    def __init__(self, path: Path, connect: Callable[[], sqlite3.Connection]) -> None:
        self._path = path
        self._connect = connect
        self._refusal: str | None = None
        self._begin_anew()
        AWARE.add(self)

    def slot(self) -> Slot:
        """Return room for one more connection."""
        with self._lock:
            slot = Slot()
            self._slots.add(slot)
            return slot

    @property
    def closed(self) -> bool:
        """Whether nothing can be opened any more."""
        return self._refusal is not None

    @contextmanager
    def mine(self) -> Generator[tuple[Slot, sqlite3.Connection]]:
        """Hold this thread's connection; open it when there is none."""
        mine = self._mine
        if mine.held:
            raise RuntimeError("a transaction is open in this thread already")
        slot = mine.slot
        if slot is None:
            slot = mine.slot = self.slot()
        with slot.lock:
            mine.held = True
            try:
                yield slot, self.opened(slot)
            finally:
                mine.held = False

    @contextmanager
    def turn(self, patience: float) -> Generator[None]:
        """Hold the right to write among the threads of this process."""
        turn = self._turn
        if not turn.acquire(timeout=patience):
            raise too_long(self._path, patience)
        try:
            yield
        finally:
            turn.release()

    def opened(self, slot: Slot) -> sqlite3.Connection:
        """Return the connection of a slot that the caller holds; open it when there is none."""
        if self._refusal is not None:
            raise StoreError(f"{self._path} {self._refusal}")
        if slot.connection is None:
            slot.connection = self._connect()
            slot.durable = True
            slot.opened += 1
        return slot.connection

    def close(self) -> None:
        """Close every connection, each when its transaction is over."""
        if self._mine.held:
            raise RuntimeError("a transaction is open in this thread: leave it before closing")
        self._refusal = self._refusal or "was closed"
        with self._lock:
            slots = list(self._slots)
        for slot in slots:
            with slot.lock:
                slot.close()

    def before_fork(self) -> None:
        """Close every connection; those in use as soon as their transactions are over."""
        self._lock.acquire()  # until after the fork
        # In the middle of this thread's own transaction there is nothing to wait for: the child will be refused.
        deadline = time.monotonic() + (0.0 if self._mine.held else _LONGEST_FORK)
        for slot in list(self._slots):
            if slot.lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
                slot.close()
                self._paused.append(slot)
            else:
                self._torn.append(slot)

    def after_fork_in_parent(self) -> None:
        """Let everybody go on."""
        for slot in self._paused:
            slot.lock.release()
        self._paused, self._torn = [], []
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Forget everything that was the parent's."""
        open_ones = [slot for slot in self._torn if slot.connection is not None]
        for slot in open_ones:
            slot.inherited = True
            _leak(slot)
        if open_ones:
            self._refusal = "cannot be used by this process, which was forked in the middle of a transaction"
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._mine = _Mine()
        self._slots: WeakSet[Slot] = WeakSet()
        self._paused, self._torn = [], []


class _Leak(Struct, gc=False):
    """Keeps something, and itself, until the process ends: no collector looks into a struct of this kind."""

    kept: object
    itself: Any = None


def _leak(kept: object) -> None:
    """Keep something from ever being finalized: SQLite forbids a child to close what its parent opened."""
    leak = _Leak(kept)
    leak.itself = leak


AWARE: WeakSet[ForkAware] = WeakSet()
"""Everything that has to know about forks."""


class _Forks:
    """Tells those who have to know about each fork, one fork after another."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._told: list[ForkAware] = []

    def before(self) -> None:
        self._turn.acquire()
        self._told = list(AWARE)
        for one in self._told:
            one.before_fork()

    def in_parent(self) -> None:
        for one in self._told:
            one.after_fork_in_parent()
        self._told = []
        self._turn.release()

    def in_child(self) -> None:
        self._turn = threading.Lock()
        for one in self._told:
            one.after_fork_in_child()
        self._told = []


_FORKS: Final = _Forks()
os.register_at_fork(before=_FORKS.before, after_in_parent=_FORKS.in_parent, after_in_child=_FORKS.in_child)
