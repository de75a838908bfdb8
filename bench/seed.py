"""Fills a store with a million recorded tasks and ten million points: one run is recorded, and the database copies it.

    python bench/seed.py HOME [--tasks N] [--points N] [--database postgresql://...]

Ids are spread as real ones are, so that rows which were written together do not lie together in indexes.
"""

from __future__ import annotations

import argparse
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any, cast

from penstock.backend import Backend, connect
from penstock.core.decision import Decision, DecisionKind
from penstock.core.outputs import Artifact, ScalarPoint
from penstock.core.pipeline import Pipeline, Step
from penstock.core.run import attempt_id
from penstock.core.task import Parameter, Script, Status, Worker
from penstock.ops.lifecycle import BeginTask
from penstock.ops.outputs import NewPoints, ReportScalars
from penstock.ops.runs import CreateRun, EndRun, StartRun
from penstock.ops.steps import LaunchStep
from penstock.ops.tasks import CreateTask, EndTask, NewTask
from penstock.settings import Settings
from penstock.store import letters
from penstock.store.dialect import POSTGRES, SQLITE
from penstock.store.sql import Connection, Session

STEPS = 24
RUN, ALONE = "a" * 32, "b" * 32
WORKER = Worker(host="there", pid=1, started="1", boot="1")
SOURCE = "def work(rows: int = 100) -> int:\n" + "    rows += 1  # as long as functions of users are\n" * 12
HASH = "0" * 64
SERIES = (("loss", "train"), ("accuracy", "valid"))
PARAMETERS = (
    Parameter(section="Args", name="rate", value=0.5, type="float"),
    Parameter(section="Args", name="epochs", value=10, type="int"),
    Parameter(section="Args", name="optimizer", value="adam", type="str"),
)

NAME = "'flow' || (n.i % 20) || ' #' || (n.i / 20 + 1)"

# Of copy number i: the id that stands for another one of the first run, and values that differ.
ID = "SUBSTR(CAST(100000000 + (n.i * 48271) % 99999989 AS TEXT), 2) || SUBSTR({}, 9)"
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < {})"
FAILS = "CASE WHEN t.type = 'controller' AND n.i % 50 = 0 THEN 'failed' ELSE t.status END"
TAGS = """CASE WHEN n.i % 1000 = 0 THEN '["rare","nightly"]' WHEN n.i % 2 = 0 THEN '["nightly"]' ELSE '[]' END"""
RATE = "CAST((n.i * 7919) % 10007 AS DOUBLE PRECISION) / 10007"
VALUES = """CASE p.name WHEN 'rate' THEN CAST({rate} AS TEXT) WHEN 'epochs' THEN CAST(n.i % 100 AS TEXT)
    WHEN 'optimizer' THEN CASE n.i % 3 WHEN 0 THEN '"adam"' WHEN 1 THEN '"sgd"' ELSE '"rmsprop"' END
    ELSE p.value END"""
AS_NUMBERS = "CASE p.name WHEN 'rate' THEN {rate} WHEN 'epochs' THEN n.i % 100 ELSE p.number END"
AGE = "(n.i - {youngest}) * 60"

# Each table, what is other in its copies, and which of its rows are copied.
COPIES: dict[str, tuple[dict[str, str], str]] = {
    "tasks t": (
        {
            "id": ID.format("t.id"),
            "run": ID.format("t.run"),
            "parent": ID.format("t.parent"),
            "status": FAILS,
            "tags": f"CASE WHEN t.type = 'controller' THEN {TAGS} ELSE t.tags END",
            "name": f"CASE WHEN t.type = 'controller' THEN {NAME} ELSE t.name END",
            **{name: f"t.{name} + {AGE}" for name in ("created", "started", "ended")},
        },
        "t.id IN ({ids})",
    ),
    "runs r": (
        {
            "task": ID.format("r.task"),
            "pipeline": "'flow' || (n.i % 20)",
            "number": "n.i / 20 + 1",
            "created": f"r.created + {AGE}",
        },
        "r.task = '{run}'",
    ),
    "steps s": ({"run": ID.format("s.run"), "task": ID.format("s.task")}, "s.run = '{run}'"),
    "parameters p": (
        {"task": ID.format("p.task"), "value": VALUES, "number": AS_NUMBERS},
        "p.task IN ({ids})",
    ),
    "artifacts a": ({"task": ID.format("a.task")}, "a.task IN ({ids})"),
    "executions e": ({"task": ID.format("e.task"), "key": "n.i || e.key"}, "e.task IN ({ids})"),
    "decisions d": ({"run": ID.format("d.run")}, "d.run = '{run}'"),
    "changes c": ({"task": ID.format("c.task"), "run": ID.format("c.run")}, "c.task IN ({ids})"),
    "scalar_series v": (
        {
            "id": "v.id + n.i * 1000",
            "task": ID.format("v.task"),
            **{name: f"v.{name} + {RATE}" for name in ("last", "minimum", "maximum")},
        },
        "v.task IN ({ids})",
    ),
    "scalar_chunks k": (
        {"series": "k.series + n.i * 1000"},
        "k.series IN (SELECT id FROM scalar_series WHERE task = '{run}')",
    ),
}
NUMBERED = {"tasks": "position", "artifacts": "position", "executions": "position", "decisions": "id",
            "changes": "seq", "scalar_chunks": "id"}  # fmt: skip


