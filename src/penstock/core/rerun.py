"""What a rerun does with each step: reuse what another run left, run it anew, or leave it out; and why, in sentences.

A step is reused when nothing that it depends on is another than it was: its own definition, the pipeline's parameters
that it refers to, the steps that it builds on. The rest of the world - files, packages, the clock - is no part of it.
Nothing here knows where runs are kept, whether stored bytes are whole, or how a step is carried out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from penstock.core import refs
from penstock.core.errors import BadParameter, Invalid, NotFound
from penstock.core.graph import children
from penstock.core.names import did_you_mean
from penstock.core.parameters import choose
from penstock.core.pipeline import Argument, Pipeline, Step, references
from penstock.core.progress import StepStatus
from penstock.core.run import StepState
from penstock.core.secret import MASK, SECRET, is_seal
from penstock.core.task import Json, Parameter, Script

REQUEST = "rerun"
"""In the runtime of a run: the request to reuse what another run left, as JSON."""

LONGEST_VALUE = 40  # characters of a value in a sentence
GOOD = frozenset({StepStatus.COMPLETED, StepStatus.CACHED})
ENDINGS = {
    StepStatus.FAILED: "it failed",
    StepStatus.ABORTED: "it was aborted",
    StepStatus.SKIPPED: "it was skipped",
}
SAME = "it is unchanged since {run}"
BUILDS_ON = "{parent!r} runs anew, and this step builds on it"
GONE = "the run that it was to be reused from, {run}, is gone"


class Rerun(Struct, frozen=True, kw_only=True):
    """The request to run anew what another run did, in part.

    Args:
        source: Id of that run.
        name: Its name, for people.
        from_step: The step that runs anew, with all that build on it, whatever has changed.
        only: The step that runs anew; of the others only those run that it needs.
    """

    source: str
    name: str
    from_step: str | None = None
    only: str | None = None


class Treatment(StrEnum):
    """What a rerun does with a step."""

    REUSE = "reuse"
    RUN = "run"
    SKIP = "skip"


class PlannedStep(Struct, frozen=True, kw_only=True):
    """What a rerun does with one step.

    Args:
        why: A sentence for people.
        details: Further reasons.
        task: Of a step that is reused, the task whose outputs stand for it.
        fresh: Whether it was asked for by name, or builds on a step that was: then it runs whatever the cache holds.
    """

    step: str
    treatment: Treatment
    why: str
    details: tuple[str, ...] = ()
    task: str | None = None
    fresh: bool = False


class RerunPlan(Struct, frozen=True, kw_only=True):
    """What a rerun does.

    Args:
        changes: What is other than in the run before, in sentences.
        steps: Every step, in the order in which they were added.
    """

    request: Rerun
    changes: tuple[str, ...] = ()
    steps: tuple[PlannedStep, ...] = ()


class Before(Struct, frozen=True, kw_only=True):
    """What is known of the run before.

    Args:
        definition: What it carried out.
        states: Where its steps stand.
        gone: Steps whose outputs cannot be had, each with the reason.
        changed: Names of the new run's artifacts that hold arguments and have other contents than those of before.
    """

    definition: Pipeline
    states: tuple[StepState, ...]
    gone: Mapping[str, str] = {}
    changed: Collection[str] = ()


def recorded(runtime: Mapping[str, str]) -> Rerun | None:
    """Return the request that is recorded with a run; None for a run that is no rerun.

    Raises:
        Invalid: What stands there is no request.
    """
    if REQUEST not in runtime:
        return None
    try:
        return msgspec.json.decode(runtime[REQUEST], type=Rerun)
    except msgspec.MsgspecError as error:
        raise Invalid(f"the fact {REQUEST!r} of the run is no request to run another one anew: {error}") from None


def to_record(request: Rerun) -> dict[str, str]:
    """Return the request as it is recorded with a run."""
    return {REQUEST: msgspec.json.encode(request).decode()}


def set_values(pipeline: Pipeline, values: Mapping[str, Json]) -> tuple[Parameter, ...]:
    """Return the parameters of the pipeline with other values, each in its type.

    Raises:
        BadParameter: The pipeline has no such parameter, or the value does not fit its type, or is none of its choices.
    """
    known = {one.name: one for one in pipeline.parameters}
    for name, value in values.items():
        if name not in known:
            hint = did_you_mean(name, known, "the pipeline has no parameters")
            raise BadParameter(f"pipeline {pipeline.name!r} has no parameter {name!r}", hint=hint)
        known[name] = _with_value(known[name], value, pipeline)
    return tuple(known.values())


def _with_value(one: Parameter, value: Json, pipeline: Pipeline) -> Parameter:
    """Return the parameter with another value; a bare mask leaves a secret as it is."""
    if one.type != SECRET:
        return replace(one, value=choose(one, value, pipeline.declared.get(one.name)))
    if value == MASK:
        return one
    if value and not is_seal(value):
        hint = f"give it by itself: secrets={{{one.name!r}: ...}}, or --secret {one.name}"
        raise BadParameter(f"parameter {one.name!r} is a secret, and is not given among the others", hint=hint)
    return replace(one, value=value or None)


def plan(request: Rerun, before: Before | None, wanted: Pipeline) -> RerunPlan:
    """Return what the rerun does with each step.

    Args:
        before: The run before; None when it is gone, and everything runs.
        wanted: What the new run carries out; checked, so that its steps have all their parents.

    Raises:
        Invalid: Both a step to start from and the only one are named.
        NotFound: There is no step of the name that was asked for.
    """
    former = {step.name: step for step in before.definition.steps} if before and wanted.grows else {}
    _must_make_sense(request, wanted, former)
    steps = {step.name: step for step in wanted.steps}
    differing = _differing(before.definition, wanted) if before else {}
    named = {step.name: parameters_of(step, wanted, steps) & differing.keys() for step in wanted.steps if differing}
    said = {name: [differing[one] for one in sorted(found)] for name, found in named.items()}
    own = _Reasons(request, before, wanted, said) if before else None
    below = children(steps)
    tasks = {state.name: state.task for state in before.states} if before else {}
    needed = _needed(request.only, {**former, **steps})
    runs: dict[str, tuple[str, ...]] = {}
    fresh = set(filter(None, (request.from_step, request.only)))
    for name in _parents_first(steps, below):
        found = _asked(request, name)
        found += own.of(steps[name]) if own else (GONE.format(run=request.name),)
        parent = next((one for one in steps[name].parents if one in runs), None)
        if parent is not None:
            found += (BUILDS_ON.format(parent=parent),)
        if found:
            runs[name] = found
        if request.from_step is not None and name in fresh:
            fresh.update(below[name])
    planned = (_planned(request, name, runs.get(name, ()), tasks.get(name), needed, fresh) for name in steps)
    used = set[str]().union(*named.values())
    unused = "; what the function makes of it shows when it runs" if wanted.grows else "; no step refers to it"
    told = (f"{one}{'' if name in used else unused}" for name, one in differing.items())
    return RerunPlan(request=request, changes=tuple(told), steps=tuple(planned))


def _planned(
    request: Rerun,
    name: str,
    reasons: tuple[str, ...],
    task: str | None,
    needed: Collection[str] | None,
    fresh: Collection[str],
) -> PlannedStep:
    if not reasons:
        why = SAME.format(run=request.name)
        return PlannedStep(step=name, treatment=Treatment.REUSE, why=why, task=task)
    if needed is not None and name not in needed:
        why = f"you asked for {request.only!r} only"
        return PlannedStep(step=name, treatment=Treatment.SKIP, why=why, details=reasons)
    first, *rest = reasons
    return PlannedStep(step=name, treatment=Treatment.RUN, why=first, details=tuple(rest), fresh=name in fresh)


def _must_make_sense(request: Rerun, wanted: Pipeline, former: Collection[str]) -> None:
    """Refuse a request that names what is not there; of a run that grows it may be what the run before had."""
    if request.from_step is not None and request.only is not None:
        raise Invalid(
            f"a rerun starts from a step or carries out one only: {request.from_step!r} and {request.only!r} are named",
            hint="name one of the two",
        )
    known = [*former, *(step.name for step in wanted.steps)]
    for name in filter(None, (request.from_step, request.only)):
        if name not in known:
            hint = did_you_mean(name, known, "it has no steps")
            raise NotFound(f"pipeline {wanted.name!r} has no step {name!r}", hint=hint)


def _asked(request: Rerun, name: str) -> tuple[str, ...]:
    if name == request.from_step:
        return ("you asked to start from this step",)
    return ("you asked for this step",) if name == request.only else ()


def _needed(only: str | None, steps: Mapping[str, Step]) -> set[str] | None:
    """Return the step that alone was asked for, and all that it builds on; None when none was."""
    if only is None:
        return None
    found, todo = {only}, [only]
    while todo:
        fresh = set(steps[todo.pop()].parents) - found
        found |= fresh
        todo += fresh
    return found


def _parents_first(steps: Mapping[str, Step], below: Mapping[str, list[str]]) -> Iterator[str]:
    waiting = {name: len(step.parents) for name, step in steps.items()}
    ready = [name for name, count in waiting.items() if not count]
    while ready:
        name = ready.pop()
        yield name
        for child in below[name]:
            waiting[child] -= 1
            if not waiting[child]:
                ready.append(child)


# What of a step is other than it was


class _Reasons:
    """Says of each step by itself why it cannot be reused.

    Args:
        parameters: By step, what changed of the parameters that it refers to, in sentences.
    """

    def __init__(
        self, request: Rerun, before: Before, wanted: Pipeline, parameters: Mapping[str, Sequence[str]]
    ) -> None:
        self._run = request.name
        self._before = before
        self._wanted = wanted
        self._parameters = parameters
        self._former = {step.name: step for step in before.definition.steps}
        self._states = {state.name: state for state in before.states}
        self._storing = _storing(before.definition) != _storing(wanted)

    def of(self, step: Step) -> tuple[str, ...]:
        """Return the reasons of one step; none when it can be reused, as far as it alone matters."""
        former, state = self._former.get(step.name), self._states.get(step.name)
        if former is None or state is None:
            return (f"it was no step of {self._run}",)
        found = [*self._parameters.get(step.name, ()), *self._changes(former, step)]
        if state.status not in GOOD:
            found.append(f"{ENDINGS.get(state.status, 'it did not run')} in {self._run}")
        elif step.name in self._before.gone:
            found.append(self._before.gone[step.name])
        return tuple(found)

    def _changes(self, former: Step, step: Step) -> Iterator[str]:
        old, new = self._before.definition.code.get(former.code), self._wanted.code.get(step.code)
        if old != new and (old is None or new is None or _decisive(old) != _decisive(new)):
            yield "its code changed"
        word = "argument" if step.base is None else "parameter"
        yield from _other_values(word, former.arguments, step.arguments)
        yield from _other_values("configuration", former.configurations, step.configurations)
        yield from _other_values("task override", former.overrides, step.overrides)
        for name, one in step.arguments.items():
            if one.artifact is not None and one.artifact in self._before.changed:
                yield f"{word} {name!r} has another value"
        if set(former.parents) != set(step.parents):
            yield "the steps that it waits for changed"
        for what, was, now in (
            ("the task that it carries out", former.base, step.base),
            ("what it returns", former.returns, step.returns),
            ("its container", former.container, step.container),
            ("where its outputs are sent", former.output_uri, step.output_uri),
            ("what it connects", former.connect, step.connect),
        ):
            if was != now:
                yield f"{what} changed"
        if self._storing:
            yield "the functions that store and load artifacts changed"


def parameters_of(step: Step, pipeline: Pipeline, steps: Mapping[str, Step]) -> set[str]:
    """Return the names of the pipeline's parameters that a step refers to, wherever in its definition."""
    named = [reference for _, reference in references(step, steps)]
    if not step.queue and pipeline.default_queue:
        named += refs.references(pipeline.default_queue)
    return {one.name for one in named if isinstance(one, refs.PipelineValue)}


