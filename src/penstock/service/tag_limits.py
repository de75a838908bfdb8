"""What the operations on limits of tags do. They are kept where tasks are claimed: in the statement that takes one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.core.errors import Invalid
from penstock.core.run import ChangeKind
from penstock.ops.tag_limits import ListTagLimits, RemoveTagLimit, SetTagLimit, TagLimit
from penstock.service.base import handles

if TYPE_CHECKING:
    from penstock.ports import Tx

LONGEST_TAG = 200
MOST = 1_000_000_000


@handles(ListTagLimits)
def list_tag_limits(tx: Tx, op: ListTagLimits, now: float) -> list[TagLimit]:
    """Return the limits."""
    return tx.tag_limits.list()


@handles(SetTagLimit)
def set_tag_limit(tx: Tx, op: SetTagLimit, now: float) -> TagLimit:
    """Set a limit."""
    if not 1 <= op.limit <= MOST:
        raise Invalid(f"{op.limit} is no limit for a tag", hint="1 is the least; without limit: penstock limit remove")
    if not op.tag.strip() or len(op.tag) > LONGEST_TAG or not op.tag.isprintable():
        hint = f"a tag with a limit has 1 to {LONGEST_TAG} characters, all of which can be printed"
        raise Invalid(f"{op.tag[:LONGEST_TAG]!r} can have no limit", hint=hint)
    tx.tag_limits.set(op.tag, op.limit, now)
    tx.changes.note(ChangeKind.LIMIT, op.tag, now)
    return next(one for one in tx.tag_limits.list() if one.tag == op.tag)


@handles(RemoveTagLimit)
def remove_tag_limit(tx: Tx, op: RemoveTagLimit, now: float) -> None:
    """Remove a limit."""
    tx.tag_limits.remove(op.tag)
    tx.changes.note(ChangeKind.LIMIT, op.tag, now)
