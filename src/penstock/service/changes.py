"""What the operations on the change feed do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.core.run import Change
from penstock.ops.changes import LastChange, ListChanges
from penstock.service.base import handles

if TYPE_CHECKING:
    from penstock.ports import Tx


@handles(ListChanges)
def list_changes(tx: Tx, op: ListChanges, now: float) -> list[Change]:
    """Return changes; waiting for them is the service's part."""
    return tx.changes.after(op.after, op.run, op.limit)


@handles(LastChange)
def last_change(tx: Tx, op: LastChange, now: float) -> int:
    """Return where the feed stands."""
    return tx.changes.last()
