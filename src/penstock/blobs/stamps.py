"""Telling that a file is untouched since it was hashed, without hashing it again.

A stamp is inode, size and change time of a file. Nobody sets a change time: every write, rename and change of mode
moves it to now. So the stamp that a run took of a blob when it wrote it vouches for the content for as long as the run
goes. What it cannot see is a disk that changes bits by itself; so it is kept in memory, and never outlives its run.
"""

from __future__ import annotations

import os
from pathlib import Path

Stamp = tuple[int, int, int]

WORTH_IT = 1 << 20  # bytes; a smaller file is hashed about as fast as it is stamped


def stamp(path: Path) -> Stamp | None:
    """Return the stamp of a file, None when it is not there."""
    try:
        facts = os.stat(path)  # noqa: PTH116 - a Path costs more than the call
    except OSError:
        return None
    return facts.st_ino, facts.st_size, facts.st_ctime_ns
