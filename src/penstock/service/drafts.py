"""What the operations on draft runs do: defined in advance, and made from other runs.

It must never know how a definition was written down, or who will carry it out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from penstock.core.errors import Conflict
from penstock.core.pipeline import Pipeline, checked, runs_project
from penstock.core.rerun import REQUEST
from penstock.core.run import DEFINITION, UNCACHED, VERSION, Run, StepState, edited_definition
from penstock.core.task import Configuration, Status
from penstock.ops.runs import CloneRun, DefineRun
from penstock.ops.tasks import NewTask
from penstock.service.base import handles
from penstock.service.lifecycle import copy_request
from penstock.service.runs import add_run, first_states
from penstock.service.secrets import sealed

if TYPE_CHECKING:
    from penstock.ports import Tx


@handles(DefineRun)
def define_run(tx: Tx, op: DefineRun, now: float) -> Run:
    """Fix the definition of a draft."""
    run = tx.runs.get(op.id)
    if run.task.status is not Status.CREATED:
        raise Conflict(f"run {run.task.name!r} is {run.task.status}; only a draft can be defined anew")
    _define(tx, op.id, checked(op.definition))
    return tx.runs.get(op.id)


@handles(CloneRun)
def clone_run(tx: Tx, op: CloneRun, now: float) -> Run:
    """Record a draft like the source, in its pipeline or in another one."""
    source = tx.runs.get(op.source)
    wanted = op.clone
    name, project = wanted.name or source.pipeline, source.project if wanted.project is None else wanted.project
    task = source.task
    left_out = {
        VERSION,
        REQUEST,
        UNCACHED,
    }  # it gets the next version, and decides anew what it reuses
    runtime = {fact: value for fact, value in task.runtime.items() if fact not in left_out}
    new = NewTask(
        id=wanted.id,
        name=name,
        project=runs_project(project, name),
        parent=wanted.parent or task.id,
        user=wanted.user,
        comment=task.comment if wanted.comment is None else wanted.comment,
        tags=task.tags,
        script=task.script,
        container=task.container,
        queue=task.queue,
        output_uri=task.output_uri,
        runtime=runtime if op.version is None else {**runtime, VERSION: op.version},
    )
    run = add_run(tx, new, project, name, now)
    copy_request(tx, task.id, run.id)
    for artifact in tx.outputs.artifacts(task.id):
        if not artifact.maker:  # what it was given; what its steps made stays with it
            tx.outputs.add_artifact(replace(artifact, task=run.id))
    definition = asked_definition(tx, source)
    if definition.steps:
        _define(tx, run.id, replace(definition, name=name, project=project))
    return tx.runs.get(run.id)


def asked_definition(tx: Tx, run: Run) -> Pipeline:
    """Return what a run was asked to carry out; of a draft, as people may have edited it."""
    edited = [one.text for one in tx.settings.configurations(run.id) if one.name == DEFINITION]
    if run.number or not edited:
        return tx.runs.definition(run.id)
    return edited_definition(edited[0], run.id, "correct it before the run is cloned")


def states_of(tx: Tx, run: Run) -> list[StepState]:
    """Return where the steps of a run stand; of one that has not begun, where they will when it does."""
    if run.number:
        return tx.steps.list(run.id)
    return first_states(tx, run.id, checked(asked_definition(tx, run)))


def _define(tx: Tx, run: str, definition: Pipeline) -> None:
    definition = sealed(tx, run, definition)
    tx.runs.define(run, definition)
    text = msgspec.json.format(msgspec.json.encode(definition)).decode()
    note = "what the run carries out when always_create_from_code is False"
    tx.settings.set_configuration(run, Configuration(name=DEFINITION, text=text, format="json", description=note))
