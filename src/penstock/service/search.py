"""What the operations for lists that people look through do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.core.search import OF_RUNS, OF_TASKS, check_search
from penstock.ops.search import RunPage, SearchRuns, SearchTasks, TaskPage
from penstock.service.base import handles

if TYPE_CHECKING:
    from penstock.ports import Tx


@handles(SearchRuns)
def search_runs(tx: Tx, op: SearchRuns, now: float) -> RunPage:
    """Return a page of runs."""
    check_search(OF_RUNS, op.where, op.sort, op.columns, op.limit)
    return tx.search.runs(op)


@handles(SearchTasks)
def search_tasks(tx: Tx, op: SearchTasks, now: float) -> TaskPage:
    """Return a page of tasks."""
    check_search(OF_TASKS, op.where, op.sort, op.columns, op.limit)
    return tx.search.tasks(op)
