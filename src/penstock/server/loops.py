"""What goes on beside the requests. Each loop says when it last did its work: alive is who works, not who exists."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

log = logging.getLogger("penstock.server")

PATIENCE: Final = 3.0  # a loop is late when it has not worked for so many times its own period
PAUSE: Final = 1.0  # seconds after a failure
ATTENDANT: Final = "agents"
"""The loop that starts agents on this machine when something waits."""


class Loop:
    """Does one thing again and again, in a thread of its own; a failure is logged and does not end it.

    Args:
        name: What it is called in `/healthz` and `/metrics`.
        period: Seconds within which it does its work once, at the least.
        work: Does it once. It may block for as long as the period.
        rest: Seconds between two times.
    """

    def __init__(self, name: str, period: float, work: Callable[[], object], rest: float = 0.0) -> None:
        self.name = name
        self._period = period
        self._work = work
        self._rest = rest
        self._over = threading.Event()
        self._last_success = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=f"penstock-{name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Do nothing more once what is being done is done, or fails because the store was closed."""
        self._over.set()

    @property
    def age(self) -> float:
        """Seconds since it last did its work."""
        return time.monotonic() - self._last_success

    @property
    def is_late(self) -> bool:
        """Whether it should have done its work long ago."""
        return self.age > PATIENCE * (self._period + self._rest) + PAUSE

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                self._work()
            except Exception:
                if self._over.is_set():
                    return
                log.exception("the loop %s failed, and tries again", self.name)
                self._over.wait(PAUSE)
                continue
            self._last_success = time.monotonic()
            self._over.wait(self._rest)
