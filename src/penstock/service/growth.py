"""What the operations on runs that grow do.

It must never know who calls for steps, nor what is done with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from penstock.core import refs
from penstock.core.errors import Conflict, NotFound
from penstock.core.growth import what_differs
from penstock.core.overrides import overridden
from penstock.core.pipeline import Pipeline, Scope, Step, check_name, references, script_key
from penstock.core.progress import OPEN, SETTLED, StepStatus
from penstock.core.run import ChangeKind, StepState
from penstock.core.task import EndReason, Status, Task
from penstock.ops.growth import AddedStep, AddStep
from penstock.service.base import handles
from penstock.service.steps import must_go_on
from penstock.service.tasks import move

if TYPE_CHECKING:
    from penstock.ports import Tx

ANOTHER = "the run calls for something else under the name of this step now"


@handles(AddStep)
def add_step(tx: Tx, op: AddStep, now: float) -> AddedStep:
    """Record the step with its parents, or find it as it was left."""
    must_go_on(tx, op.run, op.step.name)
    outline = tx.runs.outline(op.run)
    if not outline.grows:
        hint = "give it all its steps before it is started"
        raise Conflict(f"run {op.run} does not grow: it was begun with its steps", hint=hint)
    check_name(op.step.name)
    run = tx.tasks.get(op.run)
    (step,) = overridden((replace(op.step, code=script_key(op.script)),), run.runtime)
    step = replace(step, parents=_parents(tx, op.run, outline, step))
    state, again = _there(tx, run, op, step, now)
    outline = tx.runs.outline(op.run)
    if step.code not in outline.code:
        tx.runs.define(op.run, replace(outline, code={**outline.code, step.code: op.script}))
    tx.steps.define(op.run, step)
    return AddedStep(step=step, state=state, again=again)


def _parents(tx: Tx, run: str, outline: Pipeline, step: Step) -> tuple[str, ...]:
    """Return all parents of a step; raise BadPipeline or BadReference for what is not there."""
    named = [one.step for _, one in references(step, ()) if isinstance(one, refs.StepRef)]
    known = tx.steps.definitions(run, list(dict.fromkeys((*step.parents, *named))))
    return Scope(replace(outline, steps=tuple(known))).parents(step)


def _there(tx: Tx, run: Task, op: AddStep, step: Step, now: float) -> tuple[StepState, str]:
    """Return how the step stands, and why it runs anew if it does; a new one is pending."""
    name = step.name
    try:
        state = tx.steps.get(run.id, name)
    except NotFound:
        tx.steps.append(run.id, StepState(name=name, stage=step.stage))
        tx.changes.append(run, ChangeKind.STEP, StepStatus.PENDING, now, step=name)
        return tx.steps.get(run.id, name), ""
    if state.status not in SETTLED | OPEN:
        return state, ""
    (former,) = tx.steps.definitions(run.id, [name])
    again = op.differs or what_differs(former, step)
    if not again:
        return state, ""
    if state.status in OPEN and state.task is not None:
        move(tx, tx.tasks.get(state.task), Status.STOPPED, now, reason=EndReason.ABORTED, message=ANOTHER)
    tx.steps.begin_anew(run.id, name)
    tx.changes.append(run, ChangeKind.STEP, StepStatus.PENDING, now, step=name, message=again)
    return tx.steps.get(run.id, name), again
