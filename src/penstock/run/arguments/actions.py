"""What an argument of argparse got, as a parameter can hold it, and a task's value as the argument would have got it.

argparse says little about itself in public: what is read of its insides here has been there since it exists.
"""

from __future__ import annotations

import argparse
import re
from argparse import Action, ArgumentParser
from collections.abc import Sequence
from enum import Enum
from typing import Any, TypeAlias, cast

from penstock.core.secret import MASK
from penstock.core.secret_names import is_secret
from penstock.core.task import Parameter
from penstock.run.arguments.recording import Found
from penstock.run.connecting.values import Unfit, fit, is_fixed, read_list, record

Texts: TypeAlias = Sequence[Sequence[str]]  # what the command line had for an argument, a list for each occurrence

HELD = (None, str, int, float, bool)  # types whose values a parameter holds as they are


def inside(owner: Any, name: str) -> Any:
    """Return a part of argparse that has no public name."""
    return getattr(owner, name)


SUBPARSERS: type[Action] = inside(argparse, "_SubParsersAction")
_STORE: type[Action] = inside(argparse, "_StoreAction")
_APPEND: type[Action] = inside(argparse, "_AppendAction")
_CONST: type[Action] = inside(argparse, "_StoreConstAction")
_COUNT: type[Action] = inside(argparse, "_CountAction")
_SILENT = (inside(argparse, "_HelpAction"), inside(argparse, "_VersionAction"), SUBPARSERS)


def arguments(parser: ArgumentParser) -> dict[str, list[Action]]:
    """Return the actions of a parser that set something, by the name under which they set it."""
    found: dict[str, list[Action]] = {}
    for action in cast("list[Action]", inside(parser, "_actions")):
        if action.dest != argparse.SUPPRESS and not isinstance(action, _SILENT):
            found.setdefault(action.dest, []).append(action)
    return found


def found(action: Action, value: object, texts: Texts, prog: str) -> Found:
    """Return an argument as it is recorded.

    Args:
        action: The argument.
        value: What the script got.
        texts: What the command line had; empty when the argument was not given.
        prog: Name of the program, which the help may mention.
    """
    typed = action.type not in HELD and isinstance(action, _STORE | _APPEND)
    if typed and not _is_number(value):
        value = _as_written(action, value, texts)
    return Found((action.dest,), value, _help(action, prog))


def _is_number(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float)


def _as_written(action: Action, value: object, texts: Texts) -> object:
    """Return the texts from which the parser's own type made a value, since it can make it from them again."""
    if not texts:
        return action.default if isinstance(action.default, str) else value
    if isinstance(action, _APPEND):
        before = cast("list[object]", action.default or [])
        if record(before).fixed:
            return value
        return [*before, *(list(one) if _is_several(action) else one[0] for one in texts)]
    if _is_several(action):
        return list(texts[-1])
    if texts[-1]:
        return texts[-1][0]
    return action.const if isinstance(action.const, str) else value


def _is_several(action: Action) -> bool:
    return action.nargs is not None and action.nargs != argparse.OPTIONAL


def _help(action: Action, prog: str) -> str:
    text = action.help
    if not text or text == argparse.SUPPRESS:
        return ""
    if is_secret((action.dest,), action.default):
        return text  # it may want to tell the default
    values = {**vars(action), "prog": prog, "type": getattr(action.type, "__name__", "")}
    return re.sub(r"%\((\w+)\)[a-z]|%%", lambda one: str(values.get(one[1], "")) if one[1] else "%", text)


def is_given(one: Parameter | None) -> bool:
    """Return whether a task has a value for an argument, and not only a mask or what it could not hold."""
    return one is not None and one.value is not None and one.value != MASK and not is_fixed(one)


def assigned(parser: ArgumentParser, actions: Sequence[Action], one: Parameter, now: object) -> object:
    """Return what a task assigns to an argument.

    Args:
        parser: The parser; its own types read texts.
        actions: Those that set this name.
        one: The task's parameter.
        now: What the argument has without it.

    Raises:
        argparse.ArgumentError: The parser would not have taken the value.
    """
    action = actions[0]
    if one.value == MASK or is_fixed(one):
        return now
    if one.value is None or (one.value == "" and not isinstance(action.default, str) and action.type is not str):
        return None
    try:
        if isinstance(action, _STORE | _APPEND):
            return _stored(parser, action, one)
        return _made(actions, one, now)
    except Unfit as error:
        raise argparse.ArgumentError(action, f"invalid value: {one.value!r}: {error}") from None


def _made(actions: Sequence[Action], one: Parameter, now: object) -> object:
    """Return a value that no text of the command line becomes: a switch, a count, or what code of the user makes."""
    for const in (other for other in actions if isinstance(other, _CONST)):
        for value in (const.const, const.default):
            if record(value)[:2] == (one.value, one.type):
                return value
    example = next((known for known in (now, actions[0].default) if known is not None), None)
    return fit(one, 0 if isinstance(actions[0], _COUNT) else example)


def _stored(parser: ArgumentParser, action: Action, one: Parameter) -> object:
    depth = int(_is_several(action)) + int(isinstance(action, _APPEND))
    if not depth:
        return _read(parser, action, one.value)
    extends = isinstance(action, inside(argparse, "_ExtendAction"))
    return _read_all(parser, action, one.value, 1 if extends else depth)


def _read_all(parser: ArgumentParser, action: Action, value: object, depth: int) -> object:
    if not depth:
        return _read(parser, action, value)
    return [_read_all(parser, action, item, depth - 1) for item in read_list(value)]


def _read(parser: ArgumentParser, action: Action, value: object) -> object:
    """Return one value: the parser's own type reads a text, its choices are checked."""
    kind: Any = action.type
    if kind is bool:
        value = fit(Parameter(section="", name=action.dest, value=cast("Any", value)), False)
    elif isinstance(action.default, Enum) and isinstance(value, str) and value in type(action.default).__members__:
        value = type(action.default)[value]
    elif isinstance(value, str) or (kind in (int, float) and _is_number(value)):
        whole = kind is int and isinstance(value, float) and value.is_integer()
        value = inside(parser, "_get_value")(action, f"{value:.0f}" if whole else str(value))
    elif kind in (None, str) and (kind is str or isinstance(action.default, str) or action.choices is not None):
        value = _in_choices(action, value)
    inside(parser, "_check_value")(action, value)
    return value


def _in_choices(action: Action, value: object) -> object:
    return value if action.choices is not None and value in action.choices else str(value)
