"""Runs of pipelines and the steps in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from penstock.core.errors import Conflict, NotFound
from penstock.core.pipeline import Pipeline, Step
from penstock.core.progress import StepStatus
from penstock.core.run import Run, StepState
from penstock.ops.runs import ListRuns
from penstock.ops.steps import StepDecision
from penstock.store.letters import put_down
from penstock.store.sql import Row, Session, Where, text_of_values, values_of_text
from penstock.store.tasks import COLUMNS, task_of

_RUN = f"r.pipeline, r.project, r.number, r.version, r.stop_asked, {COLUMNS}"
_FROM = "FROM runs r JOIN tasks t ON t.id = r.task"
_NEWEST_FIRST = "ORDER BY r.created DESC, t.position DESC"

_ID: Final = 32
_BEGINNING_OF_ID = re.compile(r"[0-9a-f]{4,32}", re.IGNORECASE)
_NUMBERED = re.compile(r"(?P<pipeline>.+?) ?#(?P<number>[0-9]{1,18})", re.DOTALL)


def _run_of(row: Row, counts: dict[str, int]) -> Run:
    pipeline, project, number, version, stop_asked, *task = row
    return Run(
        task=task_of(tuple(task)),
        pipeline=pipeline,
        project=project,
        number=number,
        version=version,
        stop_asked=stop_asked,
        counts=counts,
    )


class SqlRuns:
    """The runs of pipelines, apart from their tasks."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, id: str, project: str, pipeline: str) -> None:
        """Make the task of this id a run, as a draft."""
        self._session.change(
            f"task {id}",
            """INSERT INTO runs (task, project, pipeline, number, version, code_hash, created)
                SELECT id, ?, ?, 0, '', '', created FROM tasks WHERE id = ?""",
            project,
            pipeline,
            id,
        )
        put_down(self._session, id)

    def has(self, id: str) -> bool:
        """Return whether the task stands for a run."""
        return self._session.first("SELECT 1 FROM runs WHERE task = ?", id) is not None

    def get(self, id: str) -> Run:
        """Return the run; raise NotFound when there is none of this id."""
        row = self._session.first(f"SELECT {_RUN} {_FROM} WHERE r.task = ?", id)
        if row is None:
            raise NotFound(f"there is no run {id}")
        return _run_of(row, self._counts([id]).get(id, {}))

    def of(self, ids: Sequence[str], columns: str = COLUMNS) -> dict[str, Run]:
        """Return the runs of these ids that are there, by id."""
        selected = _RUN.replace(COLUMNS, columns)
        rows = self._session.rows_among(f"SELECT {selected} {_FROM} WHERE r.task IN ({{values}})", ids)
        counts = self._counts(ids)
        runs = (_run_of(row, {}) for row in rows)
        return {run.id: replace(run, counts=counts.get(run.id, {})) for run in runs}

    def definition(self, id: str) -> Pipeline:
        """Return what the run carries out; of a draft, a pipeline without steps."""
        found = self.outline(id)
        if not found.grows:
            return found
        rows = self._session.rows(f"{_DEFINED} WHERE run = ? AND definition IS NOT NULL ORDER BY position", id)
        return replace(found, steps=(*found.steps, *(_definition_of(text) for (text,) in rows)))

    def outline(self, id: str) -> Pipeline:
        """Return what the run carries out, without the steps that it got while it went on."""
        row = self._session.first("SELECT definition, pipeline, project FROM runs WHERE task = ?", id)
        if row is None:
            raise NotFound(f"there is no run {id}")
        if row[0] is None:
            return Pipeline(name=row[1], project=row[2])
        return msgspec.convert(values_of_text(row[0]), Pipeline)

    def find(self, text: str) -> list[str]:
        """Return the ids that the text may mean, newest first.

        The first of these that fits anything counts: `last`, which no archived run is; a whole id; a name, or
        `pipeline #number`; the beginning of an id.
        """
        if text == "last":
            return self._ids(
                """t.type = 'controller' AND t.started IS NOT NULL AND t.archived = 0 AND r.number > 0
                    ORDER BY t.started DESC, t.position DESC LIMIT 1"""
            )
        is_id = _BEGINNING_OF_ID.fullmatch(text) is not None
        start = text.lower()
        if is_id and len(text) == _ID:
            return self._ids("r.task = ?", start)
        if found := self._named(text):
            return found
        # "g" comes after every hexadecimal digit: these two bounds hold all that begins with the text.
        return self._ids(f"r.task >= ? AND r.task < ? {_NEWEST_FIRST}", start, f"{start}g") if is_id else []

    def newest(self, project: str, pipeline: str) -> str | None:
        """Return the id of the pipeline's newest run that is not archived; of drafts only where none has begun."""
        row = self._session.first(
            f"""SELECT r.task {_FROM} WHERE r.pipeline = ? AND r.project = ? AND t.archived = 0
                ORDER BY r.number DESC, r.created DESC LIMIT 1""",
            pipeline,
            project,
        )
        return None if row is None else str(row[0])

    def define(self, id: str, definition: Pipeline) -> None:
        """Fix what a draft will carry out."""
        sql = "UPDATE runs SET definition = ? WHERE task = ?"
        self._session.change(f"run {id}", sql, text_of_values(msgspec.to_builtins(definition)), id)

    def start(self, id: str, definition: Pipeline, *, number: int, version: str, code_hash: str) -> None:
        """Fix what the run carries out, under which number and version."""
        self._session.change(
            f"run {id}",
            "UPDATE runs SET definition = ?, number = ?, version = ?, code_hash = ? WHERE task = ?",
            text_of_values(msgspec.to_builtins(definition)),
            number,
            version,
            code_hash,
            id,
        )

    def next_number(self, project: str, pipeline: str) -> int:
        """Return the next number of this pipeline's runs. None is given out twice, whatever is deleted."""
        row = self._session.first(
            """INSERT INTO pipelines (project, name, last_number) VALUES (?, ?, 1)
                ON CONFLICT (project, name) DO UPDATE SET last_number = pipelines.last_number + 1
                RETURNING last_number""",
            project,
            pipeline,
        )
        assert row is not None  # noqa: S101 - an upsert always returns its row
        return int(row[0])

    def versions(self, project: str, pipeline: str) -> list[tuple[str, str]]:
        """Return version and code hash of the earlier runs, oldest first."""
        rows = self._session.rows(
            """SELECT version, code_hash FROM runs WHERE pipeline = ? AND project = ? AND number > 0
                ORDER BY number""",
            pipeline,
            project,
        )
        return [(version, code_hash) for version, code_hash in rows]

    def ask_stop(self, id: str, why: str | None) -> None:
        """Record that somebody wants the run to stop; None for nobody any more."""
        self._session.change(f"run {id}", "UPDATE runs SET stop_asked = ? WHERE task = ?", why, id)

    def _named(self, text: str) -> list[str]:
        """Return the runs of this name; drafts, which are many and alike, only where none of them has begun."""
        numbered = _NUMBERED.fullmatch(text)
        if numbered is None:
            begun = self._ids(f"t.name = ? AND r.number > 0 {_NEWEST_FIRST}", text)
            return begun or self._ids(f"t.name = ? {_NEWEST_FIRST}", text)
        return self._ids(
            f"(t.name = ? OR (r.pipeline = ? AND r.number = ?)) {_NEWEST_FIRST}",
            text,
            numbered["pipeline"],
            int(numbered["number"]),
        )

    def _ids(self, where: str, *values: str | int) -> list[str]:
        limits = Where()
        limits.within("t.project", self._session.projects)
        condition = f"{limits} AND {where}" if limits.values else f"WHERE {where}"
        return [row[0] for row in self._session.rows(f"SELECT r.task {_FROM} {condition}", *limits.values, *values)]

    def _counts(self, ids: Sequence[str]) -> dict[str, dict[str, int]]:
        counts: dict[str, dict[str, int]] = {}
        sql = "SELECT run, status, COUNT(*) FROM steps WHERE run IN ({values}) GROUP BY run, status"
        for run, status, count in self._session.rows_among(sql, ids):
            counts.setdefault(run, {})[status] = count
        return counts

    def list(self, wanted: ListRuns) -> list[Run]:
        """Return the runs that the filters let through, newest first."""
        where = Where()
        where.equal("r.project", wanted.project)
        where.within("t.project", self._session.projects)
        where.equal("r.pipeline", wanted.pipeline)
        where.among("t.status", wanted.statuses and [status.value for status in wanted.statuses])
        if wanted.archived is not None:
            where.equal("+t.archived", int(wanted.archived))  # no index is to be chosen for it
        rows = self._session.rows(
            f"SELECT {_RUN}, r.task {_FROM} {where} {_NEWEST_FIRST} LIMIT ?", *where.values, wanted.limit
        )
        counts = self._counts([row[-1] for row in rows])
        return [_run_of(row[:-1], counts.get(row[-1], {})) for row in rows]


