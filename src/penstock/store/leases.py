"""Leases: who holds a claimed task, under which number and until when; and what an attempt is given."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from penstock.core.assignment import Assignment
from penstock.core.lease import Held, not_held
from penstock.core.task import ENDED
from penstock.ports.queues import Lease, Waiting
from penstock.store.sql import Row, Session, Where, marks

_LEASE = "fence, task, queue, agent, request, urgency, rank, takes_slot, lost, resumed, begun, ends"

_write = msgspec.msgpack.Encoder().encode
_read = msgspec.msgpack.Decoder(Assignment).decode


class SqlLeases:
    """The leases."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, waiting: Waiting, agent: str, request: str, ends: float) -> Lease:
        """Give a task that waited to an agent; return its lease."""
        row = self._session.first(
            f"""INSERT INTO leases ({_LEASE.removeprefix("fence, ")})
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?) RETURNING {_LEASE}""",
            waiting.task,
            waiting.queue,
            agent,
            request,
            waiting.urgency,
            waiting.rank,
            int(waiting.takes_slot),
            waiting.lost,
            int(waiting.resumed),
            ends,
        )
        assert row is not None  # noqa: S101 - an insert always returns its row
        return _lease_of(row)

    def of_request(self, request: str) -> Lease | None:
        """Return the lease that this request got, None when it got none or is not held any more."""
        row = self._session.first(f"SELECT {_LEASE} FROM leases WHERE request = ?", request)
        return None if row is None else _lease_of(row)

    def find(self, task: str) -> Lease | None:
        """Return the lease of a task, None when nobody holds it."""
        row = self._session.first(f"SELECT {_LEASE} FROM leases WHERE task = ?", task)
        return None if row is None else _lease_of(row)

    def hold(self, held: Held) -> Lease:
        """Return the lease, and keep others from taking it before this transaction ends; raise LeaseLost without it."""
        sql = f"UPDATE leases SET ends = ends WHERE fence = ? AND task = ? RETURNING {_LEASE}"
        row = self._session.first(sql, held.fence, held.task)
        if row is None:
            raise not_held(held)
        return _lease_of(row)

    def begin(self, fence: int, ends: float) -> None:
        """Record that the process of a task is being started, and let its lease last longer; none gets shorter."""
        self._session.run(
            "UPDATE leases SET begun = 1, ends = CASE WHEN ends < ? THEN ? ELSE ends END WHERE fence = ?",
            ends,
            ends,
            fence,
        )

    def renew(self, fence: int, ends: float) -> None:
        """Let a lease last longer; none gets shorter."""
        self._session.run("UPDATE leases SET ends = ? WHERE fence = ? AND ends < ?", ends, fence, ends)

    def shorten(self, agent: str, ends: float) -> None:
        """Let the leases of an agent on what it has not begun last no longer than until a moment in epoch seconds."""
        self._session.run("UPDATE leases SET ends = ? WHERE agent = ? AND begun = 0 AND ends > ?", ends, agent, ends)

    def end(self, task: str) -> None:
        """Let nobody hold a task any more."""
        self._session.run("DELETE FROM leases WHERE task = ?", task)

    def list(
        self, *, agent: str | None = None, tasks: Sequence[str] | None = None, ended: float | None = None
    ) -> list[Lease]:
        """Return the leases of an agent, of some tasks, or that have run out at a moment in epoch seconds."""
        where = Where()
        where.equal("agent", agent)
        where.among("task", tasks)
        if ended is not None:
            where.until("ends", ended)
        rows = self._session.rows(f"SELECT {_LEASE} FROM leases {where} ORDER BY fence", *where.values)
        return [_lease_of(row) for row in rows]

    def left_behind(self) -> Sequence[str]:
        """Return the runs in progress that a task made which has ended since, and that no agent holds."""
        rows = self._session.rows(
            f"""SELECT t.id FROM tasks t JOIN tasks p ON p.id = t.parent
                WHERE t.type = 'controller' AND t.status = 'in_progress' AND p.status IN ({marks(tuple(ENDED))})
                AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.task = p.id)
                AND NOT EXISTS (SELECT 1 FROM leases WHERE leases.task = t.id)""",
            *ENDED,
        )
        return [str(row[0]) for row in rows]


class SqlAssignments:
    """What attempts are given."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def set(self, task: str, assignment: Assignment) -> None:
        """Record what an attempt is given."""
        sql = """INSERT INTO assignments (task, data) VALUES (?, ?)
            ON CONFLICT (task) DO UPDATE SET data = excluded.data"""
        self._session.run(sql, task, _write(assignment))

    def find(self, task: str) -> Assignment | None:
        """Return what an attempt is given, None when it needs nothing."""
        row = self._session.first("SELECT data FROM assignments WHERE task = ?", task)
        return None if row is None else _read(row[0])

    def remove(self, task: str) -> None:
        """Forget what an attempt is given."""
        self._session.run("DELETE FROM assignments WHERE task = ?", task)


def _lease_of(row: Row) -> Lease:
    fence, task, queue, agent, request, urgency, rank, takes_slot, lost, resumed, begun, ends = row
    waited = Waiting(
        task=task,
        queue=queue,
        urgency=urgency,
        rank=rank,
        takes_slot=bool(takes_slot),
        lost=lost,
        resumed=bool(resumed),
    )
    held = Held(task, fence)
    return Lease(held=held, waited=waited, agent=agent, request=request, begun=bool(begun), ends=ends)
