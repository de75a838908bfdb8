"""What a step that carries out a recorded task is given: the task's own request, changed as the step says.

It reads the task and never changes it; what comes out is a record of its own, unless the task itself is carried out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import cast

from msgspec import Struct
from msgspec.structs import replace

from penstock.backend import Backend
from penstock.core import refs
from penstock.core.assignment import Resolved
from penstock.core.errors import BadParameter, Invalid, NotFound
from penstock.core.outputs import Artifact
from penstock.core.parameters import cast as as_type
from penstock.core.parameters import plain, restore
from penstock.core.pipeline import Argument, Pipeline, Step, configurations
from penstock.core.run import RETURNS
from penstock.core.secret import SECRET, is_seal
from penstock.core.task import Configuration, Json, Parameter, ScriptKind, Status, Task
from penstock.ops.outputs import GetArtifact
from penstock.ops.tasks import GetConfigurations, GetParameters, GetTask, NewTask
from penstock.run.launch import Prepared, place_of, queue_of
from penstock.run.lookup import Lookup
from penstock.run.overrides import override

ARTIFACTS, ARGUMENTS, RETURNED = "kwargs_artifacts", "kwargs", "return"


class Request(Struct, frozen=True, kw_only=True):
    """What a task is asked to do.

    Args:
        adopted: Whether the task itself is carried out, and not a clone of it.
    """

    task: Task
    parameters: tuple[Parameter, ...]
    configurations: tuple[Configuration, ...]
    adopted: bool = False


def read(backend: Backend, run: str, step: Step, made: str | None, complain: Callable[[str], None]) -> Request:
    """Return what the base task of a step is asked to do.

    Args:
        run: Id of the run that asks.
        made: Id of the task that the step's factory made for this attempt; None without one.
        complain: Takes a sentence about a task that cannot be carried out itself.

    Raises:
        Invalid: The step carries out no task, or its factory made none.
        NotFound: The task is not there any more.
    """
    base = step.base
    if base is None or not (made or base.task):
        raise Invalid(f"step {step.name!r} carries out no recorded task")
    try:
        task = backend.call(GetTask(id=made or base.task))
    except NotFound as error:
        raise NotFound(f"step {step.name!r}: its base task is gone: {error.message}") from None
    adopted = bool(made) or not base.clone
    if adopted and (task.status is not Status.CREATED or task.run is not None):
        adopted = False
        if (task.run, task.step) != (run, step.name):  # an earlier try of the step ran it; that it did is no news
            complain(f"step {step.name!r}: task {task.name!r} is no draft but {task.status}; a clone of it runs")
    return Request(
        task=task,
        parameters=tuple(one for one in backend.call(GetParameters(task=task.id)) if one.section != RETURNED),
        configurations=tuple(backend.call(GetConfigurations(task=task.id))),
        adopted=adopted,
    )


def prepare(
    pipeline: Pipeline, run: Task, step: Step, lookup: Lookup, asked: Request, artifact: Callable[[str, str], Artifact]
) -> Prepared:
    """Look the step's references up and return the attempt, ready to be recorded.

    Args:
        artifact: Returns an artifact by its task and name.

    Raises:
        NotFound, BadReference: A reference turns out to name nothing.
        Invalid: An override is none that the task can take.
    """
    texts = configurations(step, [one.name for one in pipeline.steps])
    given = (*step.arguments.values(), *texts.values(), *step.overrides.values())
    references = {ref.text: lookup.resolve(ref) for one in given for ref in one.refs()}
    values = {path: _value(one, references) for path, one in step.arguments.items()}
    parameters = _parameters(asked.parameters, values)
    new = _new(pipeline, run, step, lookup, asked)
    new = replace(
        new,
        parameters=parameters,
        configurations=_configurations(asked.configurations, texts, references),
    )
    for path, one in step.overrides.items():
        new = override(new, path, _value(one, references))
    if new.script.kind is ScriptKind.FUNCTION:
        return replace(call_of(new, artifact), settings=settings(new, _called_with(new)))
    return Prepared(
        new=new, arguments=step.arguments, references=references, settings=settings(new, step.arguments), by_path=True
    )


def settings(new: NewTask, apart: Iterable[str]) -> dict[str, object]:
    """Return what decides what a task makes beside its code: parameters, and the texts of its configurations.

    Args:
        apart: Paths of parameters that are told apart already.
    """
    left_out = set(apart)
    found: dict[str, object] = {one.path: restore(one) for one in new.parameters if one.path not in left_out}
    return found | {f"configuration {one.name}": one.text for one in new.configurations}


def _called_with(new: NewTask) -> list[str]:
    return [one.path for one in new.parameters if one.section in {ARGUMENTS, ARTIFACTS}]


def _new(pipeline: Pipeline, run: Task, step: Step, lookup: Lookup, asked: Request) -> NewTask:
    task = asked.task
    tags = (f"pipe: {run.id}",) if pipeline.add_pipeline_tags else ()
    return NewTask(
        id=task.id if asked.adopted else "",
        adopted=asked.adopted,
        name=task.name if asked.adopted else step.name,
        project=task.project if asked.adopted else place_of(step, pipeline, run, task.project),
        type=task.type,
        user=run.user,
        comment=task.comment,
        tags=tuple(dict.fromkeys((*task.tags, *step.tags, *tags))),
        script=task.script,
        container=task.container,
        queue=queue_of(step, pipeline, lookup) or task.queue,
        output_uri=step.output_uri or task.output_uri or pipeline.output_uri,
        runtime={RETURNS: task.runtime[RETURNS]} if RETURNS in task.runtime else {},
    )


def _value(given: Argument, references: Mapping[str, Resolved]) -> object:
    """Return what is recorded for an override; an artifact is given by its URL."""

    def lookup(reference: refs.Ref) -> object:
        found = references[reference.text]
        return found.value if found.artifact is None else found.text

    return refs.resolve(given.value, lookup, lambda reference: references[reference.text].text)


def _parameters(asked: Iterable[Parameter], values: Mapping[str, object]) -> tuple[Parameter, ...]:
    """Return the parameters of the task with those that are overridden, each in its type where the value fits it."""
    known = {one.path: one for one in asked}
    for path, value in values.items():
        section, _, name = path.partition("/")
        known[path] = _overridden(known.get(path, Parameter(section=section, name=name, value=None)), value)
    return tuple(known.values())


def _overridden(before: Parameter, value: object) -> Parameter:
    held = plain(value, before.path)
    if before.type:
        with suppress(BadParameter):
            return replace(before, value=as_type(before, value))
    kind = "float" if isinstance(value, float) else type(held).__name__  # what is no number is held as a text
    return replace(before, value=held, type="" if held is None else SECRET if is_seal(held) else kind)


def _configurations(
    asked: Iterable[Configuration], overrides: Mapping[str, Argument], references: Mapping[str, Resolved]
) -> tuple[Configuration, ...]:
    known = {one.name: one for one in asked}
    for name, given in overrides.items():
        value = _value(given, references)
        before = known.get(name, Configuration(name=name, text=""))
        if isinstance(value, str):
            known[name] = replace(before, text=value)
        else:
            known[name] = replace(before, text=json.dumps(value, indent=2), format="json")
    return tuple(known.values())


def call_of(new: NewTask, artifact: Callable[[str, str], Artifact]) -> Prepared:
    """Return the attempt of a task that is a function: its parameters are what it is called with.

    Args:
        artifact: Returns an artifact by its task and name.

    Raises:
        NotFound: An artifact that it is to be called with is not there any more.
    """
    arguments: dict[str, Argument] = {}
    inputs: dict[str, Artifact] = {}
    for one in new.parameters:
        if one.section == ARGUMENTS:
            arguments[one.name] = Argument(value=cast("Json", refs.quote(restore(one))))
        elif one.section == ARTIFACTS:
            source, _, name = str(one.value).partition(".")
            inputs[one.name] = artifact(source, name)
            arguments[one.name] = Argument(artifact=one.name)
    returns = tuple(json.loads(new.runtime.get(RETURNS, "[]")))
    return Prepared(new=new, arguments=arguments, references={}, inputs=inputs, returns=returns)


def stored_artifact(backend: Backend) -> Callable[[str, str], Artifact]:
    """Return what finds an artifact by its task and name."""
    return lambda task, name: backend.call(GetArtifact(task=task, name=name))
