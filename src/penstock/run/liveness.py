"""Which process this is, and whether a recorded one still lives: by pid, start and boot, as pids are used again."""

from __future__ import annotations

import os
import platform
import subprocess
from functools import cache, lru_cache
from pathlib import Path

from penstock.core.task import Worker

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
START = 19  # where the start time stands among the fields that follow the program's name in /proc/PID/stat


def here() -> Worker:
    """Return what tells this process from every other."""
    return _found(os.getpid())


@lru_cache(maxsize=1)
def _found(pid: int) -> Worker:
    return Worker(host=platform.node(), pid=pid, started=_started(pid) or "", boot=_boot())


def is_alive(worker: Worker) -> bool | None:
    """Return whether the process still lives; None when it is another machine's and cannot be seen from here."""
    if worker.host != platform.node():
        return None
    if worker.boot != _boot():
        return False
    return _started(worker.pid) == worker.started


@cache
def _boot() -> str:
    try:
        return BOOT_ID.read_text("ascii").strip()
    except OSError:
        return ""


def _started(pid: int) -> str | None:
    """Return when the process started, in words that only it has; None when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace")
    except OSError:
        return None if BOOT_ID.exists() else _started_by_ps(pid)
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[START]


def _started_by_ps(pid: int) -> str | None:
    found = subprocess.run(["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.strip() or None
