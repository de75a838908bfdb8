"""Browsers that are logged in, and the codes by which they get there: random words, of which only hashes are kept.

They live in the memory of one server: when it ends, so do its sessions.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from penstock.core.access import Identity

CODE_LIFE: Final = 60.0  # seconds
IDLE: Final = 12 * 3600.0  # seconds after which a session that nobody used is over
WHOLE: Final = 7 * 86_400.0  # seconds after which one is over however much it is used
MOST: Final = 1000  # sessions, and codes, at once; the oldest go


class _Entry(Struct):
    identity: Identity
    until: float
    last: float


class Sessions:
    """The sessions of one server.

    Args:
        clock: Returns seconds; never goes back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._turn = threading.Lock()
        self._codes: dict[str, _Entry] = {}
        self._open: dict[str, _Entry] = {}

    def code(self, identity: Identity) -> str:
        """Return a code that logs a browser in as somebody, once, within a minute."""
        return self._add(self._codes, identity, CODE_LIFE)

    def exchange(self, code: str) -> str | None:
        """Return the word of a new session for a code; None when the code is not, or no longer, good for one."""
        with self._turn:
            entry = self._codes.pop(_hash(code), None)
        if entry is None or entry.until <= self._clock():
            return None
        return self._add(self._open, entry.identity, IDLE)

    def find(self, word: str) -> Identity | None:
        """Return who is logged in by this word."""
        with self._turn:
            entry = self._open.get(_hash(word))
            if entry is None or entry.until <= self._clock():
                return None
            entry.until = min(self._clock() + IDLE, entry.last)
            return entry.identity

    def end(self, word: str) -> None:
        """Log out."""
        with self._turn:
            self._open.pop(_hash(word), None)

    def _add(self, to: dict[str, _Entry], identity: Identity, life: float) -> str:
        word = secrets.token_urlsafe(32)
        with self._turn:
            while len(to) >= MOST:
                to.pop(next(iter(to)))
            now = self._clock()
            to[_hash(word)] = _Entry(identity, now + life, now + WHOLE)
        return word


def _hash(word: str) -> str:
    return hashlib.sha256(word.encode("utf-8", "surrogatepass")).hexdigest()
