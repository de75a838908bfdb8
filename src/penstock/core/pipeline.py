"""What a pipeline is: its parameters, its steps, and the code that they run. A definition is complete before it runs.

`checked` is the one door: it finds the parents that references imply, refuses what cannot run, and says why. Nothing
here knows how a step is run or where a definition is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import cast

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from penstock.core import refs
from penstock.core.errors import BadPipeline, BadReference
from penstock.core.names import did_you_mean
from penstock.core.progress import Node, Progress
from penstock.core.task import Container, Json, Parameter, Script, TaskType

PIPELINE = "pipeline"  # the word that stands for the pipeline itself in a reference, so no step may have it
LONGEST_NAME = 256

# What `${step.word}` may name besides a declared return: plain fields of the step's task.
FIELDS = frozenset({"comment", "name", "project", "status", "tags", "system_tags", "type"})


class Argument(Struct, frozen=True, kw_only=True):
    """One argument of a function step.

    Args:
        value: The value, when it is plain: it may hold references, also deep inside lists and dicts.
        artifact: Name of the run's artifact that holds the value, when it is not plain.
        references: The references inside that artifact's value; those of `value` are read from it.
    """

    value: Json = None
    artifact: str | None = None
    references: tuple[str, ...] = ()

    def refs(self) -> Iterator[refs.Ref]:
        """Every reference in the argument."""
        yield from refs.references(self.value)
        yield from refs.references(self.references)


class Base(Struct, frozen=True, kw_only=True):
    """The recorded task that a step carries out again.

    Args:
        task: Its id; empty when a function of the script makes it at the launch.
        clone: Whether a clone of it is carried out, or it itself, while it is a draft.
    """

    task: str = ""
    clone: bool = True


class Step(Struct, frozen=True, kw_only=True):
    """One node of a pipeline. The arguments are those of `PipelineController.add_function_step` and `add_step`.

    Args:
        code: Key of its script in `Pipeline.code`.
        base: The task that it carries out; None for a function.
        arguments: What a function is called with, by name; the parameters of a base task that are overridden, by
            `Section/name`.
        configurations: Configuration objects of a base task that are overridden: texts, or dicts that become JSON.
        overrides: Other facts about a base task that are overridden, by the paths of `task_overrides`.
        retries: How many more tries a failed step gets.
        time_limit: Seconds that one try may run.
        callbacks: Names of the arguments by which the script gave it functions to call.
        interactive options of the documented API (`monitor_*`, `cache`, ...) are recorded as they were given.
    """

    name: str
    code: str
    base: Base | None = None
    parents: tuple[str, ...] = ()
    arguments: dict[str, Argument] = field(default_factory=dict[str, Argument])
    configurations: dict[str, Argument] = field(default_factory=dict[str, Argument])
    overrides: dict[str, Argument] = field(default_factory=dict[str, Argument])
    returns: tuple[str, ...] = ()
    task_name: str | None = None
    task_type: TaskType = TaskType.TRAINING
    project: str | None = None
    queue: str | None = None
    container: Container | None = None
    output_uri: str | None = None
    tags: tuple[str, ...] = ()
    stage: str | None = None
    draft: bool = False
    cache: bool = False
    time_limit: float | None = None
    retries: int = 0
    continue_on_fail: bool = False
    continue_on_abort: bool = False
    skip_children_on_fail: bool = True
    skip_children_on_abort: bool = True
    callbacks: tuple[str, ...] = ()
    monitor_metrics: tuple[Json, ...] = ()
    monitor_artifacts: tuple[Json, ...] = ()
    monitor_models: tuple[Json, ...] = ()
    connect: dict[str, Json] = field(default_factory=dict[str, Json])


class Pipeline(Struct, frozen=True, kw_only=True):
    """A pipeline's definition: everything that a run of it needs to know.

    Args:
        name: Its name, without a run number.
        project: The project that the user named; runs live in `runs_project`.
        code: Every script that a step runs, under the hash of its text, so that steps of one function share it.
        target_project: Project of the step tasks; None means that of the run, an empty text that of the pipeline, and
            for clones that of their base task.
        serializer, deserializer: Keys in `code` of the user's own functions for artifacts.
        time_limit: Seconds that a run may take; then it is stopped.
        from_code: Whether a later run of it is built by its script anew, and not by this definition.
        grows: Whether a function of the script adds its steps while it runs; `steps` are those that it added so far.
    """

    name: str
    project: str
    steps: tuple[Step, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    code: dict[str, Script] = field(default_factory=dict[str, Script])
    default_queue: str | None = None
    target_project: str | None = None
    add_pipeline_tags: bool = False
    abort_on_failure: bool = False
    output_uri: str | None = None
    serializer: str | None = None
    deserializer: str | None = None
    time_limit: float | None = None
    from_code: bool = True
    grows: bool = False

    def step(self, name: str) -> Step:
        """Return the step of this name; raise BadReference when there is none."""
        found = next((step for step in self.steps if step.name == name), None)
        if found is None:
            raise _unknown_step(name, [step.name for step in self.steps], f"the pipeline {self.name!r}")
        return found


def runs_project(project: str, name: str) -> str:
    """Return the hidden project in which the runs of a pipeline live, as the documented API lays it out."""
    return f"{project}/.pipelines/{name}" if project else f".pipelines/{name}"


def script_key(script: Script) -> str:
    """Return the key under which a pipeline keeps this script."""
    return hashlib.sha256(msgspec.json.encode(script)).hexdigest()[:16]


def code_hash(pipeline: Pipeline) -> str:
    """Return a hash of the pipeline's code and graph: what a new version number is about.

    Values of arguments and defaults of parameters do not count: changing them does not change the code.
    """
    keys = {key: script_key(script) for key, script in pipeline.code.items()}
    graph = [
        (step.name, sorted(step.parents), keys.get(step.code), sorted(step.arguments), step.returns)
        for step in pipeline.steps
    ]
    parameters = sorted(parameter.path for parameter in pipeline.parameters)
    return hashlib.sha256(msgspec.json.encode((sorted(graph, key=str), sorted(keys.values()), parameters))).hexdigest()


def check_name(name: str) -> None:
    """Raise BadPipeline unless a step may have this name."""
    if name == PIPELINE:
        raise BadPipeline(
            f"a step cannot be called {PIPELINE!r}: ${{{PIPELINE}.x}} means the pipeline's own parameters",
            hint="choose another name for the step",
        )
    if not name or len(name) > LONGEST_NAME or not name.isprintable() or set("{}$/") & set(name):
        raise BadPipeline(
            f"{name!r} cannot be the name of a step",
            hint=f"a name has 1 to {LONGEST_NAME} printable characters, and none of the four {{ }} $ /",
        )


def checked(pipeline: Pipeline) -> Pipeline:
    """Return the pipeline with the parents that its references imply; raise when it cannot run.

    Raises:
        BadPipeline: Two steps have one name, a name is reserved, a parent is missing, or the steps form a cycle.
        BadReference: A reference names no step, parameter or output; the message names the step and the argument.
    """
    scope = Scope(pipeline)
    steps = tuple(replace(step, parents=scope.parents(step)) for step in pipeline.steps)
    complete = replace(pipeline, steps=steps)
    Progress(plan(steps))
    return complete


def changes(old: Pipeline, new: Pipeline) -> list[str]:
    """Return sentences that say in what two checked definitions would run otherwise; none when they run the same."""
    before, after = ({step.name: step for step in one.steps} for one in (old, new))
    found = [f"step {name!r} was {'added' if name in after else 'removed'}" for name in before.keys() ^ after.keys()]
    for name in [name for name in after if name in before]:
        found += [f"{what} of step {name!r} changed" for what in _step_changes(old, before[name], new, after[name])]
    defaults, values = ({one.name: (one.type, one.value) for one in each.parameters} for each in (old, new))
    for name in sorted(defaults.keys() | values.keys()):
        if defaults.get(name) != values.get(name):
            found.append(f"parameter {name!r} changed")
    return found


def _step_changes(old: Pipeline, before: Step, new: Pipeline, after: Step) -> Iterator[str]:
    former, latter = old.code[before.code], new.code[after.code]
    if (former.source, former.entry_point) != (latter.source, latter.entry_point):
        yield "the code"
    if before.arguments != after.arguments:
        yield "an argument"
    if set(before.parents) != set(after.parents):
        yield "a parent"
    if replace(before, code="", arguments={}, parents=()) != replace(after, code="", arguments={}, parents=()):
        yield "an option"


def plan(steps: Iterable[Step]) -> list[Node]:
    """Return what the planner needs to know of the steps."""
    return [
        Node(
            name=step.name,
            parents=step.parents,
            retries=step.retries,
            continue_on_fail=step.continue_on_fail,
            continue_on_abort=step.continue_on_abort,
            skip_children_on_fail=step.skip_children_on_fail,
            skip_children_on_abort=step.skip_children_on_abort,
        )
        for step in steps
    ]


class Scope:
    """What the references of a pipeline may name."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.steps: Mapping[str, Step] = _by_name(pipeline.steps)
        self.parameters = {parameter.name for parameter in pipeline.parameters}

    def parents(self, step: Step) -> tuple[str, ...]:
        """Return the step's parents: those given, then those that its references imply."""
        found = dict.fromkeys(step.parents)
        for parent in found:
            if parent not in self.steps:
                raise _unknown_parent(step.name, parent, self.steps)
        for place, reference in references(step, self.steps):
            self.check(reference, f"step {step.name!r}, {place}")
            if not isinstance(reference, refs.PipelineValue):
                found[reference.step] = None
        return tuple(found)

    def check(self, reference: refs.Ref, where: str) -> None:
        """Raise BadReference unless the reference names something that can exist when it is looked up."""
        match reference:
            case refs.PipelineValue(name=name):
                self._check_parameter(name, reference.text, where)
            case refs.StepValue(step=step, name=name):
                found = self._step(step, where, reference.text)
                if found.base is None and name not in (*found.returns, *FIELDS) and not reference.artifact:
                    raise _unknown_output(name, found.returns, step, f"{where}: {reference.text}")
            case refs.StepParameter(step=step, name=name):
                self._check_step_parameter(self._step(step, where, reference.text), name, f"{where}: {reference.text}")
            case _:
                self._step(reference.step, where, reference.text)

    def _step(self, name: str, where: str, text: str) -> Step:
        if name not in self.steps:
            raise _unknown_step(name, list(self.steps), f"{where}: {text}")
        return self.steps[name]

    def _check_parameter(self, name: str, text: str, where: str) -> None:
        if name not in self.parameters and name != "id":
            raise BadReference(
                f"{where}: {text} names no parameter of the pipeline",
                hint=did_you_mean(name, self.parameters, f"add it with add_parameter({name!r}, default=...)"),
            )

    @staticmethod
    def _check_step_parameter(step: Step, path: str, where: str) -> None:
        section, _, name = path.partition("/")
        if step.base is not None:
            return  # what a task records is known when it has run
        known = {"kwargs": list(step.arguments), "return": list(step.returns)}.get(section)
        if known is not None and name not in known:
            raise BadReference(f"{where} names no parameter of step {step.name!r}", hint=did_you_mean(name, known, ""))


