"""Follows click, and typer, which is click or brings a click of its own: what each command gets goes to the task.

A task's value is handed to click as if the command line had it, so that click checks and converts it as always. The
parameters of a command within a group are named `command/parameter`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from enum import Enum
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from penstock.core.flat import Path, is_items, join
from penstock.core.secret import MASK
from penstock.core.task import Parameter
from penstock.run.arguments.patches import Patches, Place
from penstock.run.arguments.recording import RECORDING, Found, attempt
from penstock.run.connecting.values import is_fixed, read_list, record
from penstock.run.imports import is_below, library_folders

COMMAND = "command"  # the parameter of a group that names the command

_NUMBERS = {"integer", "float", "integer range", "float range"}
_HELD = {"text", "boolean", "choice", *_NUMBERS}  # types whose values a parameter holds as they are

_values: WeakKeyDictionary[Any, dict[str, Parameter]] = WeakKeyDictionary()  # asked for once for each command
_texts: WeakKeyDictionary[Any, dict[str, object]] = WeakKeyDictionary()


def _handle_parse_result(wrapped: Any, parameter: Any, args: Any, kwargs: Any) -> Any:
    """Give a parameter the task's value, and note the text that it had."""
    context, options, rest = _three(*args, **kwargs)
    options = attempt(lambda: _with_assigned(context, parameter, options), options)
    if parameter.name in options:
        _texts.setdefault(context, {})[parameter.name] = options[parameter.name]
    return wrapped(context, options, rest)


def _three(ctx: Any, opts: Any, args: Any) -> tuple[Any, Any, Any]:
    return ctx, opts, args


def _with_assigned(context: Any, parameter: Any, options: Mapping[str, Any]) -> Mapping[str, Any]:
    values = _assigned(context)
    one = values.get(join((*_place(context), str(parameter.name)))) if values and parameter.expose_value else None
    if one is None or one.value is None or one.value == MASK or is_fixed(one):
        return options
    if one.value == "" and not isinstance(parameter.default, str):
        return options
    return {**options, parameter.name: _given(parameter, one.value)}


def _given(parameter: Any, value: Any) -> Any:
    """Return a value as the command line would have given it."""
    if getattr(parameter, "multiple", False) or parameter.nargs != 1:
        items = read_list(value)
        return tuple(tuple(one) if is_items(one) else _text(parameter, one) for one in items)
    return _text(parameter, value)


def _text(parameter: Any, value: Any) -> Any:
    """Return a number as a text: click would cut 2.5 to an integer, but refuses the text."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    name = getattr(getattr(parameter, "type", None), "name", "")
    return str(value) if is_number and (name in _NUMBERS or not hasattr(parameter, "type")) else value


def _make_context(wrapped: Any, command: Any, args: Any, kwargs: Any) -> Any:
    """Call the command that the task names, where the command line says nothing."""
    info_name, given, rest = _name_and_arguments(*args, **kwargs)
    given = attempt(lambda: _chosen(command, info_name, given, rest.get("parent")), given)
    return wrapped(info_name, given, **rest)


def _name_and_arguments(info_name: Any, args: Any, parent: Any = None, **extra: Any) -> tuple[Any, Any, dict[str, Any]]:
    return info_name, args, {"parent": parent, **extra}


def _chosen(command: Any, info_name: Any, given: Sequence[str], parent: Any) -> list[str]:
    if given or not _is_followed(command):
        return list(given)
    values = RECORDING.assigned()
    place = () if parent is None else (*_place(parent), str(info_name))
    name = values.get(join((*place, _command_name(command))))
    if hasattr(command, "resolve_command") and name is not None and name.value:
        before = [
            values.get(join((*place, str(one.name)))) for one in command.params if one.param_type_name == "argument"
        ]
        return [*(str(one.value) for one in before if one is not None), str(name.value)]
    # An empty command line would only show the help, where the command is made so.
    below = join((*place, "")) if place else ""
    return ["--"] if command.no_args_is_help and any(one.startswith(below) for one in values) else []


def _command_name(command: Any) -> str:
    return f"sub{COMMAND}" if any(one.name == COMMAND for one in command.params) else COMMAND


def _invoke(wrapped: Any, command: Any, args: Any, kwargs: Any) -> Any:
    """Record what a command got, before it runs."""
    context = args[0] if args else kwargs["ctx"]
    attempt(lambda: _record(command, context), None)
    return wrapped(*args, **kwargs)


def _record(command: Any, context: Any) -> None:
    if not _is_followed(command):
        return
    place = _place(context)
    found: list[Found] = []
    chosen = context.invoked_subcommand
    if chosen and not getattr(command, "chain", False):
        found.append(Found((*place, _command_name(command)), str(chosen)))
    for one in command.params:
        if one.expose_value and one.name in context.params:
            value = _recorded(one, context.params[one.name], _texts.get(context, {}))
            found.append(Found((*place, str(one.name)), value, str(getattr(one, "help", None) or "")))
    RECORDING.heard(found, place)


def _recorded(parameter: Any, value: Any, texts: Mapping[str, object]) -> object:
    """Return what is recorded of a parameter: its value, or the text from which click can make it again."""
    if value is None or (value != "" and getattr(parameter, "hide_input", False)):
        return value and MASK
    if _is_held(parameter, value):
        return value
    if parameter.name in texts:
        return texts[parameter.name]
    if _is_converted(parameter) and not callable(parameter.default):
        return parameter.default
    # typer takes members by value, click by name
    return value.value if isinstance(value, Enum) and not hasattr(parameter, "type") else value


def _is_held(parameter: Any, value: Any) -> bool:
    """Return whether a parameter of a task holds the value so that click takes it again for the same."""
    if _is_converted(parameter):
        return False
    if hasattr(parameter, "type"):
        return not record(value).fixed
    items = value if is_items(value) else [value]
    return all(isinstance(one, bool | int | float) for one in items)


def _is_converted(parameter: Any) -> bool:
    """Return whether code of the user makes the value, or a type whose values are no plain ones."""
    if hasattr(parameter, "type"):
        return getattr(parameter.type, "name", "") not in _HELD
    # The typer that brings its own click says so in other places.
    told = getattr(getattr(parameter, "type_descriptor", None), "parameter_info", None)
    return bool(getattr(told, "parser", None) or getattr(told, "click_type", None))


def _assigned(context: Any) -> dict[str, Parameter]:
    if context not in _values:
        is_followed = not context.resilient_parsing and _is_followed(context.command)
        _values[context] = RECORDING.assigned() if is_followed else {}
    return _values[context]


def _is_followed(command: Any) -> bool:
    """Return whether a command is the user's own, and not that of a tool which runs the user's code."""
    function = inspect.unwrap(command.callback) if command.callback is not None else None
    code = getattr(function, "__code__", None)
    return code is None or not is_below(code.co_filename, library_folders())


def _place(context: Any) -> Path:
    """Return the names of the commands that lead to a context, without that of the program."""
    names: list[str] = []
    while context.parent is not None:
        names.insert(0, str(context.info_name))
        context = context.parent
    return tuple(names)


def _places(module: ModuleType) -> list[Place]:
    return [
        (module.Parameter, "handle_parse_result", _handle_parse_result),
        (module.Command, "make_context", _make_context),
        (module.Command, "invoke", _invoke),
    ]


COMMANDS = Patches({"click.core": _places, "typer._click.core": _places})