def record(backend: Backend, points: int) -> None:
    """Record one run that completed, and one task that belongs to none."""
    steps = tuple(Step(name=f"s{number}", code="c") for number in range(STEPS))
    code = {"c": Script(source=SOURCE, entry_point="work", packages=("numpy==2.0",))}
    task = NewTask(id=RUN, name="flow", project="", parameters=PARAMETERS)
    backend.call(CreateRun(pipeline="flow", project="P", task=task))
    definition = Pipeline(name="flow", project="P", steps=steps, code=code)
    backend.call(StartRun(id=RUN, definition=definition, worker=WORKER))
    for step in steps:
        given = Parameter(section="kwargs", name="rows", value=100, type="int")
        new = NewTask(id="", name=step.name, project="P", script=code["c"], parameters=(given,))
        decision = Decision(kind=DecisionKind.EXECUTE, reason="caching is off", step=step.name, attempt=1)
        backend.call(LaunchStep(run=RUN, step=step.name, attempt=1, task=new, worker=WORKER, decision=decision))
        id = attempt_id(RUN, step.name, 1)
        made = Artifact(task=id, name="return", format="json", type="int", hash=HASH, size=9, created=1.0, url="x")
        backend.call(EndTask(id=id, status=Status.COMPLETED, artifacts=(made,)))
    series = tuple(
        NewPoints(title=title, series=name, points=tuple(ScalarPoint(one, 1 / (one + 1), 1.0) for one in range(points)))
        for title, name in SERIES
    )
    backend.call(ReportScalars(task=RUN, series=series))
    backend.call(EndRun(id=RUN, status=Status.COMPLETED))
    backend.call(CreateTask(task=NewTask(id=ALONE, name="alone", project="Q", parameters=PARAMETERS)))
    backend.call(BeginTask(id=ALONE, worker=WORKER))
    backend.call(EndTask(id=ALONE, status=Status.COMPLETED))


def multiply(session: Session, runs: int) -> None:
    """Copy what was recorded so often."""
    ids = session.rows("SELECT id FROM tasks")
    words = {"ids": ", ".join(f"'{id}'" for (id,) in ids), "run": RUN}
    for named, (others, chosen) in COPIES.items():
        table, letter = named.split()
        described: Any = session.run(f"SELECT * FROM {table} WHERE 1 = 0")  # noqa: S608 - names from above
        columns = [one[0] for one in described.description if one[0] != NUMBERED.get(table)]
        selected = (others.get(column, f"{letter}.{column}") for column in columns)
        values = ", ".join(selected).replace("{rate}", RATE).replace("{youngest}", str(runs))
        began = time.perf_counter()
        session.run(
            f"INSERT INTO {table} ({', '.join(columns)}) {NUMBERS.format(runs)} SELECT {values} "  # noqa: S608 - as above
            f"FROM n CROSS JOIN {named} WHERE {chosen.format(**words)} ORDER BY n.i"
        )
        print(f"  {table}: {time.perf_counter() - began:.1f} s")
    spread = "INSERT INTO task_tags (task, tag) SELECT id, '{0}' FROM tasks WHERE tags LIKE '%\"{0}\"%'"
    for tag in ("rare", "nightly"):
        session.run(spread.format(tag))
    session.run("DELETE FROM letters")
    session.run(f"INSERT INTO letters (of_run, task, text) {letters.ROWS}")


def main() -> None:
    """Fill the store that the arguments name."""
    parser = argparse.ArgumentParser(description="Fill a store with recorded runs.")
    parser.add_argument("home", type=Path)
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--points", type=int, default=10_000_000)
    parser.add_argument("--database", metavar="URL", help="a PostgreSQL database, instead of the home's SQLite file")
    given = parser.parse_args()
    runs = max(given.tasks // (STEPS + 2) - 1, 1)
    fill(Settings(home=given.home, workers=1, database_url=given.database), runs, given.points // (runs + 1))


def fill(settings: Settings, runs: int, points: int) -> None:
    """Record one run, and copy it so often.

    Args:
        points: Of each run, among all its series.
    """
    with closing(connect(settings)) as backend:
        record(backend, points // len(SERIES))
    if settings.database_url is None:
        with closing(sqlite3.connect(settings.home / "penstock.db", isolation_level=None)) as connection:
            connection.execute("PRAGMA cache_size = -500000")
            _copy(Session(connection, SQLITE), runs)
        return
    import psycopg  # noqa: PLC0415 - only where that database is meant

    with psycopg.connect(settings.database_url, autocommit=True, cursor_factory=psycopg.RawCursor) as connected:
        _copy(Session(cast("Connection", connected), POSTGRES), runs)
        connected.execute("VACUUM ANALYZE")  # PostgreSQL's own does so by itself, within a minute or two


def _copy(session: Session, runs: int) -> None:
    session.run("BEGIN")
    multiply(session, runs)
    session.run("COMMIT")


if __name__ == "__main__":
    main()