def configurations(step: Step, steps: Collection[str]) -> dict[str, Argument]:
    """Return the step's configurations, in which nothing but what names these steps or the pipeline is a reference.

    Formats such as HOCON write `${...}` too, and mean something of their own.
    """
    own = step.configurations.items()
    return {name: replace(one, value=cast("Json", refs.quote(one.value, steps))) for name, one in own}


def references(step: Step, steps: Collection[str]) -> Iterator[tuple[str, refs.Ref]]:
    """Yield every reference of a step, each behind the place where it stands.

    Args:
        steps: The names of all steps of the pipeline.

    Raises:
        BadReference: One of them is none of the forms.
    """
    word = "argument" if step.base is None else "parameter"
    given = [(f"{word} {name!r}", one) for name, one in step.arguments.items()]
    given += [(f"configuration {name!r}", one) for name, one in configurations(step, steps).items()]
    given += [(f"task override {name!r}", one) for name, one in step.overrides.items()]
    for place, argument in given:
        try:
            for reference in argument.refs():
                yield place, reference
        except BadReference as error:
            raise BadReference(f"step {step.name!r}, {place}: {error.message}", hint=error.hint) from None
    for reference in refs.references(step.queue or ""):
        yield "execution queue", reference


def _by_name(steps: Iterable[Step]) -> dict[str, Step]:
    found: dict[str, Step] = {}
    for step in steps:
        check_name(step.name)
        if step.name in found:
            raise duplicate(step.name)
        found[step.name] = step
    return found


def duplicate(name: str) -> BadPipeline:
    """Return the error for a second step of one name."""
    return BadPipeline(f"a step named {name!r} already exists in the pipeline", hint="give each step its own name")


def _unknown_step(name: str, known: list[str], where: str) -> BadReference:
    return BadReference(
        f"{where}: there is no step {name!r}", hint=did_you_mean(name, known, "the pipeline has no steps yet")
    )


def _unknown_parent(step: str, parent: str, known: Iterable[str]) -> BadPipeline:
    return BadPipeline(f"step {step!r} has an unknown parent {parent!r}", hint=did_you_mean(parent, known, ""))


def _unknown_output(name: str, declared: Iterable[str], step: str, where: str) -> BadReference:
    return BadReference(
        f"{where} names no output of step {step!r}",
        hint=did_you_mean(name, declared, f"declare it with function_return=[{name!r}] at step {step!r}"),
    )
