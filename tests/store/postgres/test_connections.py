"""Connections: no more than a few, one for a thread, and none across a fork."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

import pytest

from penstock.core.errors import StoreBusy, StoreError
from penstock.core.task import Task
from penstock.store.postgres.connections import MOST
from penstock.store.postgres.store import PostgresStore

TASK = Task(id="t", name="train", project="p")


def backends(store: PostgresStore) -> int:
    with store.transaction(writes=False) as tx:
        row = tx.tasks._session.first("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
    return row[0] if row else 0


def test_a_hundred_threads_share_a_few_connections(store: PostgresStore) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            with store.transaction(writes=False) as tx:
                tx.tasks.find(str(number))
        except BaseException as error:  # noqa: BLE001 - a thread's failure is shown by the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(100)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failures == []
    assert backends(store) <= MOST


def test_connections_that_are_all_in_use_for_too_long_are_reported(store: PostgresStore) -> None:
    held, done = threading.Barrier(MOST + 1), threading.Event()

    def hold() -> None:
        with store.transaction(writes=False):
            held.wait()
            done.wait()

    threads = [threading.Thread(target=hold) for _ in range(MOST)]
    for one in threads:
        one.start()
    held.wait()
    assert store._connections._pool is not None
    store._connections._pool.timeout = 0.1
    with pytest.raises(StoreBusy, match=f"all {MOST} connections"), store.transaction():
        pass
    done.set()
    for one in threads:
        one.join()
    assert backends(store) >= 1, "they are free again"


def test_a_server_that_went_away_is_reported_when_patience_ends(postgres_server, postgres_url: str) -> None:
    store = PostgresStore(postgres_url, patience=0.3)
    backends(store)
    postgres_server.stop()
    try:
        with pytest.raises(StoreError, match="cannot be reached"):
            store.repeated(lambda: backends(store))
    finally:
        postgres_server.start()
    patient = PostgresStore(postgres_url)
    assert patient.repeated(lambda: backends(patient)) >= 1
    patient.close()
    store.close()


def test_a_forked_process_has_connections_of_its_own_and_leaves_its_parents_alone(store: PostgresStore, child) -> None:
    backends(store)

    def work() -> None:
        with store.transaction() as tx:
            tx.tasks.add(TASK)
        store.close()

    child(work).join()
    with store.transaction(writes=False) as tx:
        assert tx.tasks.get("t") == TASK


def test_a_process_that_was_forked_in_the_middle_of_a_transaction_cannot_end_it(store: PostgresStore, child) -> None:
    def work() -> None:
        with pytest.raises(StoreError, match="forked meanwhile"):
            manager.__exit__(None, None, None)
        assert backends(store) >= 2

    manager = store.transaction()
    tx = manager.__enter__()
    tx.tasks.add(TASK)
    child(work).join()
    tx.tasks.rename("t", "renamed")
    manager.__exit__(None, None, None)
    with store.transaction(writes=False) as tx:
        assert tx.tasks.get("t").name == "renamed"


def test_nothing_of_a_parent_stays_open_in_its_child(store: PostgresStore, child) -> None:
    backends(store)
    assert store.waiter.wait(store.waiter.mark(), 60.0), "it says so when it listens"

    def work() -> None:
        assert not {socket_of(int(file.name)) for file in Path("/proc/self/fd").iterdir()} & parents

    parents = {socket_of(connection.fileno()) for connection in store._connections._open}
    assert "" not in parents
    assert len(parents) == 2
    child(work).join()
    assert backends(store) >= 1


def socket_of(descriptor: int) -> str:
    """Which socket a descriptor is; empty when it is none."""
    with suppress(FileNotFoundError):
        name = str(Path(f"/proc/self/fd/{descriptor}").readlink())
        return name if name.startswith("socket:") else ""
    return ""
