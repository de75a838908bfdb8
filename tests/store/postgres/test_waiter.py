"""Waiting for a change on PostgreSQL: at once, across processes, and again after the listening connection was lost."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest

from penstock.core.run import ChangeKind
from penstock.core.task import Task
from penstock.store.postgres import waiter
from penstock.store.postgres.store import PostgresStore

LONG = 60.0  # seconds; a test that needs them has failed


def change(store: PostgresStore) -> None:
    with store.transaction(durable=False) as tx:
        tx.changes.append(Task(id="t", name="x", project="p"), ChangeKind.STATUS, "created", 1.0)


def listeners() -> set[threading.Thread]:
    return {one for one in threading.enumerate() if one.name == "penstock-listener"}


@pytest.fixture
def listening(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> Callable[[], object]:
    """Waits until the store's connection listens, with nothing but its notifications to end a waiting."""
    monkeypatch.setattr(waiter, "RESCAN", LONG)

    def listening() -> object:
        mark = store.waiter.mark()
        if mark == (0, 0):
            assert store.waiter.wait(mark, LONG)  # it says so when it begins to listen
        return store.waiter.mark()

    return listening


def test_nothing_changed_until_something_is_committed(store: PostgresStore, listening) -> None:
    mark = listening()
    with store.transaction(writes=False):
        pass
    assert store.waiter.wait(mark, 0.0) is False
    assert store.waiter.wait(mark, 0.01) is False
    change(store)
    assert store.waiter.wait(mark, LONG) is True
    assert store.waiter.wait(mark, 0.0) is True


def test_a_commit_of_another_process_ends_the_waiting(store: PostgresStore, listening, postgres_url, child) -> None:
    def work() -> None:
        other = PostgresStore(postgres_url)
        change(other)
        other.close()

    mark = listening()
    forked = child(work)
    assert store.waiter.wait(mark, LONG) is True
    forked.join()


def test_what_another_process_did_while_nobody_listened_is_not_missed(
    store: PostgresStore, listening, terminate, postgres_url: str
) -> None:
    other = PostgresStore(postgres_url)
    mark = listening()
    assert terminate("LISTEN%") == 1
    assert store.waiter.wait(mark, LONG) is True
    for _ in range(3):
        mark = store.waiter.mark()
        change(other)
        assert store.waiter.wait(mark, LONG) is True
    other.close()


def test_who_waits_looks_again_every_few_seconds_whatever_is_notified(
    store: PostgresStore, listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = listening()
    monkeypatch.setattr(waiter, "RESCAN", 0.05)
    assert store.waiter.wait(mark, LONG) is True
    assert store.waiter.mark() == mark, "and yet nothing was notified"


def test_a_commit_of_this_process_ends_all_its_waiting(store: PostgresStore, listening) -> None:
    answers: list[bool] = []
    mark = listening()
    threads = [threading.Thread(target=lambda: answers.append(store.waiter.wait(mark, LONG))) for _ in range(3)]
    for thread in threads:
        thread.start()
    change(store)
    for thread in threads:
        thread.join(LONG)
    assert answers == [True] * 3


def test_closing_the_store_ends_all_waiting_and_the_thread_that_listens(store: PostgresStore, listening) -> None:
    answers: list[bool] = []
    others = listeners()  # of stores that other tests share
    mark = listening()
    (own,) = listeners() - others
    thread = threading.Thread(target=lambda: answers.append(store.waiter.wait(mark, LONG)))
    thread.start()
    store.close()
    thread.join(LONG)
    assert answers == [True]
    assert not own.is_alive()


def test_a_mark_from_before_a_fork_counts_as_changed_and_the_child_listens_by_itself(
    store: PostgresStore, listening, child, postgres_url: str
) -> None:
    mark = listening()
    begin, ready = os.pipe()
    done, say = os.pipe()

    def work() -> None:
        assert store.waiter.wait(mark, LONG) is True
        mine = listening()
        os.write(say, b"x")
        os.read(begin, 1)
        assert store.waiter.wait(mine, LONG) is True
        store.close()

    forked = child(work)
    os.read(done, 1)
    change(store)
    os.write(ready, b"x")
    forked.join()
    assert store.waiter.wait(mark, LONG) is True
    for descriptor in (begin, ready, done, say):
        os.close(descriptor)


def test_a_server_that_is_started_anew_is_listened_to_again(postgres_server, store: PostgresStore, listening) -> None:
    mark = listening()
    postgres_server.stop()
    assert store.waiter.wait(mark, LONG) is True
    mark = store.waiter.mark()  # before it is there again: on a busy machine it is listened to at once
    postgres_server.start()
    assert store.waiter.wait(mark, LONG) is True, "it says so when it listens again"
