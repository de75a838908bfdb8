"""Writers are killed in the middle of their work: what was acknowledged stays, and nothing stays by half."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import struct
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from penstock.core.outputs import Artifact
from penstock.core.run import ChangeKind
from penstock.core.task import Task
from penstock.ops.tasks import ListTasks
from penstock.store.sqlite import SqliteStore

ROUNDS = 40
PARTS = 4  # artifacts that a transaction writes besides its task and its change
EVERYTHING = 1_000_000


class Writer:
    """A process that writes transaction after transaction, and says of each that it was committed."""

    def __init__(self, path: Path, first: int) -> None:
        self._acknowledged, acknowledge = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            with suppress(BaseException):
                write_for_ever(path, first, acknowledge)
            os._exit(1)
        os.close(acknowledge)

    def kill(self) -> set[int]:
        """Kill it; return what it had acknowledged."""
        os.kill(self.pid, signal.SIGKILL)
        with os.fdopen(self._acknowledged, "rb") as acknowledged:
            numbers = [number for (number,) in struct.iter_unpack("I", acknowledged.read())]
        assert os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1]) == -signal.SIGKILL
        return set(numbers)


def write_for_ever(path: Path, number: int, acknowledge: int) -> None:
    store = SqliteStore(path)
    while True:
        task = Task(id=str(number), name="x" * 3000, project="p")
        with store.transaction(durable=number % 3 == 0) as tx:
            assert tx.tasks.add(task)
            for part in range(PARTS):
                tx.outputs.add_artifact(
                    Artifact(task=task.id, name=str(part), format="f", type="t", hash="h" * 64, size=1, url="u")
                )
            tx.changes.append(task, ChangeKind.STATUS, "created", 1.0)
        os.write(acknowledge, struct.pack("I", number))
        number += 1


def written(store: SqliteStore) -> set[int]:
    """Return what is there; fail when something is there by half."""
    with store.transaction(writes=False) as tx:
        tasks = {int(task.id) for task in tx.tasks.list(ListTasks(limit=EVERYTHING))}
        changes = {int(change.task) for change in tx.changes.after(0, None, EVERYTHING)}
        parts = Counter(int(row[0]) for row in tx.tasks._session.rows("SELECT task FROM artifacts"))
    assert tasks == changes
    assert parts == dict.fromkeys(tasks, PARTS)
    return tasks


def check(path: Path) -> None:
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


@pytest.mark.uncovered
def test_killing_writers_loses_nothing_that_was_acknowledged_and_leaves_nothing_by_half(tmp_path: Path) -> None:
    path = tmp_path / "penstock.db"
    chance = random.Random(7)
    acknowledged: set[int] = set()
    for turn in range(ROUNDS):
        writers = [Writer(path, first=(2 * turn + place) * 100_000) for place in range(1 + turn % 2)]
        for writer in writers:
            time.sleep(chance.uniform(0.0, 0.03))  # when it strikes is left to chance
            acknowledged |= writer.kill()
        store = SqliteStore(path)
        assert acknowledged <= written(store)
        store.close()
        check(path)
    assert len(acknowledged) > ROUNDS


def test_a_writer_that_is_killed_does_not_hold_up_those_who_go_on(tmp_path: Path) -> None:
    path = tmp_path / "penstock.db"
    chance = random.Random(11)
    store = SqliteStore(path)
    acknowledged: set[int] = set()
    for turn in range(ROUNDS // 2):
        writer = Writer(path, first=turn * 100_000)
        time.sleep(chance.uniform(0.0, 0.02))
        acknowledged |= writer.kill()
        with store.transaction() as tx:
            tx.runs.next_number("p", "shared")
    assert acknowledged <= written(store)
    with store.transaction() as tx:
        assert tx.runs.next_number("p", "shared") == ROUNDS // 2 + 1
    store.close()
    check(path)
