"""Holds a claimed task for as long as it is carried out: renews its lease, and notices when it went to another.

It does so in a thread of its own. A server that cannot be reached is no reason to end anything: only being told so is.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

from penstock.backend import Backend
from penstock.core.errors import LeaseLost, PenstockError
from penstock.core.lease import Held
from penstock.ops.claims import RenewLease

SETTLED = 0.25  # seconds before it asks at all: many tasks are over by then, and a lease is long
FAREWELL = 2.0  # seconds that the last question gets: it is answered when the lease has ended
PAUSE = 2.0  # seconds before the next attempt to renew, on the average, when one failed


class Keeper:
    """Keeps one lease.

    Args:
        seconds: How long the lease lasts from each renewal on; it is renewed after a quarter of that.
        lost: Called once, from the keeper's own thread, when the task is not held any more: it went to another, or its
            end was recorded by somebody else.
    """

    def __init__(self, backend: Backend, held: Held, seconds: float, lost: Callable[[], object]) -> None:
        self._backend = backend
        self._renewal = RenewLease(held=held, seconds=seconds, wait=seconds / 4)
        self._lost = lost
        self._over = threading.Event()
        self.is_lost = False
        self._thread = threading.Thread(target=self._keep, name="penstock-keeper", daemon=True)

    def start(self) -> None:
        """Begin to renew, unless that has begun."""
        if self._thread.ident is None:
            self._thread.start()

    def stop(self) -> None:
        """Let the lease be; return when nothing is asked for any more, or after a while."""
        self._over.set()
        if self.goes_on:
            self._thread.join(FAREWELL)

    @property
    def goes_on(self) -> bool:
        """Whether it may still be asking for something."""
        return self._thread.is_alive()

    def _keep(self) -> None:
        self._over.wait(min(SETTLED, self._renewal.seconds / 8))
        while not self._over.is_set():
            try:
                self._backend.call(self._renewal)
            except LeaseLost:
                if not self._over.is_set():
                    self.is_lost = True
                    self._lost()
                return
            except PenstockError:
                self._over.wait(PAUSE * (0.5 + random.random()))  # noqa: S311 - it is no secret
