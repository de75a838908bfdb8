"""Limits of tags: what they are, what they hold back, and the condition under which a task that waits may be taken."""

from __future__ import annotations

from typing import Final

from penstock.ops.tag_limits import TagLimit
from penstock.store.sql import Session

_WITH_TAG: Final = "JOIN task_tags k ON k.task = x.task WHERE k.tag = m.tag AND x.takes_slot = 1"

# The limits lead: they are few, and where there are none no lease is looked at, neither here nor by PostgreSQL when it
# keeps two that claim from going by each other.
_FULL: Final = """SELECT m.tag FROM tag_limits m
    WHERE (SELECT COUNT(*) FROM leases l WHERE l.takes_slot = 1
        AND EXISTS (SELECT 1 FROM task_tags h WHERE h.task = l.task AND h.tag = m.tag)) >= m.most"""

MAY_BE_TAKEN: Final = f"""(e.takes_slot = 0 OR NOT EXISTS (SELECT 1 FROM tag_limits) OR NOT EXISTS (
    SELECT 1 FROM task_tags k WHERE k.task = e.task AND k.tag IN ({_FULL})))"""
"""Of an entry `e` of a queue: none of its tags is at its limit."""


class SqlTagLimits:
    """The limits of tags."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def list(self) -> list[TagLimit]:
        """Return the limits by tag."""
        rows = self._session.rows(
            f"""SELECT m.tag, m.most, m.created, (SELECT COUNT(*) FROM leases x {_WITH_TAG}),
                (SELECT COUNT(*) FROM queue_entries x {_WITH_TAG}) FROM tag_limits m ORDER BY m.tag"""
        )
        return [
            TagLimit(tag=tag, limit=most, created=created, running=running, waiting=waiting)
            for tag, most, created, running, waiting in rows
        ]

    def set(self, tag: str, limit: int, now: float) -> None:
        """Set the limit of a tag."""
        sql = """INSERT INTO tag_limits (tag, most, created) VALUES (?, ?, ?)
            ON CONFLICT (tag) DO UPDATE SET most = excluded.most"""
        self._session.run(sql, tag, limit, now)

    def remove(self, tag: str) -> None:
        """Remove the limit of a tag; raise NotFound when it has none."""
        self._session.change(f"limit for tag {tag!r}", "DELETE FROM tag_limits WHERE tag = ?", tag)
