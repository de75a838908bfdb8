"""The change feed: one line for every change, in the transaction that made it."""

from __future__ import annotations

from penstock.core.run import Change, ChangeKind
from penstock.core.task import Status, Task, TaskType
from penstock.store.sql import Row, Session, Where

_ADD = """INSERT INTO changes (at, kind, task, run, step, attempt, status, message, place)
    VALUES"""
_OF_TASK = "EXISTS (SELECT 1 FROM tasks t WHERE t.id = changes.task AND {within})"


class SqlChanges:
    """The change feed."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def append(
        self, task: Task, kind: ChangeKind, status: str, now: float, *, step: str | None = None, message: str = ""
    ) -> None:
        """Add a line.

        It belongs to the run whose step the task is, or which the task itself is. An attempt is named only where the
        task is one: a `step` that is given here has no task of its own. A task that waits now names its queue.
        """
        self._session.append(
            _ADD,
            now,
            kind.value,
            task.id,
            _run_of(task),
            step or task.step,
            task.attempt if task.step is not None and step is None else 0,
            str(status),
            message,
            (task.queue or "") if status == Status.QUEUED and kind is ChangeKind.STATUS else "",
        )

    def note(self, kind: ChangeKind, place: str, now: float, task: Task | None = None) -> None:
        """Add a line about something that is no step of a run's way: a queue, an agent, what is said of a task."""
        about = ("", None, None, 0, "") if task is None else (
            task.id, _run_of(task), task.step, task.attempt, str(task.status)
        )  # fmt: skip
        self._session.append(_ADD, now, kind.value, *about, "", place)

    def after(self, seq: int, run: str | None, limit: int) -> list[Change]:
        """Return the changes after one, oldest first; of one run when it is given."""
        self._session.settle()
        where = Where()
        where.equal("run", run)
        where.after("seq", seq)
        where.within("t.project", self._session.projects, _OF_TASK)
        rows = self._session.rows(
            f"""SELECT seq, at, kind, task, run, step, attempt, status, message, place FROM changes {where}
                ORDER BY seq LIMIT ?""",
            *where.values,
            limit,
        )
        return [_change(row) for row in rows]

    def own(self) -> list[Change]:
        """Return the changes of this transaction, oldest first; nothing where they are many, or some were deleted."""
        self._session.settle()
        numbered = self._session.numbered
        is_whole = bool(numbered) and numbered[-1][0] - numbered[0][0] == len(numbered) - 1
        return [_change(row) for row in numbered] if is_whole else []

    def last(self) -> int:
        """Return the `seq` of the newest change, 0 when there is none."""
        self._session.settle()
        row = self._session.first("SELECT COALESCE(MAX(seq), 0) FROM changes")
        return int(row[0]) if row else 0


def _change(row: Row) -> Change:
    return Change(
        seq=row[0],
        at=row[1],
        kind=ChangeKind(row[2]),
        task=row[3],
        run=row[4],
        step=row[5],
        attempt=row[6],
        status=row[7],
        message=row[8],
        place=row[9],
    )


def _run_of(task: Task) -> str | None:
    """Return the run that a task is a part of, or is."""
    return task.run or (task.id if task.type is TaskType.CONTROLLER else None)
