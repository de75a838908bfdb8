"""Carries out one attempt of a step: of a function, loads, gathers the arguments, calls, stores what came back.

This is the code around the user's code. Whatever goes wrong ends in an `Outcome` that says so.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, cast

from penstock.backend import Backend
from penstock.core import refs
from penstock.core.errors import PenstockError
from penstock.core.parameters import is_plain
from penstock.core.pipeline import Argument
from penstock.core.secret import opened
from penstock.core.task import EndReason, Parameter, Script, ScriptKind, Status, Task
from penstock.run import storage
from penstock.run.attempt import AttemptSpec, Outcome
from penstock.run.outcomes import failed, left, raised

if TYPE_CHECKING:
    from penstock.run.remote.outputs import Destination

LONGEST_TEXT = 10_000  # characters of a result that is also recorded as a parameter


def execute(spec: AttemptSpec, backend: Backend) -> Outcome:
    """Carry out the attempt and return how it went. Only what ends the whole process gets past it."""
    if spec.task.script.kind is not ScriptKind.FUNCTION:
        from penstock.run.scripts import run_script  # noqa: PLC0415 - steps that are functions never need it

        return run_script(spec)
    try:
        function = _load(spec.task.script, spec.file)
        own = _custom(spec.serializer), _custom(spec.deserializer)
        values = storage.Values(backend.blobs, spec.scratch, *own, spec.stamps, destination_of(spec.task))
        arguments = _arguments(spec, values)
    except PenstockError as error:
        return failed(EndReason.INPUT, str(error))
    except BaseException as error:  # noqa: BLE001 - the script's own top level may raise anything
        return raised(error)
    try:
        returned = _call(function, arguments)
    except SystemExit as error:
        return left(error, spec.returns)
    except BaseException as error:  # noqa: BLE001 - so may the function
        return raised(error)
    try:
        named = named_results(spec.returns, returned, spec.task.script.entry_point)
        artifacts = tuple(values.store(spec.task.id, name, value) for name, value in named.items())
    except PenstockError as error:
        return failed(EndReason.OUTPUT, str(error))
    parameters = tuple(_parameter(name, value) for name, value in named.items() if _is_short(value))
    return Outcome(status=Status.COMPLETED, artifacts=artifacts, parameters=parameters, stamps=values.written)


def destination_of(task: Task) -> Destination | None:
    """Return where copies of what a task stores are sent; None for nowhere, which costs nothing."""
    if not task.output_uri:
        return None
    from penstock.run.remote.outputs import destination  # noqa: PLC0415 - few tasks need it

    return destination(task)


def _load(script: Script, file: str) -> Callable[..., object]:
    """Run the script as `__main__`, so that what it defines can be found there, and return its entry point."""
    module = ModuleType("__main__")
    module.__file__ = file
    sys.modules["__main__"] = module
    sys.argv = [file]
    exec(compile(script.source, file, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - running the user's step is the point
    function: Callable[..., object] = module.__dict__[script.entry_point]
    return function


def _custom(script: Script | None) -> Callable[..., object] | None:
    if script is None:
        return None
    names: dict[str, object] = {"__name__": "penstock_serialization"}
    exec(compile(script.source, f"<{script.entry_point}>", "exec", dont_inherit=True), names)  # noqa: S102 - the user's own serializer
    function = names[script.entry_point]
    return function if callable(function) else None


def _arguments(spec: AttemptSpec, values: storage.Values) -> dict[str, object]:
    def lookup(reference: refs.Ref) -> object:
        found = spec.references[reference.text]
        return opened(found.value, spec.secrets) if found.artifact is None else values.load(found.artifact)

    def as_text(reference: refs.Ref) -> str:
        return str(opened(spec.references[reference.text].text, spec.secrets))

    def read(argument: Argument) -> object:
        if argument.artifact is None:
            return opened(refs.resolve(argument.value, lookup, as_text), spec.secrets)
        value = values.load(spec.inputs[argument.artifact])
        return refs.resolve(value, lookup, as_text) if argument.references else value

    return {name: read(argument) for name, argument in spec.arguments.items()}


def _call(function: Callable[..., object], arguments: Mapping[str, object]) -> object:
    """Call with arguments by name; those that the signature takes by position only go by position."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):
        return function(**arguments)
    first = [one.name for one in parameters if one.kind is one.POSITIONAL_ONLY and one.name in arguments]
    rest = {name: value for name, value in arguments.items() if name not in first}
    return function(*(arguments[name] for name in first), **rest)


def named_results(names: tuple[str, ...], returned: object, function: str) -> dict[str, object]:
    """Return the results under their names: one name takes the whole value, several take one item each."""
    if not names:
        return {}
    if len(names) == 1:
        return {names[0]: returned}
    expected = f"{len(names)} values ({', '.join(names)})"
    if not isinstance(returned, tuple | list):
        raise _mismatch(f"{function} returned a {type(returned).__name__}, but its step declares {expected}")
    items = cast("Sequence[object]", returned)
    if len(items) != len(names):
        raise _mismatch(f"{function} returned {len(items)} values, but its step declares {expected}")
    return dict(zip(names, items, strict=True))


def _mismatch(message: str) -> PenstockError:
    return PenstockError(message, hint="make function_return name as many values as the function returns")


def _is_short(value: object) -> bool:
    """Return whether the value is recorded as a parameter too: a long text is kept as an artifact alone."""
    return is_plain(value) and not (isinstance(value, str) and len(value) > LONGEST_TEXT)


def _parameter(name: str, value: object) -> Parameter:
    kind = "" if value is None else type(value).__name__
    return Parameter(section="return", name=name, value=value, type=kind)  # type: ignore[arg-type]
