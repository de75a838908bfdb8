"""Queues, and what waits in them: the next one is taken by one statement, whoever else takes at the same moment."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.core.errors import Conflict, NotFound
from penstock.core.task import TaskType
from penstock.ops.queues import Entry, Queue
from penstock.ports.queues import Waiting
from penstock.store.sql import Row, Session, Where
from penstock.store.tag_limits import MAY_BE_TAKEN

_QUEUE = """q.name, q.paused, q.most, q.created, (SELECT COUNT(*) FROM queue_entries e WHERE e.queue = q.name),
    (SELECT COUNT(*) FROM leases l WHERE l.queue = q.name),
    (SELECT MIN(e.since) FROM queue_entries e WHERE e.queue = q.name)"""
_WAITING = "task, queue, urgency, rank, takes_slot, lost, resumed, since"
_ORDER = "urgency, rank, task"


class SqlQueues:
    """The queues."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def list(self, names: Sequence[str] | None = None) -> list[Queue]:
        """Return the queues by name, without how many agents serve them."""
        where = Where()
        where.among("q.name", names)
        rows = self._session.rows(f"SELECT {_QUEUE} FROM queues q {where} ORDER BY q.name", *where.values)
        return [_queue_of(row) for row in rows]

    def get(self, name: str) -> Queue:
        """Return the queue; raise NotFound, naming those that are there, when there is none of this name."""
        found = self.list([name])
        if not found:
            known = ", ".join(repr(name) for (name,) in self._session.rows("SELECT name FROM queues ORDER BY name"))
            hint = f"there are {known}; create one with: penstock queue create NAME"
            raise NotFound(f"there is no queue {name!r}", hint=hint)
        return found[0]

    def add(self, name: str, limit: int | None, now: float) -> None:
        """Add a queue, unless it is there."""
        sql = "INSERT INTO queues (name, paused, most, created) VALUES (?, 0, ?, ?) ON CONFLICT (name) DO NOTHING"
        self._session.run(sql, name, limit, now)

    def change(self, name: str, *, paused: bool, limit: int | None) -> None:
        """Pause a queue or let it go on, and limit it."""
        sql = "UPDATE queues SET paused = ?, most = ? WHERE name = ?"
        self._session.change(f"queue {name!r}", sql, int(paused), limit, name)

    def rename(self, name: str, new: str) -> None:
        """Give a queue another name, with all that waits in it or came from it."""
        if self._session.first("SELECT 1 FROM queues WHERE name = ?", new) is not None:
            raise Conflict(f"there is a queue {new!r} already")
        self._session.change(f"queue {name!r}", "UPDATE queues SET name = ? WHERE name = ?", new, name)
        waiting = "UPDATE tasks SET queue = ? WHERE id IN (SELECT task FROM queue_entries WHERE queue = ?)"
        self._session.run(waiting, new, name)
        for table in ("queue_entries", "leases"):
            self._session.run(f"UPDATE {table} SET queue = ? WHERE queue = ?", new, name)

    def remove(self, name: str) -> None:
        """Remove a queue in which nothing waits."""
        self._session.change(f"queue {name!r}", "DELETE FROM queues WHERE name = ?", name)


