from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest
from records import TASK, add_two, count

from penstock.core.errors import StoreError
from penstock.core.task import Task
from penstock.ops.tasks import ListTasks
from penstock.store import sqlite
from penstock.store.sqlite import OLDEST, SqliteStore, check_version


def modes(folder: Path) -> dict[str, str]:
    return {file.name: oct(stat.S_IMODE(file.stat().st_mode)) for file in folder.iterdir()}


def test_what_is_written_is_there_when_the_store_is_opened_again(path: Path) -> None:
    for durable, id in ((True, "a"), (False, "b")):
        store = SqliteStore(path)
        with store.transaction(durable=durable) as tx:
            add_two(tx, id)
        store.close()
    store = SqliteStore(path)
    assert count(store) == (2, 2)
    store.close()


def test_a_reading_transaction_sees_one_moment(store: SqliteStore) -> None:
    def write() -> None:
        with store.transaction() as tx:
            tx.tasks.add(TASK)

    with store.transaction(writes=False) as tx:
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
        assert tx.tasks.list(ListTasks()) == []
    assert count(store)[0] == 1


def test_what_must_not_be_lost_is_synced_and_what_may_is_not(store: SqliteStore) -> None:
    for durable in (True, False, False, True, False, True):
        with store.transaction(durable=durable) as tx:
            ((level,),) = tx.tasks._session.rows("PRAGMA synchronous")
            assert level == (2 if durable else 1)


def test_a_closed_store_says_so(store: SqliteStore, path: Path) -> None:
    store.close()
    store.close()
    with pytest.raises(StoreError, match=r"penstock.db was closed"), store.transaction():
        pass


def test_closing_removes_what_sqlite_kept_beside_the_file(store: SqliteStore, path: Path) -> None:
    for writes in (True, False):
        thread = threading.Thread(target=lambda writes=writes: store.transaction(writes=writes).__enter__())
        thread.start()
        thread.join()
    store.waiter.mark()
    count(store)
    store.close()
    assert sorted(file.name for file in path.parent.iterdir()) == ["penstock.db", "penstock.db.lock"]


def test_the_connections_of_threads_that_ended_are_closed(store: SqliteStore) -> None:
    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    count(store)
    before = open_files()
    for _ in range(20):
        thread = threading.Thread(target=count, args=(store,))
        thread.start()
        thread.join()
    assert open_files() <= before + 1  # SQLite may keep a closed file's descriptor until its locks are free


@pytest.mark.parametrize("mask", [0o022, 0o000, 0o077])
def test_nobody_else_may_read_anything_whatever_the_umask(path: Path, umask, mask: int) -> None:
    umask(mask)
    store = SqliteStore(path)
    with store.transaction() as tx:
        tx.tasks.add(TASK)
    private = dict.fromkeys(["penstock.db", "penstock.db-wal", "penstock.db-shm", "penstock.db.lock"], "0o600")
    assert modes(path.parent) == private
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    store.close()


def test_a_database_that_others_could_read_is_taken_from_them(path: Path) -> None:
    SqliteStore(path).close()
    path.chmod(0o644)
    store = SqliteStore(path)
    assert set(modes(path.parent).values()) == {"0o600"}
    store.close()


@pytest.mark.parametrize("name", ["with space", "100%", "what?", "a#b", "%41", "naïve 模型", "'; --", "file:x?mode=ro"])
def test_any_path_will_do(tmp_path: Path, name: str) -> None:
    path = tmp_path / name / f"{name}.db"
    store = SqliteStore(path)
    with store.transaction() as tx:
        tx.tasks.add(TASK)
    assert path.stat().st_size > 0
    store.close()
    assert sorted(file.name for file in path.parent.iterdir()) == [f"{name}.db", f"{name}.db.lock"]


def test_a_relative_path_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = SqliteStore(Path("home/x.db"))
    monkeypatch.chdir("/")
    thread = threading.Thread(target=count, args=(store,))
    thread.start()
    thread.join()
    assert store.path == tmp_path / "home" / "x.db"
    store.close()


