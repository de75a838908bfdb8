"""What the operations on new runs as people ask for them do.

It must never know who carries a run out, or how.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from msgspec.structs import replace

from penstock.core.errors import Conflict, Invalid, NotFound
from penstock.core.form import fields, with_values
from penstock.core.overrides import check_overrides, overridden, with_overrides
from penstock.core.pipeline import Pipeline
from penstock.core.rerun import set_values
from penstock.core.run import UNCACHED, Run
from penstock.ops.launches import GetLaunchForm, LaunchedStep, LaunchForm, LaunchRun
from penstock.ops.lifecycle import Copied, EnqueueTask
from penstock.ops.reruns import DraftRerun
from penstock.ops.runs import CloneRun
from penstock.service.base import handles
from penstock.service.drafts import asked_definition, clone_run
from penstock.service.lifecycle import enqueue_task
from penstock.service.reruns import draft_rerun
from penstock.service.secrets import give, with_secrets

if TYPE_CHECKING:
    from penstock.ports import Tx

SERVICES = "services"
NO_SCRIPT = "its script is not recorded, so nobody can carry it out anew"


@handles(GetLaunchForm)
def get_launch_form(tx: Tx, op: GetLaunchForm, now: float) -> LaunchForm:
    """Return the form, with the values of the run that is meant."""
    source = _source(tx, op)
    definition = _definition(tx, source)
    return LaunchForm(
        source=source.id,
        name=source.task.name,
        pipeline=source.pipeline,
        project=source.project,
        number=source.number,
        version=source.version,
        fields=fields(definition),
        queue=source.task.queue or SERVICES,
        tags=source.task.tags,
        steps=tuple(
            LaunchedStep(name=one.name, queue=one.queue or definition.default_queue, cache=one.cache)
            for one in overridden(definition.steps, source.task.runtime)
        ),
        why_not="" if has_code(source) else NO_SCRIPT,
    )


@handles(LaunchRun)
def launch_run(tx: Tx, op: LaunchRun, now: float) -> Run:
    """Make the draft, give it what was asked for, and let it wait in the queue."""
    source = _source(tx, op)
    if not has_code(source):
        hint = "run its script: penstock run SCRIPT"
        raise Conflict(f"run {source.task.name!r} cannot be done anew: {NO_SCRIPT}", hint=hint)
    tx.queues.get(op.queue)
    _check_steps(tx, op, source)
    id = op.id or _free_id(tx, source.id, now)
    user = op.user or (tx.who.name if tx.who else "")
    if op.reuse or op.from_step or op.only:
        values = dict(op.parameters)
        asked = DraftRerun(id=id, source=source.id, parameters=values, from_step=op.from_step, only=op.only, user=user)
        draft_rerun(tx, replace(asked, secrets=op.secrets), now)
    else:
        parameters = set_values(_definition(tx, source), op.parameters)
        parameters = with_secrets(tx, source.pipeline, parameters, op.secrets)
        clone_run(tx, CloneRun(source=source.id, clone=Copied(id=id, user=user)), now)
        give(tx, id, parameters, op.secrets)
    _describe(tx, op, id)
    enqueue_task(tx, EnqueueTask(id=id, queue=op.queue, priority=op.priority), now)
    return tx.runs.get(id)


def _describe(tx: Tx, op: LaunchRun, id: str) -> None:
    task = tx.tasks.get(id)
    if op.tags is not None:
        tx.tasks.describe(replace(task, tags=tuple(dict.fromkeys(op.tags))))
    if op.name:
        tx.tasks.rename(id, op.name)
    uncached = {} if op.cache else {UNCACHED: "True"}
    tx.tasks.note(id, {**with_overrides(task.runtime, op.steps), **uncached})


def _check_steps(tx: Tx, op: LaunchRun, source: Run) -> None:
    """Refuse what is asked of a step, or by way of a queue, that is not there."""
    if op.steps:
        check_overrides(op.steps, (one.name for one in _definition(tx, source).steps))
    for one in op.steps.values():
        if one.queue is not None:
            tx.queues.get(one.queue)


def _source(tx: Tx, op: LaunchRun | GetLaunchForm) -> Run:
    """Return the run that is meant.

    Raises:
        Invalid: Nothing says which, or two things do.
        NotFound: There is none.
    """
    if (op.source is None) == (op.pipeline is None):
        raise Invalid("nothing says what is done anew, or two things do", hint="give source, or pipeline and project")
    if op.source is not None:
        return tx.runs.get(op.source)
    if op.pipeline is None or op.project is None:
        raise Invalid(f"pipeline {op.pipeline!r} may be in several projects", hint="give its project beside it")
    found = tx.runs.newest(op.project, op.pipeline)
    if found is None:
        hint = "run its script once: penstock run SCRIPT"
        raise NotFound(f"pipeline {op.pipeline!r} in project {op.project!r} has no run", hint=hint)
    return tx.runs.get(found)


def has_code(run: Run) -> bool:
    """Return whether the script of a run is recorded, so that an agent can run it."""
    return bool(run.task.script.source or run.task.script.repository)


def _definition(tx: Tx, source: Run) -> Pipeline:
    """Return what a run carries out, with the values that are recorded with it."""
    return with_values(asked_definition(tx, source), tx.settings.parameters(source.id))


def _free_id(tx: Tx, source: str, now: float) -> str:
    """Return an id that no task has."""
    number = 0
    while tx.tasks.find(id := hashlib.sha256(f"{source}\0{now}\0{number}".encode()).hexdigest()[:32]):
        number += 1
    return id
