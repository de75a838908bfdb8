"""What the operations on the steps of a run do."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from msgspec.structs import replace

from penstock.core.decision import Decision, DecisionKind
from penstock.core.errors import Conflict, Invalid
from penstock.core.monitor import Monitors, choose_artifacts, choose_metrics, choose_models
from penstock.core.progress import StepStatus
from penstock.core.run import ChangeKind, StepState, attempt_id
from penstock.core.task import ENDED, Status, Task
from penstock.ops.outputs import NewPoints
from penstock.ops.steps import DecideSteps, DraftStep, EnqueueStep, GetStep, LaunchStep, StepDecision, TakeOver
from penstock.ops.tasks import ListTasks, NewTask
from penstock.service.base import handles
from penstock.service.queues import wait_in
from penstock.service.tasks import add, ask, move

if TYPE_CHECKING:
    from collections.abc import Iterable

    from penstock.ports import Tx

_SHARED = ("name", "project", "type", "comment", "parent", "tags", "script", "container", "queue", "output_uri")

KINDS = {
    StepStatus.QUEUED: DecisionKind.WAIT,
    StepStatus.SKIPPED: DecisionKind.SKIP,
    StepStatus.ABORTED: DecisionKind.ABORT,
}


@handles(DraftStep)
def draft_step(tx: Tx, op: DraftStep, now: float) -> Task:
    """Record an attempt that is not to begin yet."""
    must_go_on(tx, op.run, op.step)
    there = tx.tasks.find(op.task.id if op.task.adopted else attempt_id(op.run, op.step, op.attempt))
    if there is not None and _is_attempt(there, op.run, op.step, op.attempt):
        return there
    state = tx.steps.get(op.run, op.step)
    if op.attempt != state.attempt + 1:
        raise Conflict(f"step {op.step!r} of run {op.run} is {state.status} after try {state.attempt}")
    if tx.steps.decide(op.run, [StepDecision(step=op.step, status=StepStatus.QUEUED)]):
        raise Conflict(f"step {op.step!r} of run {op.run} is {StepStatus.SKIPPED}; that rules a try of it out")
    task = add_attempt(tx, op.run, op.step, op.attempt, op.task, now)
    tx.changes.append(task, ChangeKind.STATUS, task.status, now)
    return task


@handles(LaunchStep)
def launch_step(tx: Tx, op: LaunchStep, now: float) -> Task:
    """Record an attempt and that it is in progress."""
    must_go_on(tx, op.run, op.step)
    task = add_attempt(tx, op.run, op.step, op.attempt, op.task, now)
    if task.status is not Status.CREATED:
        return task
    tx.steps.attempt(op.run, op.step, op.attempt, task.id, now)
    tx.tasks.claim(task.id, op.worker)
    _explain(tx, op, task, now)
    move(tx, task, Status.IN_PROGRESS, now)
    return replace(task, status=Status.IN_PROGRESS, started=now, worker=op.worker)


@handles(EnqueueStep)
def enqueue_step(tx: Tx, op: EnqueueStep, now: float) -> Task:
    """Record an attempt and let it wait in its queue."""
    must_go_on(tx, op.run, op.step)
    task = add_attempt(tx, op.run, op.step, op.attempt, op.task, now)
    if task.status is not Status.CREATED:
        return task
    tx.steps.enqueue(op.run, op.step, op.attempt, task.id)
    _explain(tx, op, task, now)
    tx.assignments.set(task.id, op.assignment)
    move(tx, replace(task, queue=op.task.queue), Status.QUEUED, now)
    wait_in(tx, task, op.task.queue or "", now)
    return tx.tasks.get(task.id)


def _explain(tx: Tx, op: LaunchStep | EnqueueStep, task: Task, now: float) -> None:
    """Record under which cache key an attempt runs, and why it does."""
    if op.keyed is not None:
        tx.executions.add(task.id, op.run, op.step, op.keyed)
    if op.decision is not None:
        tx.decisions.add(op.run, replace(op.decision, at=now))


@handles(DecideSteps)
def decide_steps(tx: Tx, op: DecideSteps, now: float) -> None:
    """Record decisions on steps."""
    run = tx.tasks.get(op.run)
    if run.status is not Status.IN_PROGRESS:
        raise Conflict(f"run {op.run} is {run.status}; nothing is decided in it any more")
    decide(tx, run, op.decisions, now)


@handles(GetStep)
def get_step(tx: Tx, op: GetStep, now: float) -> StepState:
    """Return where the step stands."""
    return tx.steps.get(op.run, op.step)


@handles(TakeOver)
def take_over(tx: Tx, op: TakeOver, now: float) -> None:
    """Copy what the run monitors of an attempt, once, in the place of what it has of the try before."""
    task = tx.tasks.get(op.task)
    if task.run is None or task.step is None:
        raise Conflict(f"task {task.id} is no attempt of a step; no run takes over anything from it")
    if task.status not in ENDED:
        raise Conflict(f"task {task.id} is {task.status}; a run takes over what has ended")
    decided = tx.decisions.list(task.run, task.step)
    done = [one.related for one in decided if one.kind is DecisionKind.TAKE_OVER and one.related]
    if task.id in done:
        return
    if done:
        _withdraw_monitored(tx, task.run, done[-1], op.wanted)
    _copy_monitored(tx, task.run, op)
    reason = "the run monitors it"
    decision = Decision(
        kind=DecisionKind.TAKE_OVER, reason=reason, step=task.step, attempt=task.attempt, related=task.id, at=now
    )
    tx.decisions.add(task.run, decision)


def _copy_monitored(tx: Tx, run: str, op: TakeOver) -> None:
    if op.wanted.metrics:
        tx.reports.append_scalars(run, _monitored_points(tx, op.task, op.wanted))
    if op.wanted.artifacts:
        for artifact, name in choose_artifacts(op.wanted.artifacts, tx.outputs.artifacts(op.task)):
            tx.outputs.add_artifact(replace(artifact, task=run, name=name, maker=op.task))
    if op.wanted.models:
        for model, name in choose_models(op.wanted.models, tx.models.of_task(op.task)):
            tx.models.link(run, model.id, "output", name, op.task)


def _withdraw_monitored(tx: Tx, run: str, task: str, wanted: Monitors) -> None:
    """Take back what the run took over from an attempt that failed before the run was resumed."""
    if wanted.metrics:
        tx.reports.remove_scalars(run, _monitored_points(tx, task, wanted))
    if wanted.artifacts:
        names = {name for _, name in choose_artifacts(wanted.artifacts, tx.outputs.artifacts(task))}
        held = [one.name for one in tx.outputs.artifacts(run) if one.maker == task]
        tx.outputs.remove_artifacts(run, [name for name in held if name in names])
    if wanted.models:
        chosen = choose_models(wanted.models, tx.models.of_task(task))
        links = [(model.id, name) for model, name in chosen]
        earlier = [(_copy_id(run, model, name), name) for model, name in links]  # version 0.1 took over copies
        tx.models.unlink(run, "output", [*links, *earlier])


def _monitored_points(tx: Tx, task: str, wanted: Monitors) -> list[NewPoints]:
    return [
        NewPoints(title=metric.target_title, series=metric.target_series, points=series.points)
        for series, metric in choose_metrics(wanted.metrics, tx.reports.scalars(task))
    ]


def _copy_id(run: str, model: str, name: str) -> str:
    return hashlib.sha256(f"{run}\0{model}\0{name}".encode()).hexdigest()[:32]


def must_go_on(tx: Tx, run: str, step: str) -> None:
    """Raise Conflict unless the run is in progress."""
    status = tx.tasks.status(run)
    if status is not Status.IN_PROGRESS:
        raise Conflict(f"run {run} is {status}; step {step!r} cannot start in it")


def add_attempt(tx: Tx, run: str, step: str, attempt: int, new: NewTask, now: float) -> Task:
    """Add the task of an attempt as a draft; return what is there when it is there already."""
    if new.adopted:
        return _adopt(tx, replace(new, parent=run), run, step, attempt, now)
    id = attempt_id(run, step, attempt)
    return add(tx, replace(new, id=id, parent=run), now, run=run, step=step, attempt=attempt)


def _adopt(tx: Tx, new: NewTask, run: str, step: str, attempt: int, now: float) -> Task:
    """Make an attempt of a draft that belongs to no run."""
    task = tx.tasks.get(new.id)
    if _is_attempt(task, run, step, attempt):
        return task
    if task.run is not None or task.status is not Status.CREATED or tx.runs.has(new.id):
        raise Conflict(f"task {new.id} is no draft of its own any more; step {step!r} cannot carry it out itself")
    tx.tasks.adopt(new.id, run, step, attempt)
    tx.projects.ensure(new.project, now)
    tx.tasks.describe(replace(task, **{name: getattr(new, name) for name in _SHARED}))
    ask(tx, new)
    return tx.tasks.get(new.id)


def _is_attempt(task: Task, run: str, step: str, attempt: int) -> bool:
    return (task.run, task.step, task.attempt) == (run, step, attempt)


def forget_drafts(tx: Tx, drafts: Iterable[Task]) -> None:
    """Delete the drafts of attempts that will not begin. One that a step adopted is somebody's task: it is let go."""
    for task in drafts:
        if task.id == attempt_id(str(task.run), str(task.step), task.attempt):
            tx.loose.update({artifact.hash: artifact.created for artifact in tx.outputs.artifacts(task.id)})
            tx.tasks.delete([task.id])
        else:
            tx.tasks.release(task.id)


