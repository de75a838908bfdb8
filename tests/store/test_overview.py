"""Many attempts at once, read without what is long. What is shown of them: tests/service/test_graphs.py."""

from __future__ import annotations

from penstock.core.task import Script, Status, Task, TaskType
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
