from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import pytest

from penstock.core.errors import StoreError
from penstock.core.task import Task
from penstock.ops.tasks import ListTasks
from penstock.store.connections import Slot
from penstock.store.sqlite import SqliteStore


def add(store: SqliteStore, id: str) -> None:
    with store.transaction() as tx:
        assert tx.tasks.add(Task(id=id, name="x", project="p"))


def ids(store: SqliteStore) -> list[str]:
    with store.transaction(writes=False) as tx:
        return sorted(task.id for task in tx.tasks.list(ListTasks()))


def test_what_a_forked_child_writes_outlives_the_parents_closing(path: Path, child) -> None:
    store = SqliteStore(path)
    add(store, "parent")
    store.waiter.mark()
    parent_closed, close_parent = os.pipe()
    child_wrote, write = os.pipe()

    def work() -> None:
        os.close(close_parent)
        add(store, "child 1")
        os.write(write, b"x")
        os.read(parent_closed, 1)
        add(store, "child 2")
        store.close()

    forked = child(work)
    os.read(child_wrote, 1)
    assert ids(store) == ["child 1", "parent"]
    store.close()
    os.close(close_parent)
    forked.join()
    store = SqliteStore(path)
    assert ids(store) == ["child 1", "child 2", "parent"]
    store.close()


def test_parent_child_and_grandchild_all_go_on(store: SqliteStore, child) -> None:
    def grandchild() -> None:
        add(store, "grandchild")

    def work() -> None:
        add(store, "child")
        child(grandchild).join()
        assert ids(store) == ["child", "grandchild", "parent"]

    add(store, "parent")
    child(work).join()
    add(store, "parent again")
    assert ids(store) == ["child", "grandchild", "parent", "parent again"]


def test_a_fork_waits_for_the_transactions_of_other_threads(store: SqliteStore, child) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with store.transaction() as tx:
            tx.tasks.add(Task(id="thread", name="x", project="p"))
            inside.set()
            go_on.wait()

    threads = [threading.Thread(target=hold), threading.Timer(0.05, go_on.set)]
    for thread in threads:
        thread.start()
    inside.wait()
    forked = child(lambda: add(store, "child"))
    for thread in threads:
        thread.join()
    forked.join()
    assert ids(store) == ["child", "thread"]


def test_a_transaction_that_a_fork_split_ends_only_in_the_parent(store: SqliteStore) -> None:
    parent, message = os.getpid(), ""
    try:
        with store.transaction() as tx:
            slot = weakref.ref(store._connections._mine.slot)
            tx.tasks.add(Task(id="one", name="x", project="p"))
            pid = os.fork()
            if pid != 0:
                assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
                tx.tasks.add(Task(id="two", name="x", project="p"))
    except StoreError as error:
        message = error.message
    finally:
        if os.getpid() != parent:
            os._exit(0 if "began" in message and is_of_no_use(store) and is_open(slot) else 1)
    assert ids(store) == ["one", "two"]


def is_of_no_use(store: SqliteStore) -> bool:
    with pytest.raises(StoreError, match="forked in the middle of a transaction"):
        ids(store)
    return True


def is_open(slot: weakref.ref[Slot]) -> bool:
    """Return whether the connection is left alone: closing it is the parent's business."""
    gc.collect()
    found = slot()
    return found is not None and found.connection is not None


LEAVES_NORMALLY = """
import os, sys
from pathlib import Path
from penstock.core.task import Task
from penstock.ops.tasks import ListTasks
from penstock.store.connections import Slot
from penstock.store.sqlite import SqliteStore

store = SqliteStore(Path(sys.argv[1]))
store.waiter.mark()
with store.transaction() as tx:
    tx.tasks.add(Task(id="one", name="x", project="p"))
if os.fork() == 0:
    sys.exit()  # the interpreter takes down what it finds, connections too
os.wait()
with store.transaction() as tx:
    for number in range(1500):  # so much that SQLite writes some of it before the end
        tx.tasks.add(Task(id=f"two {number}", name="x" * 3000, project="p"))
    if os.fork() == 0:
        sys.exit()
    os.wait()
    tx.tasks.add(Task(id="three", name="x", project="p"))
with store.transaction(writes=False) as tx:
    print(len(tx.tasks.list(ListTasks(limit=10_000))))
    print(tx.tasks._session.rows("PRAGMA integrity_check"))
store.close()
"""


def test_a_child_that_leaves_normally_takes_nothing_down(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", LEAVES_NORMALLY, str(path)], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == ("1502\n[('ok',)]\n", "", 0)