def _differing(old: Pipeline, new: Pipeline) -> dict[str, str]:
    """Return the parameters that have other values, each with a sentence that says so."""
    before = {one.name: one for one in old.parameters}
    found: dict[str, str] = {}
    for one in new.parameters:
        former = before.get(one.name)
        if former is None:
            found[one.name] = f"parameter {one.name!r} was added"
        elif _text(former.value) != _text(one.value):
            change = "" if one.type == SECRET else f" from {_short(former.value)} to {_short(one.value)}"
            found[one.name] = f"parameter {one.name!r} changed{change}"
        elif former.type != one.type:
            found[one.name] = f"the type of parameter {one.name!r} changed"
    return found


def _other_values(word: str, old: Mapping[str, Argument], new: Mapping[str, Argument]) -> Iterable[str]:
    for name in dict.fromkeys((*new, *old)):
        if name not in new or name not in old:
            yield f"{word} {name!r} was {'added' if name in new else 'removed'}"
        elif old[name] is not new[name] and _text(old[name]) != _text(new[name]):
            yield f"{word} {name!r} changed"


def _decisive(script: Script) -> Script:
    """Return what of a script decides what it does; which Python recorded it does not."""
    return replace(script, interpreter="", modules=())


def _storing(pipeline: Pipeline) -> list[Script | None]:
    found = (pipeline.code.get(key) if key else None for key in (pipeline.serializer, pipeline.deserializer))
    return [one and _decisive(one) for one in found]


def _text(value: object) -> bytes:
    """Return a text for a value that tells 1, 1.0 and True apart, which are equal in Python."""
    return msgspec.json.encode(value)


def _short(value: Json) -> str:
    shown = repr(value)
    return shown if len(shown) <= LONGEST_VALUE else f"{shown[:LONGEST_VALUE]}..."
