"""Waiting for what another process holds: a random while between attempts, and not for ever."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

from penstock.core.errors import StoreBusy

_FIRST: Final = 0.0003
_LONGEST: Final = 0.005


class Patience:
    """The time that is left for trying again.

    Args:
        path: The database, for the error.
        seconds: How long to try.
    """

    def __init__(self, path: Path, seconds: float) -> None:
        self._path = path
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._pause = _FIRST

    def wait(self) -> None:
        """Wait before the next attempt; raise StoreBusy when the time is over."""
        if time.monotonic() >= self._deadline:
            raise too_long(self._path, self._seconds)
        time.sleep(self._pause * (0.5 + os.urandom(1)[0] / 255))  # apart from all others that wait
        self._pause = min(self._pause * 1.5, _LONGEST)


def too_long(path: Path, seconds: float) -> StoreBusy:
    """Return the error for a database that another process or thread holds for too long."""
    return StoreBusy(
        f"{path} has been held by another process for {seconds:g} seconds",
        hint=f"see which one it is with `fuser {path}`, and end it if it hangs",
    )
