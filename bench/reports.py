"""What reporting costs the one who reports: `python reports.py RESULT WHAT NUMBER`.

Each says what the thing took until everything is recorded, or, where it is a floor, without recording anything.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from penstock.backend import Backend, connect
from penstock.core.outputs import ScalarPoint
from penstock.ops.outputs import GetScalars, NewPoints, ReportScalars
from penstock.ops.tasks import CreateTask, NewTask
from penstock.run.capture import Capture
from penstock.run.reporter import Reporter
from penstock.sdk.logger import Logger
from penstock.settings import load

TASK = "1" * 32
PIXELS = 2000  # points of a drawing
BATCH = 10_000
TURNS = 5


def print_plain(folder: Path, number: int) -> float:
    """Print so many lines to a file; return the seconds of processor time."""
    _into_a_file(folder)
    return _print(number)


def print_recorded(folder: Path, number: int) -> float:
    """Do the same while it is recorded; return the same of the whole process, until the loop is through."""
    return _recorded(folder, number)[0]


def print_to_the_end(folder: Path, number: int) -> float:
    """Do the same, until all is recorded, too: most of recording comes after the loop."""
    return _recorded(folder, number)[1]


def _recorded(folder: Path, number: int) -> tuple[float, float]:
    _into_a_file(folder)
    backend = _backend()
    reporter = Reporter(backend, TASK)
    capture = Capture(reporter)
    capture.start()
    _print(number // 10)  # imports what is imported by the first report
    reporter.flush()
    began = time.process_time()
    loop = _print(number)
    reporter.flush()
    whole = time.process_time() - began
    capture.stop()
    reporter.close()
    return loop, whole


def scalars(folder: Path, number: int) -> float:
    """Report so many points of ten series; return the seconds that the caller waits."""
    _ = folder
    reporter = Reporter(_backend(), TASK)
    logger = Logger(reporter)
    began = time.perf_counter()
    for iteration in range(number):
        logger.report_scalar("loss", f"s{iteration % 10}", iteration * 0.5, iteration)
    took = time.perf_counter() - began
    reporter.close()
    return took


def points(folder: Path, number: int) -> float:
    """Read the bytes of so many values and times, which is what a drawing reads."""
    file = folder / "points"
    file.write_bytes(os.urandom(8 * number) * 2)
    return min(_timed(file.read_bytes) for _ in range(TURNS))


def drawing(folder: Path, number: int) -> float:
    """Read a series of so many points, thinned out for a screen."""
    _ = folder
    backend = _backend()
    for first in range(0, number, BATCH):
        some = tuple(
            ScalarPoint(one, random.random(), one / 1000)  # noqa: S311 - a curve, and no secret
            for one in range(first, min(first + BATCH, number))
        )
        backend.call(ReportScalars(task=TASK, series=(NewPoints(title="loss", series="s", points=some),)))
    return min(_timed(lambda: backend.call(GetScalars(task=TASK, max_points=PIXELS))) for _ in range(TURNS))


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _into_a_file(folder: Path) -> None:
    number = os.open(folder / "printed.txt", os.O_WRONLY | os.O_CREAT, 0o600)
    os.dup2(number, 1)


def _print(number: int) -> float:
    began = time.process_time()
    for one in range(number):
        print("line number", one, "of a loop that prints")
    sys.stdout.flush()
    return time.process_time() - began


def _backend() -> Backend:
    backend = connect(load())
    backend.call(CreateTask(task=NewTask(id=TASK, name="reports", project="Bench")))
    return backend


WHAT: dict[str, Callable[[Path, int], float]] = {
    "print_plain": print_plain,
    "print_recorded": print_recorded,
    "print_to_the_end": print_to_the_end,
    "scalars": scalars,
    "points": points,
    "drawing": drawing,
}


def main() -> None:
    """Measure what the command line asks for and write it into the file that it names."""
    result, what, number = sys.argv[1:]
    seconds = WHAT[what](Path(result).parent, int(number))
    Path(result).write_text(json.dumps({"seconds": seconds}), encoding="utf-8")


if __name__ == "__main__":
    main()
