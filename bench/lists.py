"""What lists, one run's page and claims cost beside a million recorded tasks: `python bench/lists.py`.

    --tasks N, --points N     how many are recorded
    --home FOLDER             a folder that bench/seed.py filled before; without it one is made, and removed
    --database URL            a PostgreSQL database for it, instead of a SQLite file
    --few URL                 another one, empty, for the home of 1,000 tasks with whose claims those are compared

Times are medians in this process, without HTTP. Of SQLite processor time is judged, as others may use the machine; of
PostgreSQL, which works in processes of its own, what the clock says.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from seed import STEPS, fill

from penstock.backend import Backend, connect
from penstock.core.run import attempt_id
from penstock.core.search import Column, Compare, Condition, Fact, MetricColumn, ParameterColumn, Side, Sort, Value
from penstock.core.task import Status
from penstock.ops.claims import ClaimTask, HandBack
from penstock.ops.lifecycle import EnqueueTask
from penstock.ops.outputs import GetScalars, LastLines, ListArtifacts, ReadConsole, SummarizeScalars
from penstock.ops.queues import ListEntries, ListQueues
from penstock.ops.runs import FindRun, GetRun, ListRuns
from penstock.ops.search import SearchRuns, SearchTasks
from penstock.ops.tasks import CreateTask, GetParameters, ListTasks, NewTask
from penstock.settings import Settings

FEW = 1_000
TURNS = 9
CLAIMS = 100
LIMIT = 50.0  # ms
RATE, OPTIMIZER = ParameterColumn("Args", "rate"), ParameterColumn("Args", "optimizer")
LOSS, LOWEST = MetricColumn("loss", "train"), MetricColumn("loss", "train", Side.MIN)


def found(*where: tuple[Column, str, Value], **more: object) -> SearchRuns:
    """Return the operation for a list of runs with these conditions."""
    conditions = tuple(Condition(column, Compare(test), (value,)) for column, test, value in where)
    return SearchRuns(where=conditions, archived=False, columns=(RATE, LOSS), **more)  # type: ignore[arg-type]


def lists(backend: Backend) -> dict[str, Callable[[], object]]:
    """Return what is measured of lists."""
    newest = backend.call(SearchRuns(limit=500))
    hours = newest.rows[-1].run.task.created
    oldest = backend.call(SearchRuns(sort=Sort(Fact("created")), limit=1)).rows[0].run.task.created
    operations = {
        "newest runs": found(),
        "second page": found(after=newest.next),
        "ListRuns": ListRuns(archived=False),
        "of one pipeline": found((Fact("pipeline"), "=", "flow3")),
        "failed": found((Fact("status"), "=", "failed")),
        "in progress (none)": found((Fact("status"), "=", "in_progress")),
        "a rare tag": found((Fact("tags"), "=", "rare")),
        "a frequent tag": found((Fact("tags"), "=", "nightly")),
        "started lately": found((Fact("started"), ">", hours)),
        "started long ago": found((Fact("started"), "<", oldest + 6000)),
        "parameter, few": found((RATE, "<", 0.001)),
        "parameter, half": found((RATE, "<", 0.5)),
        "parameter, none": found((RATE, "=", 7)),
        "text parameter": found((OPTIMIZER, "=", "adam")),
        "letters in a parameter": found((OPTIMIZER, "~", "ADA")),
        "letters in no parameter": found((OPTIMIZER, "~", "no such")),
        "metric, few": found((LOSS, ">", 1.0075)),
        "metric's minimum, few": found((LOWEST, ">", 1.0075)),
        "metric, none": found((LOSS, ">", 9.0)),
        "parameter and metric, disjoint": found((RATE, "<", 0.4), (LOSS, ">", 0.7)),
        "text, found": found((Fact("text"), "~", "FLOW7 #12")),
        "text, not found": found((Fact("text"), "~", "no such text")),
        "by parameter": found(sort=Sort(RATE)),
        "by text parameter": found(sort=Sort(OPTIMIZER)),
        "by metric": found(sort=Sort(LOSS, descending=True)),
        "by metric's minimum": found(sort=Sort(LOWEST)),
        "by a metric that none has": found(sort=Sort(MetricColumn("no", "such"))),
        "by start": found(sort=Sort(Fact("started"))),
        "by duration": found(sort=Sort(Fact("duration"), descending=True)),
        "by name": found(sort=Sort(Fact("name"))),
        "by status": found(sort=Sort(Fact("status"))),
        "failed, by metric": found((Fact("status"), "=", "failed"), sort=Sort(LOSS)),
        "of one pipeline, by parameter": found((Fact("pipeline"), "=", "flow3"), sort=Sort(RATE)),
        "tasks of no run": SearchTasks(archived=False),
        "tasks of no run, by parameter": SearchTasks(archived=False, sort=Sort(RATE)),
        "ListTasks, of no run": ListTasks(archived=False, alone=True, limit=20),
        "queues": ListQueues(),
        "what waits": ListEntries(queue="default"),
        "last run": FindRun(text="last"),
    }
    return {name: (lambda op=op: backend.call(op)) for name, op in operations.items()}  # type: ignore[misc]


def page(backend: Backend) -> Callable[[], object]:
    """Return the reading of a run's first page: its graph, steps, parameters, console, metrics, artifacts."""
    run = backend.call(ListRuns(limit=100))[-1].id
    steps = tuple(attempt_id(run, f"s{number}", 1) for number in range(STEPS))

    def read() -> None:
        backend.call(GetRun(id=run))
        backend.call(ListTasks(run=run))
        backend.call(GetParameters(task=run))
        backend.call(ReadConsole(task=run, whole_run=True, newest=True, limit=100))
        backend.call(SummarizeScalars(task=run))
        backend.call(GetScalars(task=run, max_points=500))
        backend.call(ListArtifacts(task=run))
        backend.call(LastLines(tasks=steps))

    return read


