from __future__ import annotations

from collections.abc import Iterator

import pytest

from penstock.core.run import Change, ChangeKind
from penstock.core.task import Status, Task, TaskType
from penstock.store.sql import FEW
from penstock.store.sqlite import SqliteStore
from penstock.store.transaction import SqlTx

CONTROLLER = Task(id="r", name="iris", project="p", type=TaskType.CONTROLLER)
ATTEMPT = Task(id="t", name="fit", project="p", run="r", step="fit", attempt=2)
PLAIN = Task(id="p", name="plain", project="p")


@pytest.fixture
def tx(store: SqliteStore) -> Iterator[SqlTx]:
    with store.transaction(durable=False) as tx:
        yield tx


def test_a_change_names_run_step_and_attempt_where_there_are_such(tx: SqlTx) -> None:
    tx.changes.append(CONTROLLER, ChangeKind.STATUS, Status.IN_PROGRESS, 1.0)
    tx.changes.append(ATTEMPT, ChangeKind.STATUS, Status.FAILED, 2.0, message='it\'s "bad"')
    tx.changes.append(CONTROLLER, ChangeKind.STEP, "skipped", 3.0, step="score", message="its parent failed")
    tx.changes.append(PLAIN, ChangeKind.STATUS, Status.COMPLETED, 4.0)
    assert tx.changes.after(0, None, 10) == [
        Change(seq=1, at=1.0, kind=ChangeKind.STATUS, task="r", status="in_progress", run="r"),
        Change(
            seq=2,
            at=2.0,
            kind=ChangeKind.STATUS,
            task="t",
            status="failed",
            run="r",
            step="fit",
            attempt=2,
            message='it\'s "bad"',
        ),
        Change(
            seq=3,
            at=3.0,
            kind=ChangeKind.STEP,
            task="r",
            status="skipped",
            run="r",
            step="score",
            message="its parent failed",
        ),
        Change(seq=4, at=4.0, kind=ChangeKind.STATUS, task="p", status="completed"),
    ]


def test_the_feed_is_read_on_from_where_one_stands(tx: SqlTx) -> None:
    assert tx.changes.last() == 0
    for number in range(5):
        tx.changes.append(CONTROLLER if number % 2 else PLAIN, ChangeKind.STATUS, "created", number)
    assert [change.seq for change in tx.changes.after(2, None, 10)] == [3, 4, 5]
    assert [change.seq for change in tx.changes.after(2, None, 1)] == [3]
    assert [change.seq for change in tx.changes.after(0, "r", 10)] == [2, 4]
    assert [change.seq for change in tx.changes.after(2, "r", 10)] == [4]
    assert tx.changes.after(5, None, 10) == tx.changes.after(0, "other", 10) == []
    assert tx.changes.last() == 5


@pytest.mark.parametrize("many", [1, FEW, FEW + 1])
def test_a_transaction_knows_its_own_changes_as_the_feed_has_them_unless_they_are_many(store, many) -> None:
    with store.transaction() as tx:
        tx.changes.note(ChangeKind.QUEUE, "before", 1.0)
    with store.transaction() as tx:
        for number in range(many):
            about = {"step": None, "message": ""} if number % 2 else {"step": "fit", "message": "why"}
            tx.changes.append(CONTROLLER if number % 3 else PLAIN, ChangeKind.STATUS, "queued", number, **about)
        own = tx.changes.own()
        assert tx.changes.own() == own
    with store.transaction(writes=False) as tx:
        assert own == (tx.changes.after(1, None, 100) if many <= FEW else [])
        assert tx.changes.own() == []


def test_a_transaction_does_not_know_its_changes_where_some_between_them_are_not_numbered(store) -> None:
    """Who takes some for all of them would pass over those in between."""
    with store.transaction() as tx:
        for many in (1, FEW + 1, 1):
            for _ in range(many):
                tx.changes.note(ChangeKind.QUEUE, "gpu", 1.0)
            tx.changes.last()  # they are appended now
        assert tx.changes.own() == []


def test_changes_that_went_with_their_task_are_none_of_the_transaction(store) -> None:
    with store.transaction() as tx:
        tx.tasks.add(PLAIN)
        tx.changes.append(PLAIN, ChangeKind.STATUS, "created", 1.0)
        tx.tasks.delete([PLAIN.id])
        tx.changes.note(ChangeKind.QUEUE, "gpu", 1.0)
        assert [change.place for change in tx.changes.own()] == ["gpu"]


def test_no_number_of_the_feed_is_given_twice_even_when_the_newest_changes_are_deleted(tx: SqlTx) -> None:
    for task in (PLAIN, CONTROLLER):
        tx.tasks.add(task)
        tx.changes.append(task, ChangeKind.STATUS, "created", 1.0)
    tx.tasks.delete(["r"])
    tx.changes.append(PLAIN, ChangeKind.STATUS, "queued", 2.0)
    assert [change.seq for change in tx.changes.after(2, None, 10)] == [3]


def test_a_transaction_that_was_undone_used_up_no_number(store: SqliteStore, undone) -> None:
    with undone() as tx:
        tx.changes.append(PLAIN, ChangeKind.STATUS, "created", 1.0)
    with store.transaction() as tx:
        tx.changes.append(PLAIN, ChangeKind.STATUS, "created", 1.0)
        assert [change.seq for change in tx.changes.after(0, None, 10)] == [1]
