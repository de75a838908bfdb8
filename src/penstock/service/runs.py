"""What the operations on the runs of pipelines do."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace

from penstock.core import version
from penstock.core.decision import Decision, DecisionKind
from penstock.core.errors import Conflict, Invalid, NotFound
from penstock.core.overrides import overridden
from penstock.core.pipeline import Pipeline, checked, code_hash, runs_project
from penstock.core.progress import StepStatus
from penstock.core.run import ARCHIVED, VERSION, ChangeKind, Run, RunDetail, StepState
from penstock.core.task import ENDED, OPEN, RESUMABLE, EndReason, Status, Task, TaskType, refuse_move
from penstock.ops.runs import (
    ArchiveRun,
    CreateRun,
    DeleteRun,
    EndRun,
    FindRun,
    GetRun,
    ListRuns,
    ResumeRun,
    StartRun,
    StopRun,
)
from penstock.ops.steps import StepDecision
from penstock.ops.tasks import ListTasks, NewTask
from penstock.service.base import handles
from penstock.service.secrets import sealed
from penstock.service.steps import decide, forget_drafts
from penstock.service.tasks import add, move

if TYPE_CHECKING:
    from penstock.ports import Tx

EVERY_ATTEMPT = 1_000_000_000  # a limit that no run reaches


@handles(CreateRun)
def create_run(tx: Tx, op: CreateRun, now: float) -> Run:
    """Record a draft run."""
    return add_run(tx, replace(op.task, project=runs_project(op.project, op.pipeline)), op.project, op.pipeline, now)


def add_run(tx: Tx, new: NewTask, project: str, pipeline: str, now: float) -> Run:
    """Add a draft run with its task; raise Conflict when the id is taken."""
    system_tags = tuple(dict.fromkeys((*new.system_tags, "pipeline")))
    with suppress(NotFound):
        taken = tx.tasks.get(new.id)
        raise Conflict(f"the id {taken.id} is that of task {taken.name!r}")
    add(tx, replace(new, type=TaskType.CONTROLLER, system_tags=system_tags), now)
    tx.runs.add(new.id, project, pipeline)
    return tx.runs.get(new.id)


@handles(StartRun)
def start_run(tx: Tx, op: StartRun, now: float) -> Run:
    """Give out number and version, fix the definition, record the steps, begin."""
    run = tx.runs.get(op.id)
    claimed = run.task.status is Status.IN_PROGRESS and not run.number
    if run.task.status is not Status.CREATED and not claimed:
        raise refuse_move(op.id, run.task.status, Status.IN_PROGRESS)
    definition = sealed(tx, op.id, checked(op.definition))
    hashed = code_hash(definition)
    definition = replace(definition, steps=overridden(definition.steps, run.task.runtime))
    earlier = tx.runs.versions(run.project, run.pipeline)
    chosen = version.choose(op.version or run.task.runtime.get(VERSION), hashed, earlier, op.auto_version_bump)
    number = tx.runs.next_number(run.project, run.pipeline)
    if op.add_run_number and number > 1 and run.task.name == run.pipeline:  # else somebody gave it a name
        tx.tasks.rename(op.id, f"{run.pipeline} #{number}")
    tx.runs.start(op.id, definition, number=number, version=chosen, code_hash=hashed)
    tx.steps.add(op.id, first_states(tx, op.id, definition))
    tx.tasks.claim(op.id, op.worker)
    if op.runtime:
        tx.tasks.note(op.id, {**run.task.runtime, **op.runtime})
    if not claimed:
        move(tx, run.task, Status.IN_PROGRESS, now)
    return tx.runs.get(op.id)


def first_states(tx: Tx, run: str, definition: Pipeline) -> list[StepState]:
    """Return where the steps of a run stand when it begins: pending, but for those that somebody skipped before."""
    vetoed = {one.step: one.reason for one in tx.decisions.list(run, None) if one.kind is DecisionKind.VETO}
    states = [StepState(name=step.name, stage=step.stage) for step in definition.steps]
    return [
        replace(state, status=StepStatus.SKIPPED, reason=vetoed[state.name]) if state.name in vetoed else state
        for state in states
    ]


@handles(ResumeRun)
def resume_run(tx: Tx, op: ResumeRun, now: float) -> RunDetail:
    """Close what was in flight, make pending what did not end well, and let the run go on."""
    run = tx.runs.get(op.id)
    must_be_resumable(run, RESUMABLE)
    others = _held_by_others(tx, op.id)
    _close_attempts(tx, op.id, now, EndReason.CONTROLLER_LOST, "its run's process was gone", but=others)
    if not tx.tasks.reopen(op.id, RESUMABLE, seen=op.seen, worker=op.worker):
        raise Conflict(f"run {run.task.name!r} was resumed by somebody else just now")
    states = tx.steps.list(op.id)
    keep = staying(tx, op.id, states) | {state.name for state in states if state.task in others}
    is_asked_anew = tx.leases.find(op.id) is None
    if not is_asked_anew:
        keep |= aborted_by_people(tx, op.id, states)
    tx.steps.reset(op.id, keep=tuple(keep))
    for state in states:
        if state.name not in keep and state.status is not StepStatus.PENDING:
            tx.changes.append(run.task, ChangeKind.STEP, StepStatus.PENDING, now, step=state.name)
    if is_asked_anew:  # an agent carries on what it was asked to do, and to stop is part of that
        tx.runs.ask_stop(op.id, None)
    tx.decisions.add(op.id, Decision(kind=DecisionKind.RESUME, reason=op.reason, at=now))
    tx.changes.append(run.task, ChangeKind.STATUS, Status.IN_PROGRESS, now, message=f"resumed: {op.reason}")
    return _detail(tx, op.id)


def must_be_resumable(run: Run, among: Collection[Status]) -> None:
    """Raise Conflict unless the run may go on."""
    name, id = run.task.name, run.id
    if run.task.status not in among:
        raise Conflict(
            f"run {name!r} is {run.task.status}; only one that failed, was stopped or lost can be resumed",
            hint="start a new run; steps with cache_executed_step=True that did not change are reused",
        )
    if ARCHIVED in run.task.system_tags:
        raise Conflict(f"run {name!r} is archived", hint=f"bring it back first: penstock archive --restore {id[:12]}")
    if not run.number:
        hint = f"clone it, and start the clone: PipelineController.clone({id!r})"
        raise Conflict(f"run {name!r} ended before it began: nothing of it can go on", hint=hint)


def staying(tx: Tx, run: str, states: Iterable[StepState]) -> set[str]:
    """Return the steps that stay as they are when a run goes on: they completed, were reused, or vetoed."""
    vetoed = {one.step for one in tx.decisions.list(run, None) if one.kind is DecisionKind.VETO}
    return vetoed | {state.name for state in states if state.status in {StepStatus.COMPLETED, StepStatus.CACHED}}


def aborted_by_people(tx: Tx, run: str, states: Iterable[StepState]) -> set[str]:
    """Return the steps whose latest attempt somebody aborted: only somebody else's word has them tried again."""
    aborted = {one.related for one in tx.decisions.list(run, None) if one.kind is DecisionKind.ABORT and one.related}
    return {state.name for state in states if state.status is StepStatus.ABORTED and state.task in aborted}