def test_threads_of_one_process_take_turns(store: SqliteStore) -> None:
    failures: list[BaseException] = []

    def work(thread: int) -> None:
        try:
            for number in range(40):
                with store.transaction(durable=False) as tx:
                    add_two(tx, f"{thread} {number}")
                    tx.runs.next_number("p", "shared")
                count(store)
        except BaseException as error:  # noqa: BLE001 - a thread's failure is shown by the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert count(store) == (160, 160)
    with store.transaction() as tx:
        assert tx.runs.next_number("p", "shared") == 161


def test_many_processes_write_and_read_at_once_and_never_see_a_locked_database(path: Path, child, gate) -> None:
    writers, each = 16, 50
    start = gate()

    def write(writer: int) -> None:
        start.wait()
        store = SqliteStore(path)
        for number in range(each):
            with store.transaction(durable=number % 10 == 0) as tx:
                add_two(tx, f"{writer} {number}")
                tx.runs.next_number("p", "shared")
        store.close()

    def read() -> None:
        start.wait()
        store = SqliteStore(path)
        for _ in range(100):
            mark = store.waiter.mark()
            tasks, changes = count(store)
            assert tasks == changes
            if tasks == writers * each:
                break
            store.waiter.wait(mark, 1.0)
        store.close()

    SqliteStore(path).close()
    children = [child(lambda number=number: write(number)) for number in range(writers)]
    children += [child(read) for _ in range(3)]
    start.open()
    for one in children:
        one.join()
    store = SqliteStore(path)
    assert count(store) == (writers * each, writers * each)
    with store.transaction() as tx:
        assert tx.runs.next_number("p", "shared") == writers * each + 1
    store.close()


def test_processes_that_open_a_new_store_at_once_make_one(path: Path, child, gate) -> None:
    start = gate()

    def work(number: int) -> None:
        start.wait()
        store = SqliteStore(path)
        with store.transaction() as tx:
            tx.tasks.add(Task(id=str(number), name="x", project="p"))
        store.close()

    children = [child(lambda number=number: work(number)) for number in range(12)]
    start.open()
    for one in children:
        one.join()
    store = SqliteStore(path)
    assert count(store)[0] == 12
    with store.transaction(writes=False) as tx:
        assert len(tx.tasks._session.rows("SELECT number FROM schema_migrations")) == len(sqlite.migrations())
    store.close()


def test_a_sqlite_without_returning_is_refused() -> None:
    check_version(OLDEST)
    with pytest.raises(StoreError, match=r"SQLite is 3\.34\.1, and Penstock needs 3\.35\.0"):
        check_version((3, 34, 1))


def test_the_store_remembers_what_it_reads_by_index(store: SqliteStore) -> None:
    queries = [
        "SELECT * FROM tasks WHERE id = 'a'",
        "SELECT * FROM tasks WHERE run = 'a' ORDER BY position",
        "SELECT * FROM tasks WHERE project = 'a' ORDER BY position DESC LIMIT 5",
        "SELECT * FROM tasks ORDER BY position DESC LIMIT 5",
        "SELECT * FROM steps WHERE run = 'a' AND name = 'b'",
        "SELECT * FROM changes WHERE run = 'a' AND seq > 5 ORDER BY seq LIMIT 5",
        "SELECT * FROM changes WHERE seq > 5 ORDER BY seq LIMIT 5",
        "SELECT * FROM console WHERE run = 'a' AND id > 5 ORDER BY id LIMIT 5",
        "SELECT * FROM console WHERE task = 'a' AND id > 5 ORDER BY id LIMIT 5",
        "SELECT * FROM runs WHERE pipeline = 'a' AND project = 'b' AND number > 0 ORDER BY number",
        "SELECT * FROM runs r JOIN tasks t ON t.id = r.task ORDER BY r.created DESC LIMIT 5",
        "SELECT * FROM scalar_chunks WHERE series = 1 AND id > 5 ORDER BY id",
        "SELECT * FROM artifacts WHERE hash IN ('a', 'b')",
        "SELECT * FROM plots WHERE hash IS NOT NULL AND hash IN ('a', 'b')",
    ]
    with store.transaction(writes=False) as tx:
        for query in queries:
            plan = [row[3] for row in tx.tasks._session.rows(f"EXPLAIN QUERY PLAN {query}")]
            scans = [step for step in plan if step.startswith("SCAN") and "INDEX" not in step and step != "SCAN tasks"]
            assert scans == [], query
            assert not [step for step in plan if "TEMP B-TREE" in step], query