def timed(work: Callable[[], object], turns: int = TURNS) -> tuple[float, float]:
    """Return the medians of the milliseconds that it takes by the clock, and of processor time.

    The first time, in which all is read in, is not counted.
    """
    work()
    seen: list[tuple[float, float]] = []
    for _ in range(turns):
        began, busy = time.perf_counter(), time.process_time()
        work()
        seen.append((1000 * (time.perf_counter() - began), 1000 * (time.process_time() - busy)))
    return statistics.median(one for one, _ in seen), statistics.median(one for _, one in seen)


def claims(backend: Backend) -> Callable[[], None]:
    """Return a claim that finds something, and gives it back."""
    for number in range(5):
        id = f"c{number:031x}"
        task = backend.call(CreateTask(task=NewTask(id=id, name="waiting", project="Q")))
        if task.status is Status.CREATED:
            backend.call(EnqueueTask(id=id, queue="default"))
    numbers = iter(range(10**9))
    stamp = time.time()

    def claim() -> None:
        claimed = backend.call(ClaimTask(agent="bench", queues=("default",), request=f"{stamp} {next(numbers)}"))
        if claimed is None:
            raise SystemExit("nothing waits: somebody else claims here")
        backend.call(HandBack(held=claimed.held))

    return claim


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure lists and claims beside many recorded tasks.")
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--points", type=int, default=10_000_000)
    parser.add_argument("--home", type=Path, help="filled by bench/seed.py")
    parser.add_argument("--database", metavar="URL", help="PostgreSQL, filled by bench/seed.py where --home is given")
    parser.add_argument("--few", metavar="URL", help="PostgreSQL too, for a home of 1,000 tasks")
    given = parser.parse_args()
    made = Path(tempfile.mkdtemp(prefix="penstock-bench-"))
    try:
        large = Settings(home=given.home or made / "large", workers=1, database_url=given.database)
        if given.home is None:
            runs = given.tasks // (STEPS + 2)
            fill(large, runs, given.points // runs)
        small = Settings(home=made / "small", workers=1, database_url=given.few)
        fill(small, FEW // (STEPS + 2), 1)
        measure(large, small)
    finally:
        shutil.rmtree(made)


def measure(large: Settings, small: Settings) -> None:
    """Print what lists take, and what a claim takes in both."""
    judged = 0 if large.database_url else 1
    with closing(connect(large)) as backend:
        for name, work in {**lists(backend), "a run's first page": page(backend)}.items():
            taken = wall, cpu = timed(work)
            misses = "   MISSES 50 ms" if taken[judged] > LIMIT else ""
            print(f"{name:34} {wall:8.2f} ms {cpu:8.2f} ms CPU{misses}", flush=True)
        with closing(connect(small)) as other:
            works = [claims(other), claims(backend)]
            seen = [[timed(work, CLAIMS)[judged] for work in works] for _ in range(5)]
    few, many = (statistics.median(one[place] for one in seen) for place in (0, 1))
    what = ("by the clock", "CPU")[judged]
    print(f"{'claim and hand back':34} {many:8.2f} ms {what}, beside {FEW:,} tasks {few:.2f}: {many / few:.2f} times")


if __name__ == "__main__":
    main()
