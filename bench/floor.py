"""What the machine itself takes: `python floor.py RESULT WHAT NUMBER`, where NUMBER is of repetitions or of megabytes.

Each is the cheapest way there is to do a part of what a step needs.
"""

from __future__ import annotations

import gc
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

MEGABYTE = 1_000_000
PIECE = 4 << 20  # bytes of one read


def fork(folder: Path, number: int) -> float:
    """Fork this process, wait for the child, which leaves at once; return the median."""
    _ = folder
    return median(_fork_once() for _ in range(number))


def fork_zygote(folder: Path, number: int) -> float:
    """Do the same in a process that has imported what the zygote imports."""
    from penstock.run import preload, warm  # noqa: PLC0415 - the bare fork must go without it

    preload.carry_out(["penstock.run.zygote", warm.ENTRY.partition(":")[0]], sys.path)
    gc.collect()
    gc.freeze()
    gc.disable()
    return fork(folder, number)


def commit(folder: Path, number: int) -> float:
    """Insert a row and commit it to the disk, in WAL mode; return the median."""
    connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
    for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "CREATE TABLE t (i INTEGER, s TEXT)"):
        connection.execute(statement)
    return median(_commit_once(connection, row) for row in range(number))


def disk(folder: Path, number: int) -> float:
    """Write a file, sync it, read it back; return what that took."""
    return _write_and_read(folder / "floor.bin", number, sync=True)


def page_cache(folder: Path, number: int) -> float:
    """Do the same without the sync."""
    return _write_and_read(folder / "floor.bin", number, sync=False)


def _fork_once() -> float:
    began = time.perf_counter()
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    return time.perf_counter() - began


def _commit_once(connection: sqlite3.Connection, row: int) -> float:
    began = time.perf_counter()
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO t VALUES (?, ?)", (row, "x" * 100))
    connection.execute("COMMIT")
    return time.perf_counter() - began


def _write_and_read(path: Path, megabytes: int, *, sync: bool) -> float:
    data = memoryview(os.urandom(MEGABYTE) * megabytes)
    back = memoryview(bytearray(PIECE))
    began = time.perf_counter()
    with path.open("wb", buffering=0) as file:
        left = data
        while left:
            left = left[file.write(left) :]
        if sync:
            os.fsync(file.fileno())
    with path.open("rb", buffering=0) as file:
        while file.readinto(back):
            pass
    took = time.perf_counter() - began
    with path.open("rb") as file:
        os.fsync(file.fileno())  # or whoever is measured next pays for it
    return took


WHAT: dict[str, Callable[[Path, int], float]] = {
    "fork": fork,
    "fork_zygote": fork_zygote,
    "commit": commit,
    "disk": disk,
    "page_cache": page_cache,
}


def main() -> None:
    """Measure what the command line asks for and write it into the file that it names."""
    result, what, number = sys.argv[1:]
    seconds = WHAT[what](Path(result).parent, int(number))
    Path(result).write_text(f'{{"seconds": {seconds}}}', encoding="utf-8")


if __name__ == "__main__":
    main()
