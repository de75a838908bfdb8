from __future__ import annotations

import pytest

from penstock.core.errors import NotFound
from penstock.ports.queues import Waiting
from penstock.store.queues import _next
from penstock.store.transaction import SqlTx


def waits(tx: SqlTx, task: str, **fields) -> None:
    tx.entries.add(Waiting(**{"task": task, "queue": "default", "since": 1.0} | fields))


def test_what_waits_is_found_with_all_that_is_known_of_it(tx: SqlTx) -> None:
    waiting = Waiting(
        task="a", queue="default", urgency=-3, rank=0.5, takes_slot=False, lost=2, resumed=True, since=7.0
    )
    tx.entries.add(waiting)
    assert tx.entries.find("a") == waiting
    assert tx.entries.take("default", slots=False) == waiting
    assert tx.entries.find("a") is None


def test_a_task_that_is_added_again_waits_once(tx: SqlTx) -> None:
    for queue in ("default", "services"):
        waits(tx, "a", queue=queue)
    assert (tx.entries.order("default"), tx.entries.order("services")) == ([], [("a", 0)])


def test_what_is_put_before_the_others_is_taken_before_them(tx: SqlTx) -> None:
    for task in "abc":
        waits(tx, task)
    waits(tx, "d", rank=tx.entries.before("default", 0))
    assert [tx.entries.take("default", slots=True).task for _ in range(4)] == ["d", "a", "b", "c"]


def test_the_next_task_is_found_by_an_index_however_many_wait(tx: SqlTx, database: str) -> None:
    if database != "sqlite":
        pytest.skip("how it looks for a row, PostgreSQL decides by what lies in the tables")
    for slots in (True, False):
        plan = " ".join(row[3] for row in tx.tasks._session.rows(f"EXPLAIN QUERY PLAN {_next(slots=slots)}", "default"))
        assert "USING COVERING INDEX queue_order" in plan or "USING INDEX queue_order" in plan
        assert "TEMP B-TREE" not in plan


def test_a_queue_that_is_not_there_is_named(tx: SqlTx) -> None:
    for change in (lambda: tx.queues.get("x"), lambda: tx.queues.remove("x"), lambda: tx.queues.rename("x", "y")):
        with pytest.raises(NotFound, match="no queue 'x'"):
            change()
