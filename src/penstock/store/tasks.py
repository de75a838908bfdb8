"""Tasks, their parameters and configuration objects, and projects.

A status changes in one statement that names the statuses it may change from. There is no other way to change it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice

from penstock.core.errors import NotFound
from penstock.core.run import ARCHIVED
from penstock.core.tags import TagFilter
from penstock.core.task import (
    ENDED,
    JUDGED,
    RESETTABLE,
    Container,
    EndReason,
    Script,
    Status,
    Task,
    TaskType,
    Worker,
    origins,
)
from penstock.ops.tasks import ListTasks
from penstock.store.letters import REMOVE, put_down
from penstock.store.sql import Row, Session, Value, Where, marks, reader, slices, text

COLUMNS = (
    "t.id, t.name, t.project, t.type, t.status, t.reason, t.message, t.parent, t.run, t.step, t.attempt, t.user_name, "
    "t.comment, t.tags, t.system_tags, t.script, t.container, t.queue, t.output_uri, t.worker, t.runtime, t.created, "
    "t.started, t.ended"
)
"""The columns of `tasks t` that `task_of` reads."""

BRIEF = COLUMNS.replace("t.script", "'{}'")
"""The same without scripts."""

FIRST_OF_TAG = 200
"""Characters of a tag by which tasks with it are found."""

_NAMES = COLUMNS.replace("t.", "")
_ADD = f"""INSERT INTO tasks ({_NAMES}, archived) VALUES ({marks(_NAMES.split(", "))}, ?)
    ON CONFLICT (id) DO NOTHING"""

_strings = reader(tuple[str, ...])
_facts = reader(dict[str, str])
_script = reader(Script)
_container = reader(Container)
_worker = reader(Worker)


def task_of(row: Row) -> Task:
    """Return the task of a row of `COLUMNS`."""
    return Task(
        id=row[0],
        name=row[1],
        project=row[2],
        type=TaskType(row[3]),
        status=Status(row[4]),
        reason=EndReason(row[5]) if row[5] else None,
        message=row[6],
        parent=row[7],
        run=row[8],
        step=row[9],
        attempt=row[10],
        user=row[11],
        comment=row[12],
        tags=_strings(row[13]),
        system_tags=_strings(row[14]),
        script=_script(row[15]),
        container=_container(row[16]) if row[16] else None,
        queue=row[17],
        output_uri=row[18],
        worker=_worker(row[19]) if row[19] else None,
        runtime=_facts(row[20]),
        created=row[21],
        started=row[22],
        ended=row[23],
    )


def _row_of(task: Task) -> tuple[Value, ...]:
    return (
        task.id,
        task.name,
        task.project,
        task.type.value,
        task.status.value,
        task.reason.value if task.reason else None,
        task.message,
        task.parent,
        task.run,
        task.step,
        task.attempt,
        task.user,
        task.comment,
        text(task.tags),
        text(task.system_tags),
        text(task.script),
        text(task.container) if task.container else None,
        task.queue,
        task.output_uri,
        text(task.worker) if task.worker else None,
        text(task.runtime),
        task.created,
        task.started,
        task.ended,
    )


def _move_to(to: Status) -> str:
    """Return the one statement that changes a status to this one, where the present status allows it."""
    changes = [f"status = '{to.value}'"]
    if to in _STAMPS:
        changes.append(f"{_STAMPS[to]} = ?")
    if to is not Status.PUBLISHED:
        changes.append("reason = ?, message = ?")
    return f"UPDATE tasks SET {', '.join(changes)} WHERE id = ? AND status IN ({_among(origins(to))})"


def _among(statuses: Iterable[Status]) -> str:
    return ", ".join(f"'{status.value}'" for status in sorted(statuses))


_STAMPS = {Status.IN_PROGRESS: "started"} | dict.fromkeys(ENDED - {Status.PUBLISHED}, "ended")
_JUDGED = {to: origins(to, JUDGED) for to in JUDGED}
_MOVES = {to: _move_to(to) for to in Status if origins(to)}

_FORGET = (
    *(f"DELETE FROM {table} WHERE task IN ({{values}})" for table in ("queue_entries", "leases", "assignments")),
    "DELETE FROM scalar_chunks WHERE series IN (SELECT id FROM scalar_series WHERE task IN ({values}))",
    "DELETE FROM scalar_series WHERE task IN ({values})",
    "DELETE FROM console WHERE task IN ({values})",
    "DELETE FROM plots WHERE task IN ({values})",
    # A model goes with the last task that has it, unless it came from elsewhere or is published.
    """DELETE FROM models WHERE published IS NULL AND task <> ''
        AND id IN (SELECT model FROM model_links WHERE task IN ({values}))
        AND NOT EXISTS (SELECT 1 FROM model_links l WHERE l.model = models.id AND l.task NOT IN ({values}))""",
    "DELETE FROM model_links WHERE task IN ({values})",
    "DELETE FROM artifacts WHERE task IN ({values})",
)
_DELETE = (
    *_FORGET,
    "DELETE FROM configurations WHERE task IN ({values})",
    "DELETE FROM parameters WHERE task IN ({values})",
    "DELETE FROM secrets WHERE task IN ({values})",
    "DELETE FROM decisions WHERE run IN ({values})",
    """DELETE FROM key_parts WHERE key IN (SELECT key FROM executions WHERE task IN ({values}))
        AND NOT EXISTS (SELECT 1 FROM executions e WHERE e.key = key_parts.key AND e.task NOT IN ({values}))""",
    "DELETE FROM executions WHERE task IN ({values})",
    "DELETE FROM steps WHERE run IN ({values})",
    "DELETE FROM runs WHERE task IN ({values})",
    # Their changes lie under the run, or under none. That they were deleted stays in the feed for those who follow it.
    "DELETE FROM changes WHERE kind <> 'deleted' AND task IN ({values}) AND run IS NULL",
    """DELETE FROM changes WHERE kind <> 'deleted' AND task IN ({values})
        AND run IN (SELECT COALESCE(run, id) FROM tasks WHERE id IN ({values}))""",
    "DELETE FROM task_tags WHERE task IN ({values})",
    REMOVE,
    "DELETE FROM tasks WHERE id IN ({values})",
)
_DESCRIBED = (
    *("name", "comment", "tags", "container", "script", "project", "parent", "type", "queue", "output_uri"),
    "runtime",
)
_HASHES = """SELECT hash FROM artifacts WHERE {column} IN ({values})
    UNION SELECT m.hash FROM models m LEFT JOIN model_links l ON l.model = m.id WHERE {column of models} IN ({values})
    UNION SELECT hash FROM plots WHERE hash IS NOT NULL AND {column} IN ({values})"""


def _fits(wanted: ListTasks, name: str, tags: str) -> bool:
    """Return whether a task passes the filters that the database does not know."""
    named = wanted.pattern is None or re.search(wanted.pattern, name) is not None
    return named and TagFilter.of(wanted.tags).fits(_strings(tags))


class SqlTasks:
    """The tasks."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, task: Task) -> bool:
        """Add a task; return False, and change nothing, when one of its id is there."""
        added = self._session.run(_ADD, *_row_of(task), int(ARCHIVED in task.system_tags)).rowcount == 1
        if added:
            self._list_tags(task)
            if task.run is None:
                put_down(self._session, task.id)
        return added

    def find(self, id: str) -> Task | None:
        """Return the task, None when there is none of this id."""
        row = self._session.first(f"SELECT {COLUMNS} FROM tasks t WHERE t.id = ?", id)
        return None if row is None else task_of(row)

    def get(self, id: str) -> Task:
        """Return the task; raise NotFound when there is none of this id."""
        found = self.find(id)
        if found is None:
            raise NotFound(f"there is no task {id}")
        return found

    def status(self, id: str) -> Status:
        """Return where the task stands, without reading the rest of it."""
        row = self._session.first("SELECT status FROM tasks WHERE id = ?", id)
        if row is None:
            raise NotFound(f"there is no task {id}")
        return Status(row[0])

    def move(self, id: str, to: Status, *, now: float, reason: EndReason | None = None, message: str = "") -> bool:
        """Change the status in one guarded statement; return False when the present status does not allow it."""
        values: list[Value] = [now] if to in _STAMPS else []
        if to is not Status.PUBLISHED:
            values += [reason.value if reason else None, message]
        if self._session.run(_MOVES[to], *values, id).rowcount == 1:
            return True
        if self._session.first("SELECT 1 FROM tasks WHERE id = ?", id) is None:
            raise NotFound(f"there is no task {id}")
        return False

    def wait_again(self, id: str) -> None:
        """Let a task that was claimed wait in its queue again."""
        sql = """UPDATE tasks SET status = 'queued', worker = NULL, started = NULL, reason = NULL, message = ''
            WHERE id = ? AND status = 'in_progress'"""
        self._session.change(f"task {id} in progress", sql, id)

    def judge(self, id: str, to: Status, *, reason: EndReason | None, message: str) -> bool:
        """Change how a task ended, where `JUDGED` allows it; return False when it does not."""
        sql = f"UPDATE tasks SET status = ?, reason = ?, message = ? WHERE id = ? AND status IN ({_among(_JUDGED[to])})"
        return self._session.run(sql, to.value, reason.value if reason else None, message, id).rowcount == 1

    def complete(self, id: str, runtime: Mapping[str, str], now: float) -> None:
        """Complete a draft for which nothing has to run: another task stands for it."""
        sql = """UPDATE tasks SET status = 'completed', started = ?, ended = ?, runtime = ?
            WHERE id = ? AND status = 'created'"""
        self._session.change(f"draft {id}", sql, now, now, text(runtime), id)

    def reopen(self, id: str, among: Collection[Status], *, seen: Worker | None, worker: Worker) -> bool:
        """Let a task go on in another process; return False when it is not that of the process that was seen."""
        found = self._session.first("SELECT worker FROM tasks WHERE id = ?", id)
        if found is None or (_worker(found[0]) if found[0] else None) != seen:
            return False
        # The text that was read guards the row. It says who the worker is in the words of the version that wrote it.
        sql = f"""UPDATE tasks SET status = 'in_progress', worker = ?, ended = NULL, reason = NULL, message = ''
            WHERE id = ? AND status IN ({_among(among)}) AND COALESCE(worker, '') = ?"""
        return self._session.run(sql, text(worker), id, found[0] or "").rowcount == 1

    def requeue(self, id: str, among: Collection[Status], queue: str) -> bool:
        """Let a task that has ended wait in a queue; return False when it does not stand where it may."""
        sql = f"""UPDATE tasks SET status = 'queued', queue = ?, worker = NULL, ended = NULL, reason = NULL,
            message = '' WHERE id = ? AND status IN ({_among(among)})"""
        return self._session.run(sql, queue, id).rowcount == 1

    def note(self, id: str, runtime: Mapping[str, str]) -> None:
        """Replace the small facts that the system keeps with the task."""
        self._session.change(f"task {id}", "UPDATE tasks SET runtime = ? WHERE id = ?", text(runtime), id)

    def tag(self, id: str, system_tags: tuple[str, ...]) -> None:
        """Replace the system tags."""
        sql = "UPDATE tasks SET system_tags = ?, archived = ? WHERE id = ?"
        self._session.change(f"task {id}", sql, text(system_tags), int(ARCHIVED in system_tags), id)

    def claim(self, id: str, worker: Worker) -> None:
        """Record which process carries the task out."""
        self._session.change(f"task {id}", "UPDATE tasks SET worker = ? WHERE id = ?", text(worker), id)

    def rename(self, id: str, name: str) -> None:
        """Give the task another name."""
        self._session.change(f"task {id}", "UPDATE tasks SET name = ? WHERE id = ?", name, id)
        put_down(self._session, id)

    def adopt(self, id: str, run: str, step: str, attempt: int) -> None:
        """Make the task an attempt of a step."""
        sql = "UPDATE tasks SET run = ?, step = ?, attempt = ? WHERE id = ?"
        self._session.change(f"task {id}", sql, run, step, attempt, id)
        put_down(self._session, id)

    def release(self, id: str) -> None:
        """Make a task of its own again of one that was adopted."""
        sql = "UPDATE tasks SET run = NULL, step = NULL, attempt = 1, parent = NULL WHERE id = ?"
        self._session.change(f"task {id}", sql, id)
        put_down(self._session, id)

    def describe(self, task: Task) -> None:
        """Replace what people say of a task by what the record says."""
        row: dict[str, Value] = dict(zip(_NAMES.split(", "), _row_of(task), strict=True))
        sql = f"UPDATE tasks SET {', '.join(f'{name} = ?' for name in _DESCRIBED)} WHERE id = ?"
        self._session.change(f"task {task.id}", sql, *(row[name] for name in _DESCRIBED), task.id)
        self._session.run("DELETE FROM task_tags WHERE task = ?", task.id)
        self._list_tags(task)
        if task.run is None:
            put_down(self._session, task.id)

    def reset(self, id: str) -> list[str]:
        """Make a draft of a task that recorded nothing; return the hashes of blobs that nothing refers to any more."""
        unused = self._remove([id], _FORGET)
        sql = f"""UPDATE tasks SET status = 'created', started = NULL, ended = NULL, worker = NULL, reason = NULL,
            message = '' WHERE id = ? AND status IN ({_among(RESETTABLE)})"""
        self._session.change(f"task {id}", sql, id)
        return unused

    def delete(self, ids: Sequence[str]) -> list[str]:
        """Delete tasks with all that they recorded; return the hashes of blobs that nothing refers to any more."""
        self._session.settle()  # their changes go as well, those of this transaction too
        self._session.numbered.clear()
        return self._remove(ids, _DELETE)

    def referred(self, hashes: Sequence[str]) -> set[str]:
        """Return those of these hashes of blobs that something refers to."""
        return self._hashes("hash", hashes)

    def _list_tags(self, task: Task) -> None:
        tags = dict.fromkeys(tag[:FIRST_OF_TAG] for tag in task.tags)
        if tags:
            sql = "INSERT INTO task_tags (task, tag) VALUES (?, ?)"
            self._session.run_many(sql, [(task.id, tag) for tag in tags])

    def _remove(self, ids: Sequence[str], statements: Sequence[str]) -> list[str]:
        theirs = self._hashes("task", ids)
        for some in slices(ids):
            for sql in statements:
                count = sql.count("{values}")
                self._session.run(sql.replace("{values}", marks(some)), *(list(some) * count))
        return sorted(theirs - self._hashes("hash", sorted(theirs)))

    def list(self, wanted: ListTasks) -> list[Task]:
        """Return the tasks that the filters let through: of a run oldest first, else newest first."""
        where = Where()
        where.equal("t.run", wanted.run)
        where.equal("t.step", wanted.step)
        where.equal("t.name", wanted.name)
        where.equal("t.project", wanted.project)
        where.within("t.project", self._session.projects)
        where.equal("t.parent", wanted.parent)
        where.equal("t.type", wanted.type and wanted.type.value)
        where.begins("t.id", wanted.beginning)
        where.among("t.id", wanted.ids)
        where.among("t.status", wanted.statuses and [status.value for status in wanted.statuses])
        if wanted.archived is not None:
            where.equal("+t.archived", int(wanted.archived))  # no index is to be chosen for it
        if wanted.alone is not None:
            run = "EXISTS (SELECT 1 FROM runs r WHERE r.task = t.id)"
            where.holds(f"t.run IS NULL AND NOT {run}" if wanted.alone else f"(t.run IS NOT NULL OR {run})")
        order = "DESC" if wanted.run is None else "ASC"
        if wanted.pattern is None and not wanted.tags:
            sql = f"SELECT {COLUMNS} FROM tasks t {where} ORDER BY t.position {order} LIMIT ?"
            return [task_of(row) for row in self._session.rows(sql, *where.values, wanted.limit)]
        rows = self._session.rows(
            f"SELECT t.id, t.name, t.tags FROM tasks t {where} ORDER BY t.position {order}", *where.values
        )
        fitting = (id for id, name, tags in rows if _fits(wanted, name, tags))
        chosen = list(islice(fitting, min(wanted.limit, sys.maxsize)))
        by_id = self.of(chosen)
        return [by_id[id] for id in chosen]

    def of(self, ids: Sequence[str], columns: str = COLUMNS) -> dict[str, Task]:
        """Return the tasks of these ids that are there, by id."""
        found = self._session.rows_among(f"SELECT {columns} FROM tasks t WHERE t.id IN ({{values}})", ids)
        return {row[0]: task_of(row) for row in found}

    def _hashes(self, column: str, values: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for some in slices(values):
            sql = _HASHES.replace("{column}", column).replace("{values}", marks(some))
            sql = sql.replace("{column of models}", "l.task" if column == "task" else "m.hash")
            found.update(row[0] for row in self._session.rows(sql, *some, *some, *some))
        return found - {""}
