"""What the operations do that steer what runs, one step or one task at a time.

What is asked for is recorded as done, with a decision on the step: the run's process, which hears of it afterwards, may
be dead by then. What follows from it for other steps must never be known here: that is the planner's part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.core.causes import BY_PERSON, first_line
from penstock.core.decision import Decision, DecisionKind
from penstock.core.errors import Conflict, NotFound
from penstock.core.names import did_you_mean
from penstock.core.progress import StepStatus
from penstock.core.run import ChangeKind, Run, StepState
from penstock.core.task import OPEN, EndReason, Status, Task, refuse_move
from penstock.ops.steering import AbortStep, AbortTask, SkipStep
from penstock.ops.tasks import ListTasks
from penstock.service.base import handles
from penstock.service.drafts import states_of
from penstock.service.steps import let_go_of
from penstock.service.tasks import move

if TYPE_CHECKING:
    from penstock.ports import Tx

LONGEST_NAME = 100  # characters that are kept of who says that they ask
NOT_BEGUN = frozenset({StepStatus.PENDING, StepStatus.QUEUED})
TRIED_ANEW = frozenset({StepStatus.FAILED, StepStatus.ABORTED, StepStatus.SKIPPED})
"""Where a step may stand that is pending again when its run goes on which waits to."""


@handles(SkipStep)
def skip_step(tx: Tx, op: SkipStep, now: float) -> StepState:
    """Skip a step; in a run that has not begun, keep for its beginning that it is."""
    run = tx.runs.get(op.run)
    state = state_in(tx, run, op.step)
    must_be_skippable(tx, run, state)
    why = BY_PERSON[StepStatus.SKIPPED] + _asker(tx, op.by)
    if run.number:
        waiting = _open_attempt(tx, state)  # in a queue
        anew = run.task.status is Status.QUEUED
        tx.steps.skip(op.run, op.step, why, anew=anew, forget=waiting.id if waiting else None)
        drafts = tx.tasks.list(ListTasks(run=op.run, step=op.step, statuses=(Status.CREATED,)))
        for attempt in [*([waiting] if waiting else []), *drafts]:
            let_go_of(tx, attempt, now)
    tx.decisions.add(op.run, Decision(kind=DecisionKind.VETO, reason=why, step=op.step, at=now))
    tx.changes.append(run.task, ChangeKind.STEP, StepStatus.SKIPPED, now, step=op.step, message=why)
    return state_in(tx, run, op.step)


@handles(AbortStep)
def abort_step(tx: Tx, op: AbortStep, now: float) -> StepState:
    """End the attempt of a step; whoever carries it out hears of it."""
    run = tx.runs.get(op.run)
    state = state_in(tx, run, op.step)
    attempt = abortable_attempt(tx, run, state)
    why = BY_PERSON[StepStatus.ABORTED] + _asker(tx, op.by)
    move(tx, attempt, Status.STOPPED, now, reason=EndReason.ABORTED, message=why)
    decision = Decision(
        kind=DecisionKind.ABORT, reason=why, step=op.step, attempt=state.attempt, related=attempt.id, at=now
    )
    tx.decisions.add(op.run, decision)
    return tx.steps.get(op.run, op.step)


@handles(AbortTask)
def abort_task(tx: Tx, op: AbortTask, now: float) -> Task:
    """End a task that belongs to no run; whoever carries it out hears of it."""
    task = tx.tasks.get(op.id)
    _must_stand_alone(tx, task)
    if task.status is Status.STOPPED:
        return task
    if task.status is Status.CREATED:
        raise Conflict(f"task {task.id} is a draft: nothing of it runs", hint="delete it, or leave it as it is")
    if task.status not in OPEN:
        raise refuse_move(task.id, task.status, Status.STOPPED)
    why = f"aborted by {_asker(tx, op.by)}"
    move(tx, task, Status.STOPPED, now, reason=EndReason.ABORTED, message=why)
    return tx.tasks.get(op.id)


def state_in(tx: Tx, run: Run, step: str) -> StepState:
    """Return where a step of a run stands, also of one that has not begun; raise NotFound when it has no such step."""
    found = {state.name: state for state in states_of(tx, run)}
    if step not in found:
        raise NotFound(f"run {run.task.name!r} has no step {step!r}", hint=did_you_mean(step, found, _no_steps(run)))
    return found[step]


def must_be_skippable(tx: Tx, run: Run, state: StepState) -> None:
    """Raise Conflict, naming where it stands, for a step that cannot be skipped."""
    name, status = state.name, state.status
    _must_go_on(run, "skipped")
    if status in NOT_BEGUN or (status in TRIED_ANEW and run.task.status is Status.QUEUED):
        return
    hint = f"abort it: penstock abort {run.id[:12]} {_word(name)}" if status is StepStatus.RUNNING else None
    raise Conflict(f"step {name!r} is {status}; only one that has not begun can be skipped", hint=hint)


def abortable_attempt(tx: Tx, run: Run, state: StepState) -> Task:
    """Return the attempt of a step that can be aborted; raise Conflict, naming where it stands, when there is none."""
    name, status = state.name, state.status
    _must_go_on(run, "aborted")
    attempt = _open_attempt(tx, state)
    if attempt is not None and attempt.status is not Status.CREATED:
        return attempt
    hint = f"skip it: penstock skip {run.id[:12]} {_word(name)}" if status in NOT_BEGUN else None
    raise Conflict(f"step {name!r} is {status}; only one that runs, or waits for an agent, can be aborted", hint=hint)


def _open_attempt(tx: Tx, state: StepState) -> Task | None:
    """Return the latest attempt of a step when it has not ended."""
    attempt = tx.tasks.find(state.task) if state.task is not None else None
    return attempt if attempt is not None and attempt.status in OPEN else None


def _must_go_on(run: Run, done: str) -> None:
    if run.task.status not in {Status.QUEUED, Status.IN_PROGRESS}:
        said = f"only a step of a run that goes on, or waits to, can be {done}"
        raise Conflict(f"run {run.task.name!r} is {run.task.status}; {said}")


def _no_steps(run: Run) -> str:
    return "it has no steps" if run.number else "it has not begun, and its steps are not known yet"


def _must_stand_alone(tx: Tx, task: Task) -> None:
    """Raise Conflict for what is aborted in another way."""
    if task.run is not None:
        hint = f"abort the step: penstock abort {task.run[:12]} {_word(task.step or '')}"
        raise Conflict(f"task {task.id} is an attempt of step {task.step!r}; its run decides about it", hint=hint)
    if tx.runs.has(task.id):
        raise Conflict(f"task {task.id} is a run of a pipeline", hint=f"penstock abort {task.id[:12]}")


def _word(name: str) -> str:
    """Return a name as one word of a command line."""
    return name if name.replace("-", "_").isidentifier() else repr(name)


def _asker(tx: Tx, by: str) -> str:
    """Return who asks, for people: who is known to ask, else who they say they are."""
    return (tx.who.name if tx.who is not None else "") or first_line(by)[:LONGEST_NAME] or "a user"
