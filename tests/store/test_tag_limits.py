"""Limits of tags in the statement that takes the next task."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from msgspec.structs import replace

from penstock.core.errors import NotFound
from penstock.core.task import Task
from penstock.ports.queues import Waiting
from penstock.store.sqlite import SqliteStore
from penstock.store.tag_limits import MAY_BE_TAKEN
from penstock.store.transaction import SqlTx


@pytest.fixture
def tx(store: SqliteStore) -> Iterator[SqlTx]:
    with store.transaction(durable=False) as tx:
        yield tx


def wait(tx: SqlTx, id: str, *tags: str, takes_slot: bool = True) -> None:
    tx.tasks.add(Task(id=id, name=id, project="p", tags=tags))
    tx.entries.add(Waiting(task=id, queue="default", takes_slot=takes_slot))


def take(tx: SqlTx) -> str | None:
    taken = tx.entries.take("default", slots=True)
    if taken is None:
        return None
    tx.leases.add(replace(taken, rank=0.0), "agent", f"request of {taken.task}", 1.0)
    return taken.task


def test_what_is_at_its_limit_is_passed_over(tx: SqlTx) -> None:
    tx.tag_limits.set("gpu", 1, 5.0)
    tx.tag_limits.set("unused", 1, 5.0)
    for id, tags in (("a", ("gpu",)), ("b", ("gpu", "x")), ("c", ("x",)), ("d", ())):
        wait(tx, id, *tags)
    wait(tx, "run", "gpu", takes_slot=False)
    assert [take(tx) for _ in range(5)] == ["a", "c", "d", "run", None]
    assert not tx.entries.has_next(["default"], slots=True)
    assert [(one.tag, one.limit, one.running, one.waiting) for one in tx.tag_limits.list()] == [
        ("gpu", 1, 1, 1),
        ("unused", 1, 0, 0),
    ]
    tx.leases.end("a")
    assert (take(tx), tx.tag_limits.list()[0].created) == ("b", 5.0)


def test_a_limit_is_set_anew_and_removed(tx: SqlTx) -> None:
    for limit in (1, 2):
        tx.tag_limits.set("é", limit, 5.0)
    assert [(one.tag, one.limit) for one in tx.tag_limits.list()] == [("é", 2)]
    tx.tag_limits.remove("é")
    with pytest.raises(NotFound, match="no limit for tag 'é'"):
        tx.tag_limits.remove("é")


def test_neither_tags_nor_leases_are_read_through(tx: SqlTx, scans: Callable[[SqlTx, str], list[str]]) -> None:
    plan = scans(tx, f"SELECT e.task FROM queue_entries e WHERE e.queue = 'default' AND {MAY_BE_TAKEN}")
    assert not [line for line in plan if "task_tags" in line and "ndex" not in line.lower()]
    assert not [line for line in plan if line.startswith(("SCAN k", "SCAN h"))]
