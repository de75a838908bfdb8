from __future__ import annotations

from collections.abc import Iterator

import pytest

from penstock.core.cachekey import Input, KeyParts
from penstock.core.code import Code
from penstock.core.errors import NotFound
from penstock.core.run import ARCHIVED, REUSED
from penstock.core.task import Status, Task, TaskType
from penstock.ops.executions import Keyed, ListExecutions
from penstock.store.sqlite import SqliteStore
from penstock.store.transaction import SqlTx

PARTS = KeyParts(
    code=Code("d", {"work": "function:1"}),
    returns=("é",),
    arguments={"x": "1"},
    inputs={"y": Input("h", "json", "int")},
    packages={"numpy": "2"},
)


@pytest.fixture
def tx(store: SqliteStore) -> Iterator[SqlTx]:
    with store.transaction(durable=False) as tx:
        yield tx


def begin(tx: SqlTx, run: str, number: int, pipeline: str = "p") -> None:
    tx.tasks.add(Task(id=run, name=pipeline, project="hidden", type=TaskType.CONTROLLER))
    tx.runs.add(run, "P", pipeline)
    tx.runs.start(run, tx.runs.definition(run), number=number, version="1", code_hash="")


def execute(tx: SqlTx, id: str, run: str, key: str = "k", step: str = "a", **facts: object) -> None:
    tx.tasks.add(Task(id=id, name=step, project="hidden", run=run, step=step, **facts))
    tx.executions.add(id, run, step, Keyed(key=key, parts=PARTS))


def found(tx: SqlTx, **filters: object) -> list[str]:
    return [one.task for one in tx.executions.list(ListExecutions(**filters))]


def test_an_execution_comes_back_with_its_run_status_and_parts(tx: SqlTx) -> None:
    begin(tx, "r", 3)
    execute(tx, "t", "r", status=Status.FAILED, system_tags=(ARCHIVED,))
    (one,) = tx.executions.list(ListExecutions(key="k"))
    assert (one.task, one.run, one.step, one.status, one.archived) == ("t", "p #3", "a", Status.FAILED, True)
    assert one.keyed == Keyed(key="k", parts=PARTS)


def test_executions_are_found_by_key_or_by_step_of_a_pipeline(tx: SqlTx) -> None:
    begin(tx, "r", 1)
    begin(tx, "q", 1, "other")
    execute(tx, "1", "r")
    execute(tx, "2", "r", key="l")
    execute(tx, "3", "q")
    execute(tx, "4", "r", step="b")
    assert found(tx, key="k") == ["4", "3", "1"]
    assert found(tx, project="P", pipeline="p", step="a") == ["2", "1"]
    assert found(tx, key="k", limit=1) == ["4"]
    assert found(tx, key="%") == found(tx, key="K") == []


def test_those_that_really_ran_come_before_those_that_were_reused(tx: SqlTx) -> None:
    begin(tx, "r", 1)
    execute(tx, "1", "r")
    execute(tx, "2", "r", runtime={REUSED: "1"})
    execute(tx, "3", "r", runtime={"other": "x"})
    assert found(tx, key="k") == ["3", "1", "2"]


def test_parts_are_kept_once_for_a_key_and_go_with_its_last_execution(tx: SqlTx) -> None:
    def kept() -> list[str]:
        return [row[0] for row in tx.executions._session.rows("SELECT key FROM key_parts ORDER BY key")]

    begin(tx, "r", 1)
    for id, key in (("1", "k"), ("2", "k"), ("3", "l")):
        execute(tx, id, "r", key)
    assert kept() == ["k", "l"]
    tx.tasks.delete(["1", "3"])
    assert kept() == ["k"]
    tx.tasks.delete(["2"])
    assert kept() == []


def test_an_execution_belongs_to_a_run_that_is_there(tx: SqlTx) -> None:
    with pytest.raises(NotFound, match="there is no run nobody"):
        execute(tx, "1", "nobody")
