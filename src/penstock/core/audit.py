"""The audit log's chain: every row carries a digest of itself and of the row before, so that no row changes unseen.

Who may write the whole database can write a whole new chain. Against that helps a mark, `(seq, hash)` of the newest
row, that somebody noted elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

DONE: Final = "done"
BEGINNING: Final = ""
"""Stands for the hash of the row before the first."""


class Entry(Struct, frozen=True, kw_only=True):
    """One row of the audit log.

    Args:
        seq: 1, 2, 3, ... without a gap.
        at: Epoch seconds.
        who: Name of the user, the agent or the task that asked.
        kind: What sort of key they came with.
        key: Id of that key or session.
        address: Where the call came from.
        operation: Name of the operation.
        object: The id or name of what it was asked for.
        result: `done`, or the code of the error that refused it.
        digest: SHA-256 of the request, without its secrets.
        hash: SHA-256 of all of the above and of the hash before.
    """

    seq: int
    at: float
    who: str
    kind: str
    key: str
    address: str
    operation: str
    object: str
    result: str
    digest: str
    hash: str = ""


class Mark(Struct, frozen=True):
    """Where the chain ended at a time: the newest row's number and hash."""

    seq: int = 0
    hash: str = BEGINNING


def chained(before: str, entry: Entry) -> str:
    """Return the hash of an entry that follows on a row with the hash `before`."""
    *facts, _ = astuple(entry)
    return hashlib.sha256(msgspec.json.encode([before, *facts])).hexdigest()


def follow(mark: Mark, entries: Iterable[Entry]) -> tuple[Mark, str]:
    """Follow the chain from a mark through the rows that come after it.

    Returns:
        The mark of the last row that fits, and what is wrong with the next one; empty when all fit.
    """
    for entry in entries:
        if entry.seq != mark.seq + 1:
            return mark, f"row {mark.seq + 1} is missing: row {entry.seq} follows on row {mark.seq}"
        if entry.hash != chained(mark.hash, entry):
            return mark, f"row {entry.seq} is not what was written, or the row before it is not"
        mark = Mark(entry.seq, entry.hash)
    return mark, ""