def let_go_of(tx: Tx, attempt: Task, now: float) -> None:
    """Forget an attempt that has not begun and will not: it leaves its queue and, unless it was adopted, goes."""
    if attempt.status is Status.QUEUED:
        move(tx, attempt, Status.CREATED, now)
        tx.assignments.remove(attempt.id)
    forget_drafts(tx, [attempt])


def decide(tx: Tx, run: Task, decisions: tuple[StepDecision, ...], now: float) -> None:
    """Record decisions on steps of a run, and the drafts that they leave behind as gone.

    What somebody has skipped meanwhile stays as they left it.
    """
    for one in decisions:
        if one.status not in KINDS:
            raise Invalid(f"step {one.step!r} cannot become {one.status} by a decision", hint=", ".join(KINDS))
    late = tx.steps.decide(run.id, decisions)
    for one in decisions:
        if one.step in late:
            continue
        tx.changes.append(run, ChangeKind.STEP, one.status, now, step=one.step, message=one.reason)
        kind = one.kind or KINDS[one.status]
        tx.decisions.add(run.id, Decision(kind=kind, reason=one.reason, step=one.step, at=now))
        if kind is DecisionKind.VETO:
            forget_drafts(tx, tx.tasks.list(ListTasks(run=run.id, step=one.step, statuses=(Status.CREATED,))))
