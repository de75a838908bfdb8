from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from penstock.core.run import ChangeKind
from penstock.core.task import Task
from penstock.store import waiter
from penstock.store.sqlite import SqliteStore

LONG = 60.0  # seconds; a test that needs them has failed


def change(store: SqliteStore) -> None:
    with store.transaction(durable=False) as tx:
        tx.changes.append(Task(id="t", name="x", project="p"), ChangeKind.STATUS, "created", 1.0)


def test_nothing_changed_until_something_is_committed(store: SqliteStore, undone) -> None:
    mark = store.waiter.mark()
    with store.transaction(writes=False):
        pass
    with undone() as tx:
        tx.changes.append(Task(id="t", name="x", project="p"), ChangeKind.STATUS, "created", 1.0)
    assert store.waiter.wait(mark, 0.0) is False
    assert store.waiter.wait(mark, 0.01) is False
    change(store)
    assert store.waiter.wait(mark, LONG) is True
    assert store.waiter.wait(mark, 0.0) is True
    assert store.waiter.wait(store.waiter.mark(), 0.0) is False


def test_a_commit_between_mark_and_wait_is_not_missed(store: SqliteStore, child) -> None:
    mark = store.waiter.mark()
    child(lambda: change(store)).join()
    assert store.waiter.wait(mark, LONG) is True


def test_a_commit_of_another_process_ends_the_waiting(path: Path, child) -> None:
    store = SqliteStore(path)
    store.close()
    begin, ready = os.pipe()

    def work() -> None:
        other = SqliteStore(path)
        os.read(begin, 1)
        change(other)
        other.close()

    forked = child(work)
    store = SqliteStore(path)
    mark = store.waiter.mark()
    threading.Timer(0.2, os.write, (ready, b"x")).start()
    assert store.waiter.wait(mark, LONG) is True
    forked.join()
    store.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of writes")
def test_a_commit_of_another_process_is_told_by_the_system_and_not_looked_for(path, child, monkeypatch) -> None:
    monkeypatch.setattr(waiter, "_SLOWEST", LONG)
    begin, ready = os.pipe()

    def work() -> None:
        other = SqliteStore(path)
        os.read(begin, 1)
        change(other)
        other.close()

    SqliteStore(path).close()
    forked = child(work)
    store = SqliteStore(path)
    mark = store.waiter.mark()
    threading.Timer(0.3, os.write, (ready, b"x")).start()
    assert store.waiter.wait(mark, LONG) is True
    forked.join()
    store.close()


def test_a_commit_of_this_process_ends_the_waiting_without_a_look_at_the_file(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiter, "_SOON", LONG)
    monkeypatch.setattr(waiter, "_SLOWEST", LONG)
    waiting = threading.Event()
    answers: list[bool] = []

    def wait() -> None:
        mark = store.waiter.mark()
        waiting.set()
        answers.append(store.waiter.wait(mark, LONG))

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    waiting.wait()
    change(store)
    for thread in threads:
        store.waiter.notify()  # one may have marked after the change
        thread.join(LONG / 2)
        assert not thread.is_alive()
    assert answers == [True] * 3


def test_closing_the_store_ends_all_waiting(store: SqliteStore) -> None:
    waiting = threading.Event()
    answers: list[bool] = []

    def wait() -> None:
        mark = store.waiter.mark()
        waiting.set()
        answers.append(store.waiter.wait(mark, LONG))

    thread = threading.Thread(target=wait)
    thread.start()
    waiting.wait()
    store.close()
    thread.join(LONG / 2)
    assert answers == [True]


def test_a_mark_from_before_a_fork_counts_as_changed(store: SqliteStore, child) -> None:
    mark = store.waiter.mark()

    def work() -> None:
        change(store)
        assert store.waiter.wait(mark, LONG) is True
        assert store.waiter.wait(store.waiter.mark(), 0.0) is False

    child(work).join()
    assert store.waiter.wait(mark, LONG) is True
