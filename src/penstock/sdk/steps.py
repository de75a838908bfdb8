"""From the arguments of `add_function_step` to a step's definition; bad input is refused before anything is stored."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from msgspec import Struct

from penstock.core import refs
from penstock.core.errors import Invalid
from penstock.core.monitor import monitors
from penstock.core.names import did_you_mean
from penstock.core.parameters import is_plain, plain
from penstock.core.pipeline import Argument, Step, check_name, script_key
from penstock.core.task import Json, Script
from penstock.run import stand_in
from penstock.run.callbacks import FACTORY
from penstock.sdk.function import Standalone, arguments, standalone
from penstock.sdk.given import container, requirements, task_type, time_limit, words

Function = Callable[..., object]
Retry = Callable[..., bool]
BEHAVIOUR = ("continue_on_fail", "continue_on_abort", "skip_children_on_fail", "skip_children_on_abort")
MONITORS = ("monitor_metrics", "monitor_artifacts", "monitor_models")
CALLBACKS = ("pre_execute_callback", "post_execute_callback", "status_change_callback", "retry_on_failure", FACTORY)


class Given(Struct, frozen=True):
    """An argument of which it is known already how the step is given it.

    Args:
        value: What is stored as an artifact of the run, where the argument names one.
    """

    argument: Argument
    value: object = None


class NewStep(Struct, frozen=True, kw_only=True):
    """A step, its script, and what the script keeps of it.

    Args:
        values: Those of its arguments that have to be stored as artifacts of the run.
        functions: The user's functions to call while it goes, each under one of `CALLBACKS`.
    """

    step: Step
    script: Script
    values: dict[str, object]
    functions: Mapping[str, Function]


def new_step(
    name: str,
    function: Function,
    given: Mapping[str, Any],
    *,
    skip_global_imports: bool,
    default_retry: int | Retry | None,
    source: Standalone | None = None,
) -> NewStep:
    """Return the step that these arguments of `add_function_step` define.

    Args:
        source: The function as a module of its own, where it was made one before.

    Raises:
        NotStandalone: The function cannot be made a task of its own.
        Invalid: An argument makes no sense; the message names the step and the argument.
    """
    check_name(name)
    helpers = given["helper_functions"] or ()
    source = source or standalone(function, helpers=helpers, skip_global_imports=skip_global_imports)
    script = _script(source, given)
    bound = arguments(function, given["function_kwargs"], name)
    read = {key: _argument(name, key, value) for key, value in bound.items()}
    retry = default_retry if given["retry_on_failure"] is None else given["retry_on_failure"]
    called = functions(name, {**given, "retry_on_failure": retry})
    step = common(
        name,
        given,
        retry,
        code=script_key(script),
        arguments=read,
        returns=_returns(name, given["function_return"]),
        task_name=given["task_name"],
        task_type=task_type(given["task_type"]),
        project=given["project_name"],
        container=container(given["docker"], given["docker_args"], given["docker_bash_setup_script"]),
        tags=tuple(words(given["tags"])),
        draft=bool(given["draft"]),
        callbacks=tuple(called),
        connect={key: plain(given[key], key) for key in ("auto_connect_frameworks", "auto_connect_arg_parser")},
    )
    values = {key: _value(bound[key]) for key, argument in read.items() if argument.artifact is not None}
    return NewStep(step=step, script=script, values=values, functions=called)


def common(name: str, given: Mapping[str, Any], retry: int | Retry | None, **own: Any) -> Step:
    """Return a step from the arguments that functions and tasks share, and those that only this kind has.

    Raises:
        Invalid: An argument makes no sense; the message names the step and the argument.
    """
    return Step(
        name=name,
        parents=tuple(_names(name, "parents", given["parents"])),
        queue=given["execution_queue"],
        output_uri=_uri(given["output_uri"]),
        stage=given["stage"],
        cache=bool(given["cache_executed_step"]),
        time_limit=time_limit(f"step {name!r}", given["time_limit"]),
        retries=_retries(name, retry),
        **own,
        **_monitors(name, given),
        **_behaviour(name, given["continue_on_fail"], given["continue_behaviour"]),
    )


def _script(source: Standalone, given: Mapping[str, Any]) -> Script:
    return Script(
        source=source.source,
        entry_point=source.name,
        repository=given["repo"],
        branch=given["repo_branch"],
        commit=given["repo_commit"],
        working_dir=given["working_dir"],
        packages=requirements(given["packages"]),
        modules=source.modules,
        interpreter=platform.python_version(),
        stands_for=stand_in.get(),
    )


def _argument(step: str, name: str, value: object) -> Argument:
    """Return how a value is given to the step: itself when it is plain, else as an artifact of the run."""
    if isinstance(value, Given):
        return value.argument
    found = tuple(reference.text for reference in refs.references(value))
    if is_plain(value) or (found and is_json(value)):
        return Argument(value=cast("Json", value))
    return Argument(artifact=f"{step}.{name}", references=found)


def _value(value: object) -> object:
    return value.value if isinstance(value, Given) else value


def is_json(value: object) -> bool:
    if type(value) is list:
        return all(is_json(item) for item in cast("list[object]", value))
    if type(value) is dict:
        pairs = cast("dict[object, object]", value).items()
        return all(type(key) is str and is_json(item) for key, item in pairs)
    return is_plain(value)


def _returns(step: str, names: Iterable[str] | str | None) -> tuple[str, ...]:
    found = _names(step, "function_return", names)
    if doubled := {name for name in found if found.count(name) > 1}:
        raise Invalid(f"step {step!r}: function_return names {sorted(doubled)} more than once")
    if unfit := [name for name in found if not name or not name.isprintable()]:
        raise Invalid(f"step {step!r}: function_return cannot hold the name {unfit[0]!r}")
    return tuple(found)


def _names(step: str, argument: str, names: Iterable[str] | str | None) -> list[str]:
    found = [names] if isinstance(names, str) else list(names or ())
    for one in found:
        if not isinstance(one, str):  # pyright: ignore[reportUnnecessaryIsInstance] - users need not type-check
            raise Invalid(f"step {step!r}: {argument} must be a list of names, not hold {one!r}")
    return found


def _retries(step: str, retry: object) -> int:
    if retry is None or callable(retry):
        return 0
    if isinstance(retry, bool) or not isinstance(retry, int) or retry < 0:
        raise Invalid(f"step {step!r}: retry_on_failure must be a number from 0 or a function, not {retry!r}")
    return retry


def _behaviour(step: str, continue_on_fail: object, behaviour: Mapping[str, bool] | None) -> dict[str, Any]:
    if behaviour is None:
        return {"continue_on_fail": bool(continue_on_fail)}
    for key in behaviour:
        if key not in BEHAVIOUR:
            raise Invalid(f"step {step!r}: continue_behaviour has no {key!r}", hint=did_you_mean(key, BEHAVIOUR, ""))
    return {key: bool(behaviour.get(key, True)) for key in BEHAVIOUR}


def _monitors(step: str, given: Mapping[str, Any]) -> dict[str, Any]:
    try:
        monitors(*(given[name] for name in MONITORS))
    except Invalid as error:
        raise Invalid(f"step {step!r}: {error.message}", hint=error.hint) from None
    return {name: tuple(plain(one, name) for one in given[name] or ()) for name in MONITORS}


def _uri(output_uri: str | bool | None) -> str | None:
    return output_uri if isinstance(output_uri, str) and output_uri else None


def functions(step: str, given: Mapping[str, Any]) -> dict[str, Function]:
    """Return the callbacks that are given; raise Invalid for one that cannot be called."""
    found: dict[str, Function] = {}
    for name in CALLBACKS:
        function = given.get(name)
        if callable(function):
            found[name] = function
        elif function is not None and name != "retry_on_failure":
            raise Invalid(f"step {step!r}: {name} is {function!r}, and cannot be called", hint="give a function")
    return found
