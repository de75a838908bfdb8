"""What the operations on the change feed do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.core.run import Change, completed_attempts
from penstock.core.topics import Topics, of_run
from penstock.ops.changes import FollowRun, LastChange, ListChanges, RunNews
from penstock.service.base import handles, waits_until
from penstock.service.outputs import outputs_of

if TYPE_CHECKING:
    from penstock.ports import Tx


@handles(ListChanges)
def list_changes(tx: Tx, op: ListChanges, now: float) -> list[Change]:
    """Return changes."""
    return tx.changes.after(op.after, op.run, op.limit)


@handles(FollowRun)
def follow_run(tx: Tx, op: FollowRun, now: float) -> RunNews:
    """Return what is new."""
    changes = tx.changes.after(op.after, op.run, op.limit)
    completed = completed_attempts(changes)
    outputs = [outputs_of(tx, one) for one in completed] if len(completed) <= op.outputs else []
    return RunNews(changes=tuple(changes), outputs=tuple(outputs))


@waits_until(ListChanges)
def no_changes(tx: Tx, op: ListChanges, now: float) -> Topics | None:
    """Return what to wait for when there is no change after the one that is known."""
    return None if tx.changes.after(op.after, op.run, 1) else frozenset({of_run(op.run)})


@waits_until(FollowRun)
def no_news(tx: Tx, op: FollowRun, now: float) -> Topics | None:
    """Return what to wait for when nothing is new."""
    return no_changes(tx, ListChanges(after=op.after, run=op.run), now)


@handles(LastChange)
def last_change(tx: Tx, op: LastChange, now: float) -> int:
    """Return where the feed stands."""
    return tx.changes.last()
