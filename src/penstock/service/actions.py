"""What the operations do on what people do with a run.

It must never know how an action is carried out: it says what each operation would do, by the rules of that operation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from penstock.core.errors import Conflict, Forbidden, Invalid, NotFound
from penstock.core.foresight import foreseen
from penstock.core.pipeline import checked
from penstock.core.pipeline import plan as plan_of
from penstock.core.progress import SETTLED, Abort, Ended, Launch, Skip, StepStatus, Vetoed, why_it_fails_the_run
from penstock.core.progress import Action as PlannerAction
from penstock.core.rerun import RerunPlan, Treatment
from penstock.core.run import ARCHIVED, ChangeKind, Run, StepState
from penstock.core.task import Status
from penstock.ops.actions import Action, ActionPlan, AffectedStep, Effect, PlanAction, RequeueRun
from penstock.ops.reruns import PlanRerun
from penstock.ports.queues import Waiting
from penstock.service.base import handles
from penstock.service.drafts import asked_definition, states_of
from penstock.service.launches import NO_SCRIPT, SERVICES, has_code
from penstock.service.reruns import plan_rerun
from penstock.service.runs import (
    aborted_by_people,
    must_be_at_rest,
    must_be_deletable,
    must_be_going,
    must_be_resumable,
    staying,
)
from penstock.service.steering import TRIED_ANEW, abortable_attempt, must_be_skippable, state_in

if TYPE_CHECKING:
    from penstock.ports import Tx

REQUEUED = frozenset({Status.FAILED, Status.STOPPED})
EFFECTS = {Treatment.RUN: Effect.RUNS, Treatment.REUSE: Effect.REUSED, Treatment.SKIP: Effect.SKIPPED}
RERUNS = frozenset({Action.RERUN, Action.RERUN_FROM, Action.RERUN_ONLY})
STEERING = frozenset({Action.SKIP_STEP, Action.ABORT_STEP})


@handles(PlanAction)
def plan_action(tx: Tx, op: PlanAction, now: float) -> ActionPlan:
    """Return what the action would do, or why it cannot be done."""
    run = tx.runs.get(op.id)
    states = tx.steps.list(op.id)
    bare = ActionPlan(action=op.action, run=op.id, allowed=True)
    try:
        if op.action in RERUNS:
            return _rerun(tx, op, run, bare, states)
        if op.action in STEERING:
            return _steered(tx, _named_step(op), run, bare)
        return _own(tx, run, bare, states)
    except (Conflict, Invalid, NotFound) as error:
        steps = tuple(AffectedStep(name=one.name, status=one.status, effect=Effect.STAYS) for one in states)
        return replace(bare, allowed=False, why_not=error.message, hint=error.hint or "", steps=steps)


@handles(RequeueRun)
def requeue_run(tx: Tx, op: RequeueRun, now: float) -> Run:
    """Let the run wait in a queue; what becomes of its steps is decided when it goes on."""
    run = tx.runs.get(op.id)
    _must_go_on(run)
    queue = op.queue or run.task.queue or SERVICES
    tx.queues.get(queue)
    if tx.who is not None and tx.who.queues and queue not in tx.who.queues:
        raise Forbidden(f"the key of {tx.who.name} is not for queue {queue!r}", hint="name one that it is for")
    if not tx.tasks.requeue(op.id, REQUEUED, queue):
        raise Conflict(f"run {run.task.name!r} was resumed by somebody else just now")
    tx.leases.end(op.id)  # of who carried it out before, and may not have left yet
    tx.runs.ask_stop(op.id, None)
    for name in aborted_by_people(tx, op.id, tx.steps.list(op.id)):
        tx.steps.begin_anew(op.id, name)
        tx.changes.append(run.task, ChangeKind.STEP, StepStatus.PENDING, now, step=name)
    entry = Waiting(task=op.id, queue=queue, urgency=-op.priority, takes_slot=False, resumed=True, since=now)
    tx.entries.add(entry)
    who = op.reason or (f"by {tx.who.name}" if tx.who else "somebody asked for it")
    task = replace(run.task, queue=queue)
    tx.changes.append(task, ChangeKind.STATUS, Status.QUEUED, now, message=f"to be resumed: {who}")
    return tx.runs.get(op.id)


def _must_go_on(run: Run) -> None:
    """Raise Conflict unless an agent can let the run go on."""
    must_be_resumable(run, REQUEUED)
    if not has_code(run):
        hint = f"let it go on where its script is: penstock resume --here {run.id[:12]}"
        raise Conflict(f"run {run.task.name!r} cannot go on by an agent: {NO_SCRIPT}", hint=hint)


def _own(tx: Tx, run: Run, plan: ActionPlan, states: Sequence[StepState]) -> ActionPlan:
    """Return what an action on the run itself would do."""
    match plan.action:
        case Action.ABORT:
            if run.task.status is not Status.QUEUED:
                must_be_going(run)
            steps = tuple(_aborted(one) for one in states)
            return replace(plan, steps=steps, text=f"{_counted(steps)}; what completed stays")
        case Action.RESUME:
            _must_go_on(run)
            stay = staying(tx, run.id, states)
            steps = tuple(_resumed(one, stays=one.name in stay) for one in states)
            return replace(plan, steps=steps, text=f"{_counted(steps)}; the run keeps its name")
        case Action.DELETE:
            must_be_deletable(run)
            steps = tuple(_affected(one, Effect.GOES) for one in states)
            return replace(plan, steps=steps, text="the run goes for good, with all that it and its steps recorded")
        case _:
            return replace(plan, steps=tuple(_affected(one, Effect.STAYS) for one in states), text=_shown(run, plan))


def _named_step(op: PlanAction) -> str:
    """Return the step that an action begins with; raise Invalid when there is none."""
    if op.step is None:
        raise Invalid(f"nothing says which step to {op.action.removesuffix(' step')}", hint="name it")
    return op.step


def _shown(run: Run, plan: ActionPlan) -> str:
    """Return what putting a run out of sight, or bringing it back, means; raise Conflict where it makes no sense."""
    must_be_at_rest(run, "archived")
    archives = plan.action is Action.ARCHIVE
    if (ARCHIVED in run.task.system_tags) is archives:
        raise Conflict(f"run {run.task.name!r} is {'archived already' if archives else 'not archived'}")
    return (
        "the run is kept, but not listed any more, and nothing of it is reused"
        if archives
        else "the run is listed again, and may be reused"
    )


def _rerun(tx: Tx, op: PlanAction, run: Run, plan: ActionPlan, states: Sequence[StepState]) -> ActionPlan:
    """Return what a rerun would do."""
    if op.action is not Action.RERUN:
        _named_step(op)
    if not has_code(run):
        raise Conflict(f"run {run.task.name!r} cannot be done anew: {NO_SCRIPT}")
    asked = PlanRerun(
        source=op.id,
        parameters=op.parameters,
        from_step=op.step if op.action is Action.RERUN_FROM else None,
        only=op.step if op.action is Action.RERUN_ONLY else None,
    )
    found: RerunPlan = plan_rerun(tx, asked, 0.0)
    status = {state.name: state.status for state in states}
    steps = tuple(
        AffectedStep(name=one.step, status=status[one.step], effect=EFFECTS[one.treatment], why=one.why)
        for one in found.steps
    )
    text = f"{_counted(steps)}; it becomes a run of its own, and {run.task.name} stays as it is"
    return replace(plan, steps=steps, changes=found.changes, text=text)


def _steered(tx: Tx, step: str, run: Run, plan: ActionPlan) -> ActionPlan:
    """Return what skipping or aborting one step would do, as the run's planner will see it."""
    states, state = states_of(tx, run), state_in(tx, run, step)
    skips = plan.action is Action.SKIP_STEP
    if skips:
        must_be_skippable(tx, run, state)
    else:
        abortable_attempt(tx, run, state)
    definition = tx.runs.definition(run.id) if run.number else checked(asked_definition(tx, run))
    if run.task.status is Status.QUEUED:
        anew = {one.name for one in states if one.status in TRIED_ANEW} - staying(tx, run.id, states)
        states = [replace(one, status=StepStatus.PENDING) if one.name in anew else one for one in states]
    event = Vetoed(step, recorded=True) if skips else Ended(step, StepStatus.ABORTED)
    found = {step: (Effect.SKIPPED if skips else Effect.STOPS, "")} | _effects(foreseen(definition, states, event))
    steps = tuple(_affected(one, *found.get(one.name, (Effect.STAYS, ""))) for one in states)
    node = next(one for one in plan_of(definition.steps) if one.name == step)
    bad = not skips and why_it_fails_the_run(node, StepStatus.ABORTED)
    outcome = "the run fails by that" if bad else "the run may complete all the same"
    return replace(plan, steps=steps, text=f"{_counted(steps)}; {outcome}")


