"""What becomes of secrets that runs are given: sealed where a definition comes in, handed on, opened for who runs it.

It must never know where secrets are kept, nor what a step does with one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from penstock.core.errors import BadParameter, Conflict
from penstock.core.names import did_you_mean
from penstock.core.parameters import Declared
from penstock.core.pipeline import Pipeline
from penstock.core.secret import SECRET, Secret, seals
from penstock.core.task import Parameter, Status
from penstock.ops.secrets import OpenSecrets
from penstock.service.base import handles

if TYPE_CHECKING:
    from penstock.ports import Tx


@handles(OpenSecrets)
def open_secrets(tx: Tx, op: OpenSecrets, now: float) -> dict[str, Secret]:
    """Return the secrets that the task needs."""
    task = tx.tasks.get(op.task)
    if task.status is not Status.IN_PROGRESS:
        hint = "whoever carries a task out may have its secrets, and nobody else"
        raise Conflict(f"task {task.id} is {task.status}: its secrets stay where they are", hint=hint)
    own = tx.secrets.opened(task.id)
    if task.run is None:
        return own
    return {**tx.secrets.opened(task.run, _seals_given(tx, task.id)), **own}


def sealed(tx: Tx, run: str, definition: Pipeline) -> Pipeline:
    """Return a definition with seals in the place of secrets; those that it holds itself are kept with the run."""
    if not any(one.type == SECRET for one in definition.parameters):
        return definition
    names = {one.name for one in definition.parameters if one.type == SECRET}
    declared = {name: Declared() if name in names else one for name, one in definition.declared.items()}
    return replace(definition, parameters=tuple(tx.secrets.sealed(run, definition.parameters)), declared=declared)


def with_secrets(
    tx: Tx, pipeline: str, parameters: tuple[Parameter, ...], secrets: Mapping[str, Secret]
) -> tuple[Parameter, ...]:
    """Return parameters with the seals of secrets that they are to have.

    Raises:
        BadParameter: There is no such parameter, or it is no secret.
    """
    known = {one.name: one for one in parameters}
    for name, secret in secrets.items():
        if name not in known:
            hint = did_you_mean(name, known, "the pipeline has no parameters")
            raise BadParameter(f"pipeline {pipeline!r} has no parameter {name!r}", hint=hint)
        if known[name].type != SECRET:
            kind = known[name].type or "any type"
            hint = f"give it among the other parameters, or declare it: add_parameter({name!r}, param_type='secret')"
            raise BadParameter(f"parameter {name!r} is no secret, but of {kind}", hint=hint)
        known[name] = replace(known[name], value=tx.secrets.seal(secret.text) if secret else None)
    return tuple(known.values())


def give(tx: Tx, run: str, parameters: tuple[Parameter, ...], secrets: Mapping[str, Secret]) -> None:
    """Set the parameters of a run, and keep these secrets with it."""
    tx.settings.set_parameters(
        run, [replace(one, value=secrets[one.name].text) if one.name in secrets else one for one in parameters]
    )


def hand_on(tx: Tx, source: str, target: str) -> None:
    """Give a task the secrets whose seals are in the parameters of another one, which it is a copy of."""
    found = seals([one.value for one in tx.settings.parameters(source)])
    if found:
        for holder in filter(None, (source, tx.tasks.get(source).run)):
            tx.secrets.copy(holder, target, found)


def _seals_given(tx: Tx, attempt: str) -> set[str]:
    """Return the seals in what an attempt is given."""
    assignment = tx.assignments.find(attempt)
    plain: object = msgspec.to_builtins(assignment) if assignment is not None else None
    texts = [one.text for one in tx.settings.configurations(attempt)]
    return seals([plain, texts, [one.value for one in tx.settings.parameters(attempt)]])
