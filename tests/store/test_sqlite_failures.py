"""What a store says when its disk, its file or another process lets it down, and that nothing is left by half."""

from __future__ import annotations

import os
import resource
import sqlite3
import threading
from pathlib import Path

import pytest
from records import TASK, add_two, count

from penstock.core.errors import DiskFull, StoreBusy, StoreError
from penstock.store.sqlite import SqliteStore


def test_another_process_that_holds_the_database_for_too_long_is_reported(path: Path) -> None:
    store = SqliteStore(path, patience=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy, match=r"penstock\.db has been held .* 0\.05 seconds"), store.transaction():
        pass
    assert count(store) == (0, 0)
    other.execute("ROLLBACK")
    other.close()
    with store.transaction() as tx:
        tx.tasks.add(TASK)
    store.close()


def test_another_thread_that_holds_the_database_for_too_long_is_reported(path: Path) -> None:
    store = SqliteStore(path, patience=0.05)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            with store.transaction():
                pass
        except StoreBusy as error:
            failures.append(error)

    with store.transaction():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert len(failures) == 1
    store.close()


def test_a_full_database_is_reported_and_keeps_no_half_of_what_did_not_fit(store: SqliteStore) -> None:
    with store.transaction() as tx:
        add_two(tx, "first")
    with store._connections.mine() as (_, connection):
        connection.execute("PRAGMA max_page_count = 1")  # that is: no more than there are

    def fill() -> None:
        with store.transaction() as tx:
            for number in range(1000):
                add_two(tx, f"{number}")

    with pytest.raises(DiskFull, match=r"no space left for .*penstock\.db"):
        fill()
    assert count(store) == (1, 1)
    with store._connections.mine() as (_, connection):
        connection.execute("PRAGMA max_page_count = 1000000")
    with store.transaction() as tx:
        add_two(tx, "second")
    assert count(store) == (2, 2)


def test_a_disk_that_takes_no_more_is_reported_and_the_store_stays_whole(path: Path, child) -> None:
    store = SqliteStore(path)

    def work() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        written: list[int] = []

        def write() -> None:
            for number in range(1000):
                with store.transaction() as tx:
                    add_two(tx, f"{number}")
                written.append(number)

        with pytest.raises(DiskFull, match=r"penstock\.db"):
            write()
        assert len(written) > 5
        assert count(store) == (len(written), len(written))

    child(work).join()
    tasks, changes = count(store)
    assert tasks == changes > 5
    store.close()


def test_a_database_that_may_not_be_written_is_reported(store: SqliteStore) -> None:
    with store._connections.mine() as (_, connection):
        connection.execute("PRAGMA query_only = ON")
    with pytest.raises(DiskFull, match=r"penstock\.db cannot be written"), store.transaction() as tx:
        tx.tasks.add(TASK)


def test_a_file_that_is_no_database_is_named_with_the_remedy(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"these are my notes, not a database\n" * 100)
    with pytest.raises(StoreError, match=r"penstock\.db is damaged, or is no database") as caught:
        SqliteStore(path)
    assert "move it away" in str(caught.value.hint)
    assert path.read_bytes().startswith(b"these are my notes")


def test_a_damaged_database_is_named_with_the_remedy(path: Path) -> None:
    store = SqliteStore(path)
    with store.transaction() as tx:
        for number in range(200):
            add_two(tx, f"{number}")
    store.close()
    data = bytearray(path.read_bytes())
    for page in range(8, len(data) // 4096):
        data[page * 4096 : page * 4096 + 2000] = b"\xff" * 2000
    path.write_bytes(data)

    def use() -> None:
        store = SqliteStore(path)
        try:
            count(store)
        finally:
            store.close()

    with pytest.raises(StoreError, match=r"penstock\.db is damaged"):
        use()


def test_a_database_of_another_program_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE bookmarks (url)")
    other.close()
    with pytest.raises(StoreError, match="another program: it has the tables bookmarks"):
        SqliteStore(path)
    other = sqlite3.connect(path)
    assert other.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    other.close()


def test_a_home_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"x\.db cannot be used: Not a directory"):
        SqliteStore(tmp_path / "file" / "home" / "x.db")


def test_a_home_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    (tmp_path / "home").mkdir(mode=0o500)
    with pytest.raises(StoreError, match="Permission denied"):
        SqliteStore(tmp_path / "home" / "x.db")


def test_a_database_that_vanished_is_reported_and_not_made_anew(store: SqliteStore, path: Path) -> None:
    path.unlink()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            count(store)
        except StoreError as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert "penstock.db cannot be opened" in str(failures[0])
    assert not path.exists()
