"""A task with its change: two rows that are written together or not at all, and how many of each there are."""

from __future__ import annotations

from penstock.core.run import ChangeKind
from penstock.core.task import Task
from penstock.ops.tasks import ListTasks
from penstock.store.transaction import SqlTx

TASK = Task(id="t", name="train", project="p")
EVERYTHING = 1_000_000


def add_two(tx: SqlTx, id: str) -> None:
    """Write to two tables what belongs together."""
    task = Task(id=id, name="train", project="p")
    tx.tasks.add(task)
    tx.changes.append(task, ChangeKind.STATUS, "created", 1.0)


def count(store) -> tuple[int, int]:
    """Return how many tasks and how many changes a store holds."""
    with store.transaction(writes=False) as tx:
        return len(tx.tasks.list(ListTasks(limit=EVERYTHING))), len(tx.changes.after(0, None, EVERYTHING))