@handles(ArchiveRun)
def archive_run(tx: Tx, op: ArchiveRun, now: float) -> Run:
    """Tag the run and its attempts as archived, or take the tag away."""
    run = tx.runs.get(op.id)
    must_be_at_rest(run, "archived")
    for task in (run.task, *tx.tasks.list(ListTasks(run=op.id, limit=EVERY_ATTEMPT))):
        tags = tuple(tag for tag in task.system_tags if tag != ARCHIVED)
        tx.tasks.tag(task.id, (*tags, ARCHIVED) if op.archived else tags)
    return tx.runs.get(op.id)


@handles(EndRun)
def end_run(tx: Tx, op: EndRun, now: float) -> Run:
    """End the run; nothing below it stays open."""
    run = tx.runs.get(op.id)
    if op.status not in ENDED:
        raise Invalid(f"{op.status} is no way for a run to end", hint="completed, failed or stopped")
    if run.task.status is op.status:
        return run
    why = EndReason.CONTROLLER_LOST if op.reason is EndReason.CONTROLLER_LOST else EndReason.ABORTED
    _close_attempts(tx, op.id, now, why, op.message or "the run ended")
    waiting = [state for state in tx.steps.list(op.id) if state.status in {StepStatus.PENDING, StepStatus.QUEUED}]
    skip = tuple(
        StepDecision(step=state.name, status=StepStatus.SKIPPED, reason=op.message or "the run ended")
        for state in waiting
    )
    decide(tx, run.task, skip, now)
    move(tx, run.task, op.status, now, reason=op.reason, message=op.message)
    return tx.runs.get(op.id)


