"""What the operations on reruns do.

It must never know how a plan is made (`core.rerun`), nor how it is carried out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from penstock.core.decision import Decision, DecisionKind
from penstock.core.errors import Conflict, NotFound
from penstock.core.pipeline import Pipeline, checked
from penstock.core.rerun import Before, Rerun, RerunPlan, plan, recorded, set_values, to_record
from penstock.core.run import ARCHIVED, Run, StepState
from penstock.core.task import ENDED, Json, Parameter
from penstock.ops.lifecycle import Copied
from penstock.ops.reruns import DraftRerun, GetRerun, PlanRerun, RerunDraft
from penstock.ops.runs import CloneRun
from penstock.ops.tasks import ListTasks
from penstock.service.base import handles
from penstock.service.drafts import asked_definition, clone_run
from penstock.service.executions import REUSABLE
from penstock.service.runs import EVERY_ATTEMPT
from penstock.service.secrets import give, with_secrets

if TYPE_CHECKING:
    from penstock.ports import Tx


@handles(PlanRerun)
def plan_rerun(tx: Tx, op: PlanRerun, now: float) -> RerunPlan:
    """Return what a rerun would do."""
    return _plan_of(tx, op)[0]


@handles(DraftRerun)
def draft_rerun(tx: Tx, op: DraftRerun, now: float) -> RerunDraft:
    """Clone the run, give the clone its values, and record with it what it is to reuse."""
    found, parameters = _plan_of(tx, op)
    clone = clone_run(tx, CloneRun(source=op.source, clone=Copied(id=op.id, user=op.user)), now)
    give(tx, op.id, parameters, op.secrets)
    tx.tasks.note(op.id, {**clone.task.runtime, **to_record(found.request)})
    reason = _in_words(found)
    tx.decisions.add(op.id, Decision(kind=DecisionKind.RERUN, reason=reason, related=op.source, at=now))
    return RerunDraft(run=tx.runs.get(op.id), plan=found)


@handles(GetRerun)
def get_rerun(tx: Tx, op: GetRerun, now: float) -> RerunPlan | None:
    """Return what a recorded run does, when it is a rerun."""
    run = tx.runs.get(op.run)
    request = recorded(run.task.runtime)
    if request is None:
        return None
    try:
        source = tx.runs.get(request.source)
    except NotFound:
        return plan(request, None, _definition(tx, run))
    changed = _other_contents(tx, source.id, run.id)
    return plan(request, _before(tx, source, tx.runs.definition(source.id), changed), _definition(tx, run))


def _plan_of(tx: Tx, op: PlanRerun | DraftRerun) -> tuple[RerunPlan, tuple[Parameter, ...]]:
    """Return what a rerun would do, and the parameters that it would have."""
    source = tx.runs.get(op.source)
    _must_be_over(source)
    definition = tx.runs.definition(op.source)
    parameters = with_secrets(tx, source.pipeline, set_values(definition, op.parameters), op.secrets)
    request = Rerun(source=source.id, name=_name(source), from_step=op.from_step, only=op.only)
    return plan(request, _before(tx, source, definition), replace(definition, parameters=parameters)), parameters


def _must_be_over(run: Run) -> None:
    """Raise Conflict unless the run was started, has ended, and is in sight."""
    name, id = run.task.name, run.id[:12]
    if not run.number:
        hint = f"carry it out: penstock execute {id}"
        raise Conflict(f"run {name!r} is a draft: nothing of it can be run anew", hint=hint)
    if run.task.status not in ENDED:
        hint = f"wait for its end, or stop it: penstock abort {id}"
        raise Conflict(f"run {name!r} is {run.task.status}; only one that has ended can be run anew", hint=hint)
    if ARCHIVED in run.task.system_tags:
        hint = f"bring it back first: penstock archive --restore {id}"
        raise Conflict(f"run {name!r} is archived, and nothing archived is reused", hint=hint)


def _before(tx: Tx, source: Run, definition: Pipeline, changed: frozenset[str] = frozenset()) -> Before:
    states = tuple(tx.steps.list(source.id))
    return Before(definition=definition, states=states, gone=_gone(tx, source, states), changed=changed)


def _gone(tx: Tx, source: Run, states: Iterable[StepState]) -> Mapping[str, str]:
    """Return the steps whose tasks cannot be reused, each with the reason."""
    tasks = {task.id: task for task in tx.tasks.list(ListTasks(run=source.id, limit=EVERY_ATTEMPT))}
    found: dict[str, str] = {}
    for state in states:
        task = tasks.get(state.task or "")
        if task is None:
            found[state.name] = f"what it left in {_name(source)} is gone"
        elif ARCHIVED in task.system_tags:
            found[state.name] = f"what it left in {_name(source)} is archived"
        elif task.status not in REUSABLE:
            found[state.name] = f"its task in {_name(source)} is {task.status}"
    return found


def _definition(tx: Tx, run: Run) -> Pipeline:
    """Return what a run carries out; of a draft, with the values that it has by now."""
    if run.number:
        return tx.runs.definition(run.id)
    definition = checked(asked_definition(tx, run))
    values = {one.path: one.value for one in tx.settings.parameters(run.id)}
    known: dict[str, Json] = {one.name: values[one.path] for one in definition.parameters if one.path in values}
    return replace(definition, parameters=set_values(definition, known))


def _other_contents(tx: Tx, source: str, run: str) -> frozenset[str]:
    """Return the names of the artifacts that the run was given and that the one before had otherwise, or not at all."""
    old, new = ({one.name: one.hash for one in tx.outputs.artifacts(task) if not one.maker} for task in (source, run))
    return frozenset(name for name, hash in new.items() if old.get(name) != hash)


def _name(run: Run) -> str:
    """Return the name of a run, always with its number."""
    return f"{run.pipeline} #{run.number}"


def _in_words(found: RerunPlan) -> str:
    request = found.request
    start = f", from step {request.from_step!r}" if request.from_step else ""
    only = f", of step {request.only!r} only" if request.only else ""
    changes = f": {'; '.join(found.changes)}" if found.changes else ""
    return f"it is a rerun of {request.name}{start}{only}{changes}"
