"""Waiting for a change: at once when this process made it, and where the system tells of writes, when another did.

SQLite tells no other process of a commit, but says cheaply (2 µs) whether there was one. Linux says that the log was
written, a moment before that is a commit: so this looks again and again for a moment, and then waits for the next
write. Elsewhere it looks soon at first and then ten times a second.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path
from typing import Final

from penstock.store.connections import AWARE, Connections, Slot
from penstock.store.files import explain, is_busy
from penstock.store.nudge import Nudge

_SOON: Final = 0.005
_AT_ONCE: Final = 0.0005
_SLOWEST: Final = 0.1


class SqliteWaiter:
    """Waits until somebody, in this process or another, may have changed something.

    Args:
        path: The database, for errors.
        connections: Those of the store; this takes one for itself.
    """

    _slot: Slot | None

    def __init__(self, path: Path, connections: Connections) -> None:
        self._path = path
        self._connections = connections
        self._begin_anew()
        AWARE.add(self)

    def mark(self) -> object:
        """Return where the store stands now, to be given to `wait`."""
        return self._stand()

    def wait(self, since: object, seconds: float) -> bool:
        """Return True as soon as the store may have changed since that mark, False when the time is over."""
        deadline = time.monotonic() + seconds
        nudge = self._nudge
        with nudge.listening() as ear:
            pause = _SLOWEST if nudge.hears_others else _SOON
            while not self._connections.closed:
                stand = self._stand()
                left = deadline - time.monotonic()
                if stand != since or left <= 0:
                    return stand != since
                nudged = ear.wait(min(pause, left)) and nudge.hears_others
                pause = _AT_ONCE if nudged else min(pause * 1.25, _SLOWEST)
        return True  # whoever looks will learn that the store was closed

    def notify(self) -> None:
        """Wake those of this process who wait: something was committed."""
        with self._turn:
            self._commits += 1
            self._nudge.notify()

    def close(self) -> None:
        """Wake those who wait, as the store was closed, and let go of what the system lends."""
        self.notify()
        self._nudge.close()

    def before_fork(self) -> None:
        """Let nobody be in the middle of a notification."""
        self._turn.acquire()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._turn.release()

    def after_fork_in_child(self) -> None:
        """Forget the parent's connection and threads."""
        self._nudge.forget()
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._turn = threading.Lock()
        self._nudge = Nudge(self._path.parent)
        self._commits = 0
        self._slot = None

    def _stand(self) -> tuple[int, int, int | None]:
        """Return how much this process committed, and the database's version as the connection in use tells it."""
        commits = self._commits
        slot = self._slot
        if slot is None:
            slot = self._slot = self._connections.slot()
        with slot.lock:
            try:
                (version,) = self._connections.opened(slot).execute("PRAGMA data_version").fetchone()
            except sqlite3.Error as error:
                if not is_busy(error):
                    raise explain(self._path, error) from error
                return commits, slot.opened, None  # as good as a change: somebody is at it
            return commits, slot.opened, version
