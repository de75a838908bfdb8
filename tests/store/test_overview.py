"""Many attempts at once, read without what is long. What is shown of them: tests/service/test_graphs.py."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan, nan

from penstock.core.cachekey import KeyParts
from penstock.core.code import Code
from penstock.core.outputs import ScalarPoint
from penstock.core.pipeline import Pipeline
from penstock.core.task import Script, Status, Task, TaskType
from penstock.ops.executions import Keyed
from penstock.ops.outputs import NewPoints
from penstock.ports.overview import Held, Origin
from penstock.ports.queues import Waiting
from penstock.store.overview import LONGEST_MESSAGE
from penstock.store.transaction import SqlTx


def a_run(tx: SqlTx, id: str = "r") -> None:
    tx.tasks.add(Task(id=id, name="flow", project="P", type=TaskType.CONTROLLER, created=1.0))
    tx.runs.add(id, "P", "flow")


def an_attempt(tx: SqlTx, id: str, step: str, run: str = "r", **facts: object) -> None:
    script = Script(source="x" * 1_000)
    tx.tasks.add(Task(id=id, name=step, project="P", run=run, step=step, script=script, **facts))  # type: ignore[arg-type]


def test_attempts_come_oldest_first_with_the_beginning_of_why_they_ended(tx: SqlTx) -> None:
    a_run(tx)
    an_attempt(tx, "2", "b", status=Status.FAILED, message="é" * (LONGEST_MESSAGE + 1), attempt=2, queue="gpu")
    an_attempt(tx, "1", "a")
    an_attempt(tx, "3", "a", run="other")
    found = tx.overview.attempts("r")
    assert [(one.id, one.step, one.attempt, one.status, one.queue) for one in found] == [
        ("2", "b", 2, Status.FAILED, "gpu"), ("1", "a", 1, Status.CREATED, None),
    ]  # fmt: skip
    assert found[0].message == "é" * LONGEST_MESSAGE
    assert found[0].script == Script()


def test_what_waits_or_is_held_is_found_with_its_run_and_nothing_else(tx: SqlTx) -> None:
    a_run(tx)
    for id in ("1", "2", "3"):
        an_attempt(tx, id, id)
    tx.entries.add(Waiting(task="r", queue="services", since=5.0))
    tx.entries.add(Waiting(task="1", queue="gpu", since=6.0))
    tx.leases.add(Waiting(task="2", queue="gpu", rank=0.0), "agent", "request", 10.0)
    assert tx.overview.held("r") == {
        "r": Held("services", 5.0, None), "1": Held("gpu", 6.0, None), "2": Held("gpu", None, "agent"),
    }  # fmt: skip


def test_the_origin_of_an_attempt_is_its_run_and_other_tasks_have_none(tx: SqlTx) -> None:
    a_run(tx)
    an_attempt(tx, "1", "a")
    tx.tasks.add(Task(id="2", name="alone", project="P"))
    assert tx.overview.origins(["1", "2", "3"]) == {"1": Origin("r", "flow #0")}


def a_named_run(
    tx: SqlTx, pipeline: str, number: int = 0, status: Status = Status.COMPLETED, ended: float = 2.0
) -> str:
    id = f"{pipeline}{number}"
    facts = {"type": TaskType.CONTROLLER, "status": status, "started": 1.0, "ended": ended}
    tx.tasks.add(Task(id=id, name=pipeline, project="P", created=float(number), **facts))  # type: ignore[arg-type]
    tx.runs.add(id, "P", pipeline)
    if number:
        tx.runs.start(id, Pipeline(name=pipeline, project="P"), number=number, version="1", code_hash="")
    return id


def test_each_pipeline_is_named_once_in_order_whatever_its_letters_are(tx: SqlTx) -> None:
    for name in ("b", "é", "B", "a b", "b"):
        a_named_run(tx, name, number=len(list(tx.overview.pipelines(("", "")))) + 1)
    assert list(tx.overview.pipelines(("", ""))) == [(name, "P") for name in ("B", "a b", "b", "é")]
    assert list(tx.overview.pipelines(("a b", "P"))) == [("b", "P"), ("é", "P")]


def test_the_runs_of_a_pipeline_come_newest_first_and_those_that_wait_apart(tx: SqlTx) -> None:
    for number in (1, 2, 3):
        a_named_run(tx, "a", number)
    waiting = a_named_run(tx, "a", status=Status.QUEUED)
    assert [one.number for one in tx.overview.bars("a", "P", 2)] == [3, 2]
    assert {key: [one.id for one in bars] for key, bars in tx.overview.coming().items()} == {("a", "P"): [waiting]}


def test_failures_are_walked_in_the_order_in_which_they_came(
    tx: SqlTx, scans: Callable[[SqlTx, str], list[str]]
) -> None:
    for number, ended in ((1, 5.0), (2, 9.0), (3, 7.0)):
        a_named_run(tx, "a", number, Status.FAILED, ended)
    assert [one.ended for one in tx.overview.failures(6.0, 10)] == [9.0, 7.0]
    sql = """SELECT t.id FROM tasks t WHERE t.type = 'controller' AND t.ended >= 1.0 ORDER BY t.ended DESC LIMIT 1"""
    assert "controllers_by_end" in scans(tx, sql)[0]


def test_metrics_of_many_tasks_come_together_each_with_its_task(tx: SqlTx) -> None:
    for task, value in (("1", 0.5), ("2", nan), ("3", 1.0)):
        points = (ScalarPoint(1, value, 1.0),)
        tx.reports.append_scalars(task, [NewPoints(title="loss", series="train", points=points)])
    found = dict(tx.overview.metrics(["1", "2"]))
    assert set(found) == {"1", "2"}
    assert found["1"].last == 0.5
    assert isnan(found["2"].last)


def test_the_packages_of_a_run_are_those_that_its_steps_were_keyed_with(tx: SqlTx) -> None:
    a_run(tx)
    for id, packages in (("1", {"numpy": "1"}), ("2", {"pandas": "2"}), ("3", {})):
        an_attempt(tx, id, id)
        parts = KeyParts(code=Code("d", {}), packages=packages)
        tx.executions.add(id, "r", id, Keyed(key=id, parts=parts))
    assert tx.overview.packages("r") == {"numpy": "1", "pandas": "2"}
    assert tx.overview.packages("other") == {}
