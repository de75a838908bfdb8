from __future__ import annotations

from collections.abc import Iterator

import pytest

from penstock.core.cachekey import Input, KeyParts
from penstock.core.code import Code
from penstock.core.errors import NotFound
from penstock.core.run import ARCHIVED, REUSED
from penstock.core.task import Status, Task, TaskType
from penstock.ops.executions import Execution, Keyed, ListExecutions
from penstock.store.sqlite import SqliteStore
from penstock.store.transaction import SqlTx

PARTS = KeyParts(
    code=Code("d" * 64, {"fit": "function:abc", "module main": "module:def"}),
    returns=("model", "score"),
    arguments={"n": "1", "text": "'é\\ud800'"},
    inputs={"table[0]": Input("0" * 64, "arrow", "pandas.DataFrame")},
    packages={"numpy": "2.1"},
    container="python:3.12",
    interpreter="3.11",
    serializer="s",
    place="p",
)


@pytest.fixture
def tx(store: SqliteStore) -> Iterator[SqlTx]:
    with store.transaction(durable=False) as tx:
        yield tx


def keyed(key: str, parts: KeyParts = PARTS) -> Keyed:
    return Keyed(key=key, parts=parts)


def add_run(tx: SqlTx, id: str, *, project: str = "demo", pipeline: str = "iris") -> str:
    tx.tasks.add(Task(id=id, name="a name that says nothing", project="hidden", type=TaskType.CONTROLLER))
    tx.runs.add(id, project, pipeline)
    return id


def add(tx: SqlTx, run: str, id: str, key: str = "k", *, step: str = "fit", **fields) -> str:
    tx.tasks.add(Task(id=id, name=step, project="hidden", run=run, step=step, **fields))
    tx.executions.add(id, run, step, keyed(key))
    return id


def ids(tx: SqlTx, **filters: object) -> str:
    return "".join(one.task for one in tx.executions.list(ListExecutions(**filters)))


def test_an_execution_comes_back_with_its_key_and_all_parts(tx: SqlTx) -> None:
    add(tx, add_run(tx, "r"), "a", status=Status.COMPLETED)
    assert tx.executions.list(ListExecutions()) == [
        Execution(task="a", run="iris #0", step="fit", status=Status.COMPLETED, archived=False, keyed=keyed("k"))
    ]


def test_equal_keys_share_their_parts(tx: SqlTx) -> None:
    run = add_run(tx, "r")
    add(tx, run, "a")
    add(tx, run, "b")
    assert tx.executions._session.rows("SELECT COUNT(*) FROM key_parts") == [(1,)]
    assert [one.keyed for one in tx.executions.list(ListExecutions())] == [keyed("k")] * 2


def test_executions_come_latest_first_those_that_ran_before_those_that_were_reused(tx: SqlTx) -> None:
    run = add_run(tx, "r")
    for id, runtime in (("a", {}), ("b", {REUSED: "a"}), ("c", {"gpu": REUSED + "!"}), ("d", {REUSED: "a"})):
        add(tx, run, id, runtime=runtime)
    assert ids(tx) == "cadb"
    assert ids(tx, limit=3) == "cad"


def test_every_filter_counts_and_they_count_together(tx: SqlTx) -> None:
    add(tx, add_run(tx, "r1"), "a")
    add(tx, add_run(tx, "r2", pipeline="other"), "b")
    add(tx, add_run(tx, "r3", project="elsewhere"), "c", key="k2")
    add(tx, "r1", "d", key="k2", step="load")
    assert ids(tx) == "dcba"
    assert ids(tx, key="k") == "ba"
    assert ids(tx, key="k2") == "dc"
    assert ids(tx, pipeline="iris") == "dca"
    assert ids(tx, project="demo") == "dba"
    assert ids(tx, step="load") == "d"
    assert ids(tx, key="k2", project="demo", pipeline="iris", step="load") == "d"
    assert ids(tx, key="k", step="load") == ids(tx, key="%") == ""


def test_only_the_system_tag_itself_makes_an_execution_archived(tx: SqlTx) -> None:
    run = add_run(tx, "r")
    for id, tags in (("a", (ARCHIVED,)), ("b", (f'not "{ARCHIVED}"',)), ("c", ())):
        add(tx, run, id, system_tags=tags)
    assert {one.task: one.archived for one in tx.executions.list(ListExecutions())} == {
        "a": True,
        "b": False,
        "c": False,
    }


def test_an_execution_is_recorded_of_a_run_that_is_there(tx: SqlTx) -> None:
    with pytest.raises(NotFound, match="there is no run gone"):
        tx.executions.add("a", "gone", "fit", keyed("k"))


@pytest.mark.parametrize("together", [True, False])
def test_the_parts_of_a_key_go_with_its_last_execution(tx: SqlTx, together: bool) -> None:
    run = add_run(tx, "r")
    for id, key in (("a", "k"), ("b", "k"), ("c", "k2")):
        add(tx, run, id, key)

    def keys() -> list[str]:
        return [row[0] for row in tx.executions._session.rows("SELECT key FROM key_parts ORDER BY key")]

    if together:
        tx.tasks.delete(["a", "b"])
    else:
        tx.tasks.delete(["a"])
        assert keys() == ["k", "k2"]
        tx.tasks.delete(["b"])
    assert keys() == ["k2"]
    assert ids(tx) == "c"


def test_the_parts_go_also_when_more_is_deleted_than_a_statement_takes_values(tx: SqlTx) -> None:
    run = add_run(tx, "r")
    many = [add(tx, run, f"{number:04}", "k") for number in range(1001)]
    add(tx, run, "kept", "k2")
    tx.tasks.delete(many)
    assert tx.executions._session.rows("SELECT key FROM key_parts") == [("k2",)]


@pytest.mark.parametrize(
    ("where", "index"),
    [
        ("e.key = 'k'", "executions_by_key"),
        ("e.pipeline = 'p' AND e.project = 'q' AND e.step = 's'", "executions_of_step"),
    ],
)
def test_executions_are_found_without_reading_all(tx: SqlTx, scans, where: str, index: str) -> None:
    found = scans(tx, f"SELECT * FROM executions e WHERE {where} ORDER BY position")
    assert found
    assert all(index in line for line in found)
