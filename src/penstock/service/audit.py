"""What the operations on the audit log do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from penstock.core.audit import Entry, Mark, follow
from penstock.core.errors import Invalid
from penstock.ops.audit import CheckAudit, Checked, ListAudit
from penstock.service.base import handles

if TYPE_CHECKING:
    from penstock.ports import Tx

AT_ONCE = 1000  # rows that are held in memory


@handles(ListAudit)
def list_audit(tx: Tx, op: ListAudit, now: float) -> list[Entry]:
    """Return rows of the audit log."""
    if op.limit < 0:
        raise Invalid(f"at most {op.limit} rows make no sense", hint="give 0 or more")
    return tx.audit.list(op)


@handles(CheckAudit)
def check_audit(tx: Tx, op: CheckAudit, now: float) -> Checked:
    """Follow the chain from its beginning: through the mark that was noted, to where it is said to end."""
    mark, problem = Mark(), ""
    for entry in _entries(tx):
        mark, problem = follow(mark, (entry,))
        if problem:
            return Checked(mark=mark, problem=problem)
        if op.noted is not None and mark.seq == op.noted.seq and mark != op.noted:
            return Checked(mark=mark, problem=f"row {mark.seq} is another than when its hash was noted")
    end = tx.audit.end()
    if mark != end:
        problem = f"the log ends with row {mark.seq}, and was to end with row {end.seq}: what lies between is missing"
    elif op.noted is not None and mark.seq < op.noted.seq:
        problem = f"the log ends with row {mark.seq}, and row {op.noted.seq} was noted"
    return Checked(mark=mark, problem=problem)


def _entries(tx: Tx) -> Iterator[Entry]:
    """Return all rows, oldest first."""
    seq = -1
    while found := tx.audit.after(seq, AT_ONCE):
        yield from found
        seq = found[-1].seq
