"""Operations on the audit log."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from penstock.core.audit import Entry, Mark
from penstock.ops.base import Op


class ListAudit(Op[list[Entry]], frozen=True, kw_only=True):
    """Return rows of the audit log, the newest first. A filter that is None does not count.

    Args:
        who: Only what this user, agent or task asked for.
        operation: Only this operation, as in `DeleteRun`.
        object: Only what was about this id or name.
        key: Only what was asked with the key or the session of this id.
        refused: Only what was refused, or only what was done.
        before: Only rows with a smaller `seq`.
        limit: At most this many.
    """

    who: str | None = None
    operation: str | None = None
    object: str | None = None
    key: str | None = None
    refused: bool | None = None
    before: int | None = None
    limit: int = 50
    reads: ClassVar[bool] = True


class Checked(Struct, frozen=True, kw_only=True):
    """What a check of the audit log found.

    Args:
        mark: Of the last row up to which all is as it was written.
        problem: What is wrong behind it; empty when nothing is.
    """

    mark: Mark
    problem: str = ""


class CheckAudit(Op[Checked], frozen=True, kw_only=True):
    """Follow the chain of the audit log from its beginning and say where it breaks.

    Args:
        noted: A mark that an earlier check gave and that was kept elsewhere: the chain has to pass through it.
    """

    noted: Mark | None = None
    reads: ClassVar[bool] = True
