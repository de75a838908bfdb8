"""Waiting for a change: one connection of this process listens, in a thread of its own.

A notification is part of the transaction that it tells of, so it is lost only when the listening connection is. What
may have happened while nobody listened counts as a change; and whoever waits looks every few seconds anyway.
"""

from __future__ import annotations

import os
import select
import threading
import time
from typing import Final

import psycopg

from penstock.core.errors import StoreError
from penstock.store.connections import AWARE
from penstock.store.dialect import CHANNEL
from penstock.store.postgres.connections import KEPT, Connection, Connections

RESCAN: Final = 5.0
"""Seconds after which whoever waits looks again, notified or not."""

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0


class PostgresWaiter:
    """Waits until somebody, in this process or another, may have changed something.

    Args:
        connections: Those of the store; this opens one more.
    """

    _listener: _Listener | None

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._generation = 0
        self._begin_anew()
        AWARE.add(self)

    def mark(self) -> object:
        """Return where the store stands now, to be given to `wait`."""
        self._listen()
        with self._condition:
            return self._generation, self._changes

    def wait(self, since: object, seconds: float) -> bool:
        """Return True as soon as the store may have changed since that mark, False when the time is over."""
        deadline = time.monotonic() + seconds
        rescan = time.monotonic() + RESCAN
        with self._condition:
            while (self._generation, self._changes) == since and not self._connections.closed:
                now = time.monotonic()
                if now >= deadline:
                    return False
                if now >= rescan:
                    return True
                self._condition.wait(min(deadline, rescan) - now)
            return True

    def notify(self) -> None:
        """Wake those of this process who wait: something may have changed, or the store was closed."""
        with self._condition:
            self._changes += 1
            self._condition.notify_all()

    def close(self) -> None:
        """Stop listening, and end all waiting."""
        with self._starting:
            listener, self._listener = self._listener, None
        if listener is not None:
            listener.stop()
        self.notify()

    def before_fork(self) -> None:
        """Let nobody be in the middle of a notification."""
        self._starting.acquire()
        self._condition.acquire()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._condition.release()
        self._starting.release()

    def after_fork_in_child(self) -> None:
        """Forget the parent's connection and threads; every mark of before counts as changed."""
        if self._listener is not None:
            KEPT.append(self._listener)
        self._generation += 1
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._starting = threading.Lock()
        self._condition = threading.Condition()
        self._changes = 0
        self._listener = None

    def _listen(self) -> None:
        with self._starting:
            if self._listener is None and not self._connections.closed:
                self._listener = _Listener(self._connections, self)


class _Listener:
    """Listens on a connection of its own until it is stopped, and connects anew when that is lost."""

    def __init__(self, connections: Connections, waiter: PostgresWaiter) -> None:
        self._connections = connections
        self._waiter = waiter
        self._woken, self._wake = os.pipe()
        self._thread = threading.Thread(target=self._run, name="penstock-listener", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        """Listen; after each connection that was lost wait a random while, longer from time to time."""
        pause = _FIRST_PAUSE
        while not self._is_stopped(0.0):
            try:
                connection = self._connections.connect()
            except StoreError:  # who reads the store learns of that; here it means only to try again
                pass
            else:
                pause = _FIRST_PAUSE
                self._follow(connection)
                self._waiter.notify()
            if self._is_stopped(pause * (0.5 + os.urandom(1)[0] / 255)):
                break
            pause = min(pause * 2, _LONGEST_PAUSE)
        os.close(self._woken)

    def stop(self) -> None:
        """End the thread and its connection."""
        os.close(self._wake)
        self._thread.join()

    def _follow(self, connection: Connection) -> None:
        """Pass on what is notified until the connection is lost or this is stopped."""
        try:
            connection.execute(f"LISTEN {CHANNEL}")
            self._waiter.notify()  # of what happened before there is no word
            while not self._is_stopped(None, connection):
                if [one for one in connection.notifies(timeout=0) if one.channel == CHANNEL]:
                    self._waiter.notify()
        except psycopg.Error:
            pass
        finally:
            connection.close()

    def _is_stopped(self, seconds: float | None, connection: Connection | None = None) -> bool:
        """Wait for the connection to say something, or so many seconds; return at once whether this was stopped."""
        poll = select.poll()  # `select.select` refuses descriptors from 1024
        poll.register(self._woken, select.POLLIN)
        if connection is not None:
            poll.register(connection.fileno(), select.POLLIN)
        found = poll.poll(None if seconds is None else seconds * 1000)
        return any(descriptor == self._woken for descriptor, _ in found)
