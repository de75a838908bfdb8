"""Knows whether anybody reaches the server. While nobody does, it is the server that is cut off, and not its agents.

Whoever holds something cannot say so then: it is spared until they had the time to come back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from penstock.core.lease import RENEWED

SILENT: Final = 2 * RENEWED
"""Seconds without a request after which nobody reaches the server: less than a lease lasts that was just renewed."""


class Hearing:
    """Notes when somebody was heard of last.

    Args:
        spare: Puts off the end of every lease; called before the first request after a silence is carried out.
    """

    def __init__(self, spare: Callable[[], object]) -> None:
        self._spare = spare
        self._last = time.monotonic()
        self._turn = threading.Lock()

    @property
    def is_silent(self) -> bool:
        """Whether nobody was heard of for a while."""
        return time.monotonic() - self._last > SILENT

    def note(self) -> None:
        """Somebody asks for something."""
        self._last = time.monotonic()

    def end(self) -> None:
        """The silence is over: see to it that nothing was lost by it. Blocks."""
        with self._turn:
            if self.is_silent:
                self._spare()
                self.note()