WAITS = "status IN ('pending', 'queued')"
MAY_WAIT = "status IN ('pending', 'queued', 'failed')"  # one that failed waits for its next try
HAS_ENDED = "status IN ('completed', 'cached', 'failed', 'aborted')"
NEVER_WELL = "status IN ('pending', 'queued', 'failed', 'aborted', 'skipped')"
IS_SETTLED = "status IN ('completed', 'cached', 'failed', 'aborted', 'skipped')"
MAY_BE_TRIED = "status IN ('pending', 'queued', 'failed', 'aborted')"


class SqlSteps:
    """Where the steps of runs stand."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, run: str, states: Sequence[StepState]) -> None:
        """Record the steps of a run, in this order."""
        self._session.run_many(
            """INSERT INTO steps (run, name, position, status, attempt, task, reason, started, ended, stage)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            [
                (
                    run,
                    state.name,
                    position,
                    state.status.value,
                    state.attempt,
                    state.task,
                    state.reason,
                    state.started,
                    state.ended,
                    state.stage,
                )
                for position, state in enumerate(states)
            ],
        )

    def append(self, run: str, state: StepState) -> None:
        """Record one more step of a run, behind those that it has."""
        self._session.change(
            f"run {run}",
            """INSERT INTO steps (run, name, position, status, attempt, reason, stage)
                SELECT ?, ?, COALESCE(MAX(position), -1) + 1, ?, 0, '', ? FROM steps WHERE run = ?""",
            run,
            state.name,
            state.status.value,
            state.stage,
            run,
        )

    def define(self, run: str, step: Step) -> None:
        """Keep the definition of a step that a run got while it went on."""
        sql = "UPDATE steps SET definition = ?, stage = ? WHERE run = ? AND name = ?"
        text = text_of_values(msgspec.to_builtins(step))
        self._session.change(f"step {step.name!r} of run {run}", sql, text, step.stage, run, step.name)

    def definitions(self, run: str, names: Sequence[str]) -> list[Step]:
        """Return the definitions of those of these steps that a run got while it went on."""
        sql = f"{_DEFINED} WHERE run = ? AND name = ? AND definition IS NOT NULL"
        found = [self._session.first(sql, run, name) for name in names]
        return [_definition_of(row[0]) for row in found if row is not None]

    def begin_anew(self, run: str, step: str) -> None:
        """Make a step pending again that was settled; the count of its tries goes on."""
        changes = "status = 'pending', reason = '', started = NULL, ended = NULL"
        self._change(run, step, IS_SETTLED, changes)

    def decide(self, run: str, decisions: Sequence[StepDecision]) -> set[str]:
        """Record what was decided of steps; return those for which it comes too late: they are skipped already."""
        late: set[str] = set()
        for one in decisions:
            guard = MAY_WAIT if one.status is StepStatus.QUEUED else WAITS
            try:
                self._change(run, one.step, guard, "status = ?, reason = ?", one.status.value, one.reason)
            except Conflict:
                if self.get(run, one.step).status is not StepStatus.SKIPPED:
                    raise
                late.add(one.step)
        return late

    def skip(self, run: str, step: str, reason: str, *, anew: bool, forget: str | None) -> None:
        """Record that a step will not run; see the port."""
        guard = NEVER_WELL if anew else WAITS
        changes = "status = 'skipped', reason = ?, started = NULL, ended = NULL"
        if forget is None:
            self._change(run, step, guard, changes, reason)
        else:
            changes = f"{changes}, task = NULL, attempt = attempt - 1"
            self._change(run, step, f"{guard} AND task = ?", changes, reason, guarded=forget)

    def attempt(self, run: str, step: str, attempt: int, task: str, now: float) -> None:
        """Record that a try of the step runs."""
        changes = "status = 'running', attempt = ?, task = ?, reason = '', started = ?, ended = NULL"
        self._change(run, step, f"{MAY_BE_TRIED} AND attempt = ?", changes, attempt, task, now, guarded=attempt - 1)

    def enqueue(self, run: str, step: str, attempt: int, task: str) -> None:
        """Record that a try of the step waits in a queue."""
        changes = "status = 'queued', attempt = ?, task = ?, reason = '', started = NULL, ended = NULL"
        self._change(run, step, f"{MAY_BE_TRIED} AND attempt = ?", changes, attempt, task, guarded=attempt - 1)

    def begin(self, run: str, step: str, task: str, now: float) -> None:
        """Record that a try of the step that waited was claimed."""
        changes = "status = 'running', reason = '', started = ?"
        self._change(run, step, "status = 'queued' AND task = ?", changes, now, guarded=task)

    def wait_again(self, run: str, step: str, task: str) -> None:
        """Record that a try of the step that was claimed waits again."""
        changes = "status = 'queued', started = NULL"
        self._change(run, step, "status = 'running' AND task = ?", changes, guarded=task)

    def end(self, run: str, step: str, status: StepStatus, reason: str, now: float) -> None:
        """Record how the step's latest try ended."""
        changes = "status = ?, reason = ?, ended = ?"
        self._change(run, step, "status IN ('running', 'queued')", changes, status.value, reason, now)

    def reuse(self, run: str, step: str, attempt: int, task: str, reason: str, now: float) -> None:
        """Record that a task stands for a try of the step which did not have to run."""
        changes = "status = 'cached', attempt = ?, task = ?, reason = ?, started = ?, ended = ?"
        guard = f"{MAY_BE_TRIED} AND attempt = ?"
        self._change(run, step, guard, changes, attempt, task, reason, now, now, guarded=attempt - 1)

    def judge(self, run: str, step: str, task: str, status: StepStatus, reason: str) -> None:
        """Record another end of the step's latest try."""
        guard = f"{HAS_ENDED} AND task = ?"
        self._change(run, step, guard, "status = ?, reason = ?", status.value, reason, guarded=task)

    def reset(self, run: str, keep: Sequence[str]) -> None:
        """Make all steps pending again but those to keep; the count of their tries goes on."""
        kept = set(keep)
        again = [state.name for state in self.list(run) if state.name not in kept]
        self._session.run_many(
            "UPDATE steps SET status = 'pending', reason = '', started = NULL, ended = NULL WHERE run = ? AND name = ?",
            [(run, name) for name in again],
        )

    def get(self, run: str, step: str) -> StepState:
        """Return where a step stands; raise NotFound when the run has none of this name."""
        row = self._session.first(f"SELECT {_STEP} FROM steps WHERE run = ? AND name = ?", run, step)
        if row is None:
            raise _no_step(run, step)
        return _state_of(row)

    def list(self, run: str) -> list[StepState]:
        """Return the steps in the order in which they were added."""
        rows = self._session.rows(f"SELECT {_STEP} FROM steps WHERE run = ? ORDER BY position", run)
        return [_state_of(row) for row in rows]

    def _change(
        self, run: str, step: str, guard: str, changes: str, *values: str | float, guarded: str | int | None = None
    ) -> None:
        """Change a step in one statement that holds only while the guard does; say what is wrong when it does not."""
        sql = f"UPDATE steps SET {changes} WHERE run = ? AND name = ? AND {guard}"
        last = () if guarded is None else (guarded,)
        if self._session.run(sql, *values, run, step, *last).rowcount:
            return
        found = self._session.first("SELECT status, attempt FROM steps WHERE run = ? AND name = ?", run, step)
        if found is None:
            raise _no_step(run, step)
        status, attempt = found
        raise Conflict(f"step {step!r} of run {run} is {status} after try {attempt}; that rules this change out")


_DEFINED = "SELECT definition FROM steps"
_STEP = "name, status, attempt, task, reason, started, ended, stage"


def _state_of(row: Row) -> StepState:
    return StepState(
        name=row[0],
        status=StepStatus(row[1]),
        attempt=row[2],
        task=row[3],
        reason=row[4],
        started=row[5],
        ended=row[6],
        stage=row[7],
    )


def _definition_of(text: str) -> Step:
    return msgspec.convert(values_of_text(text), Step)


def _no_step(run: str, step: str) -> NotFound:
    return NotFound(f"there is no step {step!r} in run {run}")
