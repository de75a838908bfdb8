"""What the operations on the change feed do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.core.run import Change
from penstock.core.topics import Topics, of_run
from penstock.ops.changes import LastChange, ListChanges
from penstock.service.base import handles, waits_until

if TYPE_CHECKING:
    from penstock.ports import Tx


@handles(ListChanges)
def list_changes(tx: Tx, op: ListChanges, now: float) -> list[Change]:
    """Return changes."""
    return tx.changes.after(op.after, op.run, op.limit)


@waits_until(ListChanges)
def no_changes(tx: Tx, op: ListChanges, now: float) -> Topics | None:
    """Return what to wait for when there is no change after the one that is known."""
    return None if tx.changes.after(op.after, op.run, 1) else frozenset({of_run(op.run)})


@handles(LastChange)
def last_change(tx: Tx, op: LastChange, now: float) -> int:
    """Return where the feed stands."""
    return tx.changes.last()