def _effects(actions: Iterable[PlannerAction]) -> dict[str, tuple[Effect, str]]:
    """Return what the planner's actions do with steps, and why."""
    found: dict[str, tuple[Effect, str]] = {}
    for action in actions:
        match action:
            case Skip(step=name, reason=reason):
                found[name] = Effect.SKIPPED, str(reason)
            case Launch(step=name):
                found[name] = Effect.RUNS, "it waited for this one alone"
            case Abort(step=name):
                found[name] = Effect.STOPS, "the pipeline aborts on failure"
            case _:
                pass
    return found


def _aborted(state: StepState) -> AffectedStep:
    if state.status in SETTLED:
        return _affected(state, Effect.STAYS)
    if state.status is StepStatus.PENDING:
        return _affected(state, Effect.SKIPPED, "the run ends before its turn")
    return _affected(state, Effect.STOPS)


def _resumed(state: StepState, *, stays: bool) -> AffectedStep:
    if stays:
        return _affected(state, Effect.STAYS)
    why = "it did not run" if state.status not in SETTLED else f"it was {state.status}"
    return _affected(state, Effect.RUNS, "it failed" if state.status is StepStatus.FAILED else why)


def _affected(state: StepState, effect: Effect, why: str = "") -> AffectedStep:
    return AffectedStep(name=state.name, status=state.status, effect=effect, why=why)


WORDS = {
    Effect.STOPS: ("stops", "stop"),
    Effect.SKIPPED: ("is skipped", "are skipped"),
    Effect.RUNS: ("runs", "run"),
    Effect.REUSED: ("is reused", "are reused"),
    Effect.STAYS: ("stays", "stay"),
}


def _counted(steps: Sequence[AffectedStep]) -> str:
    """Return how many steps meet with which effect, in words."""
    found = Counter(one.effect for one in steps)
    said = [
        f"{found[effect]:,} step{'s' if found[effect] > 1 else ''} {words[found[effect] > 1]}"
        for effect, words in WORDS.items()
        if found[effect]
    ]
    return ", ".join(said) or "it has no steps"