@handles(StopRun)
def stop_run(tx: Tx, op: StopRun, now: float) -> Run:
    """Leave a note for the run's controller, which finds it in the change feed; end a run that has none yet."""
    run = tx.runs.get(op.id)
    if run.task.status is Status.QUEUED:
        ending = EndRun(id=op.id, status=Status.STOPPED, reason=EndReason.ABORTED, message=op.why)
        ended: Run = end_run(tx, ending, now)
        return ended
    must_be_going(run)
    tx.runs.ask_stop(op.id, op.why)
    tx.changes.append(run.task, ChangeKind.STOP_ASKED, run.task.status, now, message=op.why)
    return tx.runs.get(op.id)


@handles(GetRun)
def get_run(tx: Tx, op: GetRun, now: float) -> RunDetail:
    """Return the run with its steps."""
    return _detail(tx, op.id)


@handles(FindRun)
def find_run(tx: Tx, op: FindRun, now: float) -> Run:
    """Return the run that the text means."""
    found = tx.runs.find(op.text.strip())
    if not found:
        raise NotFound(f"there is no run {op.text!r}", hint="see the runs with: penstock runs")
    if len(found) > 1:
        names = ", ".join(f"{id[:12]} ({tx.tasks.get(id).name})" for id in found[:5])
        raise Invalid(f"{op.text!r} may mean several runs: {names}", hint="give more of the id")
    return tx.runs.get(found[0])


@handles(ListRuns)
def list_runs(tx: Tx, op: ListRuns, now: float) -> list[Run]:
    """Return runs."""
    return tx.runs.list(op)


@handles(DeleteRun)
def delete_run(tx: Tx, op: DeleteRun, now: float) -> list[str]:
    """Delete a run with everything below it."""
    run = tx.runs.get(op.id)
    must_be_deletable(run)
    attempts = [task.id for task in tx.tasks.list(ListTasks(run=op.id, limit=EVERY_ATTEMPT))]
    unused = tx.tasks.delete([op.id, *attempts])
    tx.changes.append(run.task, ChangeKind.DELETED, run.task.status, now)
    return unused


def must_be_at_rest(run: Run, done: str) -> None:
    """Raise Conflict when the run goes on or waits to; `done` says what cannot be done with it."""
    if run.task.status in {Status.IN_PROGRESS, Status.QUEUED}:
        raise Conflict(
            f"run {run.task.name!r} is {run.task.status}; only one that has ended can be {done}",
            hint=f"stop it first: penstock abort {run.id[:12]}",
        )


def must_be_going(run: Run) -> None:
    """Raise Conflict unless the run is in progress."""
    if run.task.status is not Status.IN_PROGRESS:
        raise Conflict(f"run {run.task.name!r} is {run.task.status}; only a run in progress can be stopped")


def must_be_deletable(run: Run) -> None:
    """Raise Conflict when the run goes on, or is published."""
    must_be_at_rest(run, "deleted")
    if run.task.status is Status.PUBLISHED:
        raise Conflict(f"run {run.task.name!r} is published and stays")


def _close_attempts(
    tx: Tx, run: str, now: float, reason: EndReason, message: str, *, but: frozenset[str] = frozenset()
) -> None:
    """Stop the attempts that are open, but these. A draft never began: it goes, and may be made anew."""
    attempts = [task for task in _open_attempts(tx, run) if task.id not in but]
    forget_drafts(tx, [task for task in attempts if task.status is Status.CREATED])
    for task in attempts:
        if task.status is not Status.CREATED:
            move(tx, task, Status.STOPPED, now, reason=reason, message=message)


def _held_by_others(tx: Tx, run: str) -> frozenset[str]:
    """Return the attempts that wait in a queue or that an agent holds: they go on without the run's process."""
    ids = [task.id for task in _open_attempts(tx, run)]
    return frozenset(id for id in ids if tx.entries.find(id) or tx.leases.find(id))


def _open_attempts(tx: Tx, run: str) -> list[Task]:
    return tx.tasks.list(ListTasks(run=run, statuses=tuple(OPEN), limit=EVERY_ATTEMPT))


def _detail(tx: Tx, run: str) -> RunDetail:
    return RunDetail(run=tx.runs.get(run), definition=tx.runs.definition(run), steps=tuple(tx.steps.list(run)))
