"""Who may do what over HTTP: keys to identities, operations to scopes, and a limit on guessing.

Where keys come from, it does not know: that is `authenticate`, which the process that starts the server hands in.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from penstock.core.access import Identity, Scope, read_text
from penstock.core.errors import Unauthenticated
from penstock.core.rights import RULES
from penstock.ops.base import Op

Authenticate = Callable[[str], Identity]
"""Returns who comes with a key; raises Unauthenticated when nobody has it, Forbidden when it may not be used here."""

OWNER: Final = Identity(name="owner", scope=Scope.ADMIN)
"""Whoever can read the files of the home."""

GUESSES: Final = 20  # failed authentications of one address
WITHIN: Final = 60.0  # seconds
ADDRESSES: Final = 10_000  # that are remembered


def scope_of(op: type[Op[Any]]) -> Scope | None:
    """Return what a key must allow for an operation at least; None for what strangers may ask for."""
    rule = RULES.get(op.__name__)
    return Scope.ADMIN if rule is None else rule.scope


def owner_or(token: str, others: Authenticate) -> Authenticate:
    """Return what knows the token of a home, whose owner may do everything, and asks `others` about every other key."""
    owner = owner_of(token)

    def authenticate(key: str) -> Identity:
        try:
            return owner(key)
        except Unauthenticated:
            if read_text(key) is None:
                raise
            return others(key)

    return authenticate


def owner_of(token: str) -> Authenticate:
    """Return what knows one key: the token of a home, whose owner may do everything."""
    wanted = hashlib.sha256(token.encode()).digest()

    def authenticate(key: str) -> Identity:
        given = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
        if not hmac.compare_digest(given, wanted):
            raise Unauthenticated(
                "this key is not known here",
                hint="set PENSTOCK_KEY to a key of this server; on its own machine, PENSTOCK_HOME to its home",
            )
        return OWNER

    return authenticate


class Guesses:
    """Counts failed authentications of an address, so that nobody can try for ever."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: dict[str, deque[float]] = {}
        self._turn = threading.Lock()

    def failed(self, address: str) -> None:
        """Count one more."""
        with self._turn:
            if len(self._failed) >= ADDRESSES and address not in self._failed:
                self._failed.pop(next(iter(self._failed)))
            self._failed.setdefault(address, deque(maxlen=GUESSES)).append(self._clock())

    def wait(self, address: str) -> float:
        """Return for how many seconds the address has to wait before it may try again; 0 when it need not."""
        with self._turn:
            times = self._failed.get(address)
            if times is None or len(times) < GUESSES:
                return 0.0
            return max(0.0, times[0] + WITHIN - self._clock())