class SqlEntries:
    """What waits in the queues."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, waiting: Waiting) -> None:
        """Let a task wait; one that waits somewhere gets this place instead."""
        self.remove(waiting.task)
        rank = waiting.rank
        if rank is None:
            rank = self._edge("MAX", waiting.queue, waiting.urgency) + 1
        self._session.run(
            f"INSERT INTO queue_entries ({_WAITING}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            waiting.task,
            waiting.queue,
            waiting.urgency,
            rank,
            int(waiting.takes_slot),
            waiting.lost,
            int(waiting.resumed),
            waiting.since,
        )

    def remove(self, task: str) -> None:
        """Let a task wait no more, where it does."""
        self._session.run("DELETE FROM queue_entries WHERE task = ?", task)

    def find(self, task: str) -> Waiting | None:
        """Return where the task waits, None when it does not."""
        row = self._session.first(f"SELECT {_WAITING} FROM queue_entries WHERE task = ?", task)
        return None if row is None else _waiting_of(row)

    def has_next(self, queues: Sequence[str], *, slots: bool) -> bool:
        """Return whether something waits in these queues that could be taken."""
        return any(self._session.first(_next(slots=slots), queue) is not None for queue in queues)

    def has_any(self, queues: Sequence[str], *, slots: bool) -> bool:
        """Return whether something waits in these queues, whether it could be taken or not; see `take`."""
        sql = f"SELECT 1 FROM queue_entries WHERE queue = ? {'' if slots else 'AND takes_slot = 0'}"
        return any(self._session.first(sql, queue) for queue in queues)

    def take(self, queue: str, *, slots: bool) -> Waiting | None:
        """Take the next task out of a queue, None when nothing can be taken.

        Args:
            slots: Whether tasks that take a slot of an agent may be taken, too.
        """
        chosen = f"{_next(slots=slots)} {self._session.dialect.skip_locked}"
        row = self._session.first(f"DELETE FROM queue_entries WHERE task = ({chosen}) RETURNING {_WAITING}", queue)
        return None if row is None else _waiting_of(row)

    def list(self, queue: str, limit: int) -> list[Entry]:
        """Return what waits in a queue, next first."""
        where = Where()
        where.equal("e.queue", queue)
        where.within("t.project", self._session.projects)
        rows = self._session.rows(
            f"""SELECT e.task, t.name, t.type, e.queue, e.urgency, e.since, t.run, t.step
                FROM queue_entries e JOIN tasks t ON t.id = e.task {where}
                ORDER BY e.urgency, e.rank, e.task LIMIT ?""",
            *where.values,
            limit,
        )
        return [
            Entry(
                task=row[0],
                name=row[1],
                type=TaskType(row[2]),
                queue=row[3],
                priority=-row[4],
                since=row[5],
                run=row[6],
                step=row[7],
            )
            for row in rows
        ]

    def before(self, queue: str, urgency: int) -> float:
        """Return the rank of the place before all others of this urgency."""
        return self._edge("MIN", queue, urgency) - 1

    def order(self, queue: str) -> Sequence[tuple[str, int]]:
        """Return what waits in a queue, next first, each task with its urgency."""
        sql = f"SELECT task, urgency FROM queue_entries WHERE queue = ? ORDER BY {_ORDER}"
        return [(task, urgency) for task, urgency in self._session.rows(sql, queue)]

    def rank(self, tasks: Sequence[tuple[str, int]]) -> None:
        """Let tasks of one queue wait in this order, with these urgencies."""
        sql = "UPDATE queue_entries SET urgency = ?, rank = ? WHERE task = ?"
        self._session.run_many(sql, [(urgency, rank, task) for rank, (task, urgency) in enumerate(tasks)])

    def _edge(self, which: str, queue: str, urgency: int) -> float:
        sql = f"SELECT {which}(rank) FROM queue_entries WHERE queue = ? AND urgency = ?"
        row = self._session.first(sql, queue, urgency)
        return float(row[0]) if row is not None and row[0] is not None else 0.0


def _next(*, slots: bool) -> str:
    """Return the query for the next task of a queue that is not paused, where neither it nor a tag is at its limit."""
    return f"""SELECT e.task FROM queue_entries e JOIN queues q ON q.name = e.queue
        WHERE e.queue = ? AND q.paused = 0 {"" if slots else "AND e.takes_slot = 0"}
        AND (q.most IS NULL OR (SELECT COUNT(*) FROM leases l WHERE l.queue = q.name) < q.most)
        AND {MAY_BE_TAKEN}
        ORDER BY e.urgency, e.rank, e.task LIMIT 1"""


def _queue_of(row: Row) -> Queue:
    name, paused, most, created, waiting, running, oldest = row
    return Queue(
        name=name,
        paused=bool(paused),
        limit=most,
        waiting=waiting,
        running=running,
        oldest=oldest,
        created=created,
    )


def _waiting_of(row: Row) -> Waiting:
    task, queue, urgency, rank, takes_slot, lost, resumed, since = row
    return Waiting(
        task=task,
        queue=queue,
        urgency=urgency,
        rank=rank,
        takes_slot=bool(takes_slot),
        lost=lost,
        resumed=bool(resumed),
        since=since,
    )
