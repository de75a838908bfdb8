"""What the operations on the change feed do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.core.run import Change
from penstock.ops.changes import LastChange, ListChanges
from penstock.service.base import handles, waits_until

if TYPE_CHECKING:
    from penstock.ports import Tx


@handles(ListChanges)
def list_changes(tx: Tx, op: ListChanges, now: float) -> list[Change]:
    """Return changes."""
    return tx.changes.after(op.after, op.run, op.limit)


@waits_until(ListChanges)
def has_changes(tx: Tx, op: ListChanges, now: float) -> bool:
    """Return whether there is a change after the one that is known."""
    return bool(tx.changes.after(op.after, op.run, 1))


@handles(LastChange)
def last_change(tx: Tx, op: LastChange, now: float) -> int:
    """Return where the feed stands."""
    return tx.changes.last()
