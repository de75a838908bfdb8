"""Follows fire: the words of its command line go to the task, or are put together from the task's values.

fire finds out what the words mean while it walks through the user's objects. So of a function the arguments are
recorded by name, its defaults included; of anything else the flags by name, and the other words as `command`.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, NamedTuple

from penstock.core.secret import MASK
from penstock.core.secret_names import is_secret
from penstock.core.task import Parameter
from penstock.run.arguments.patches import Patches, Place
from penstock.run.arguments.recording import RECORDING, Found, attempt
from penstock.run.connecting.values import Unfit, fit, is_fixed, read_list, record

COMMAND = "command"
SEPARATOR = "-"  # of calls in a chain


class Words(NamedTuple):
    """A command line of fire, taken apart."""

    command: list[str]
    flags: dict[str, object]


def _fire(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
    """Stand around the function that carries out a command line."""
    component, given, rest, named = _parts(*args, **kwargs)
    words = attempt(lambda: _rebuilt(component, given), given)
    attempt(lambda: RECORDING.heard(_found(component, words), "fire"), None)
    return wrapped(component, words, *rest, **named)


def _parts(component: Any, args: Any, *rest: Any, **named: Any) -> tuple[Any, list[str], tuple[Any, ...], Any]:
    return component, list(args), rest, named


def taken_apart(words: Sequence[str], parse: Any) -> Words:
    """Take a command line apart as fire does; one with a chain of calls stays whole.

    Args:
        words: The command line.
        parse: What fire makes a value of a text with.
    """
    if SEPARATOR in words:
        return Words(list(words), {})
    command: list[str] = []
    flags: dict[str, object] = {}
    left = list(words)
    while left:
        word = left.pop(0)
        name, equals, text = re.sub("^--?", "", word).partition("=")
        if not _is_flag(word):
            command.append(word)
        elif equals:
            flags[name.replace("-", "_")] = parse(text)
        elif left and not _is_flag(left[0]):
            flags[name.replace("-", "_")] = parse(left.pop(0))
        else:
            flags[name.replace("-", "_")] = True
    return Words(command, flags)


def _is_flag(word: str) -> bool:
    return word.startswith("--") or bool(re.match("^-[a-zA-Z]", word))


def _parser() -> Any:
    """Return what fire makes a value of a text with; fire is running."""
    return sys.modules["fire.parser"].DefaultParseValue


def _found(component: Any, words: Sequence[str]) -> list[Found]:
    command, flags = taken_apart(words, _parser())
    signature = _signature(component)
    if signature is None:
        names = [Found((COMMAND,), _hidden(command))] if command else []
        return names + [Found((name,), value) for name, value in flags.items()]
    values = {one.name: one.default for one in signature if one.default is not one.empty}
    return [Found((name,), value) for name, value in (values | _named(signature, command, flags)).items()]


def _hidden(command: list[str]) -> list[str]:
    """Return words in which the values of secret flags are masked."""
    shown: list[str] = []
    for word in command:
        name, equals, text = word.partition("=")
        before = shown[-1] if shown else ""
        if equals and is_secret((name,), text):
            shown.append(f"{name}={MASK}")
        elif before.startswith("--") and "=" not in before and is_secret((before,), word):
            shown.append(MASK)
        else:
            shown.append(word)
    return shown


def _by_name(signature: Sequence[inspect.Parameter], flags: Mapping[str, object]) -> dict[str, object]:
    """Return flags under the names of the function: `-l` and `--nol` are short for `--lr` and `--l=False`."""
    names = [one.name for one in signature]
    values: dict[str, object] = {}
    for flag, value in flags.items():
        short = [name for name in names if len(flag) == 1 and name.startswith(flag)]
        if flag in names:
            values[flag] = value
        elif value is True and flag.startswith("no") and flag[2:] in names:
            values[flag[2:]] = False
        else:
            values[short[0] if len(short) == 1 else flag] = value
    return values


def _signature(component: Any) -> list[inspect.Parameter] | None:
    """Return the parameters of a component that is a function which takes nothing but named ones."""
    if not inspect.isroutine(component):
        return None
    try:
        found = list(inspect.signature(component).parameters.values())
    except (ValueError, TypeError):
        return None
    return (
        None
        if any(one.kind is one.VAR_POSITIONAL for one in found)
        else [one for one in found if one.kind is not one.VAR_KEYWORD]
    )


def _named(
    signature: Sequence[inspect.Parameter], command: Sequence[str], flags: Mapping[str, object]
) -> dict[str, object]:
    """Return what a command line gives a function, by the names of its parameters."""
    by_name = _by_name(signature, flags)
    free = [one.name for one in signature if one.kind is not one.KEYWORD_ONLY and one.name not in by_name]
    return by_name | {name: _parser()(word) for name, word in zip(free, command, strict=False)}


def _rebuilt(component: Any, given: list[str]) -> list[str]:
    """Return the command line that the task's values make; what the task does not say stays as it was given."""
    values = {name: one for name, one in RECORDING.assigned().items() if _is_told(one)}
    if not values:
        return given
    command, flags = taken_apart(given, _parser())
    signature = _signature(component)
    if signature is None:
        command = _shown(values.pop(COMMAND).value) if COMMAND in values else command
        if SEPARATOR in command:
            return command
        told: dict[str, object] = {name: one.value for name, one in values.items()}
    else:
        flags, command = _named(signature, command, flags), []
        defaults = {one.name: one.default for one in signature if one.default is not one.empty}
        told = {name: _like(one, defaults.get(name)) for name, one in values.items() if not _is_default(one, defaults)}
        flags = {name: value for name, value in flags.items() if name not in values}
    return [*command, *(f"--{name}={_word(value)}" for name, value in (flags | told).items())]


def _is_told(one: Parameter) -> bool:
    return one.value is not None and one.value != MASK and not is_fixed(one)


def _is_default(one: Parameter, defaults: Mapping[str, object]) -> bool:
    """Return whether a parameter is what the function has anyway: as its own object it is nearer than any text."""
    return one.name in defaults and record(defaults[one.name])[:2] == (one.value, one.type)


def _like(one: Parameter, default: object) -> object:
    """Return a value in the type of the default; fire itself would take it from the text, and casts nothing."""
    if default is None:
        return one.value
    try:
        return fit(one, default)
    except Unfit:
        return one.value


def _word(value: object) -> str:
    """Return the text that fire reads as this value."""
    if isinstance(value, str):
        read: object = _parser()(value)
        return value if read == value and type(read) is str else repr(value)
    return repr(value)


def _shown(value: object) -> list[str]:
    """Return the words of a command without those that were masked."""
    words: list[str] = []
    for word in map(str, read_list(value)):
        if word == MASK:
            words.pop()
        elif not word.endswith(f"={MASK}"):
            words.append(word)
    return words


def _places(module: ModuleType) -> list[Place]:
    return [(module, "_Fire", _fire)]


FIRE_CALLS = Patches({"fire.core": _places})
