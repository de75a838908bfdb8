"""Follows argparse: what each parse found goes to the task, or the task's values come in its place.

The outermost parse counts; those of sub-commands are parts of it. Of a parser that a library makes for a purpose of its
own nothing is followed.
"""

from __future__ import annotations

import inspect
import sys
import threading
from argparse import SUPPRESS, Action, ArgumentError, ArgumentParser, Namespace
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType, ModuleType
from typing import Any, cast
from weakref import WeakKeyDictionary

from penstock.core.flat import is_items
from penstock.core.task import Parameter
from penstock.run.arguments.actions import SUBPARSERS, arguments, assigned, found, inside, is_given
from penstock.run.arguments.patches import Patches, Place
from penstock.run.arguments.recording import RECORDING, Found, attempt, record, say_not_followed
from penstock.run.connecting.section import Section
from penstock.run.imports import is_below, library_folders

COMMAND = "command"  # the parameter that names the sub-command, where the parser gives it no name

# They read the command line themselves, and have files of their own beside this one.
_THEIR_OWN = {"click", "fire", "hydra", "typer"}
_OURS = {"argparse", "penstock"}

_running = threading.local()
_connected: WeakKeyDictionary[ArgumentParser, Section] = WeakKeyDictionary()
_heard: WeakKeyDictionary[ArgumentParser, Sequence[Found]] = WeakKeyDictionary()


def connect_parser(parser: ArgumentParser, section: Section) -> ArgumentParser:
    """Let what a parser parses go to a section of the task; what it has parsed before goes there now."""
    _connected[parser] = section
    PARSES.put_on()
    if parser in _heard:
        record(section, _heard[parser])
    return parser


class Parse:
    """One reading of the command line, by a parser and those of its sub-commands.

    Args:
        values: What the task assigns, by the name of the argument.
    """

    def __init__(self, values: Mapping[str, Parameter]) -> None:
        self.values = dict(values)
        self.parsers: list[ArgumentParser] = []
        self.texts: dict[int, list[list[str]]] = {}
        self.commands: dict[str, str] = {}

    @contextmanager
    def without_demands(self, parser: ArgumentParser) -> Generator[None]:
        """Let the parser do without arguments that the task has."""
        self.parsers.append(parser)
        demanding: list[Any] = [
            action
            for action in cast("list[Action]", inside(parser, "_actions"))
            if action.required and is_given(self.values.get(self.name(action, parser)))
        ]
        for group in inside(parser, "_mutually_exclusive_groups"):
            members = cast("list[Action]", inside(group, "_group_actions"))
            if group.required and any(is_given(self.values.get(action.dest)) for action in members):
                demanding.append(group)
        for one in demanding:
            one.required = False
        try:
            yield
        finally:
            for one in demanding:
                one.required = True

    def name(self, action: Action, parser: ArgumentParser) -> str:
        """Return the name of an action's parameter."""
        if action.dest != SUPPRESS or not isinstance(action, SUBPARSERS):
            return action.dest
        taken = arguments(parser)
        level = self.parsers.index(parser) + 1 if parser in self.parsers else 1
        plain = COMMAND if COMMAND not in taken else f"sub{COMMAND}"
        return plain if level == 1 else f"{plain}_{level}"

    def choose_command(self, parser: ArgumentParser, namespace: Namespace) -> None:
        """Have the sub-command parsed that the task names, when the command line named none."""
        for action in list(inside(parser, "_actions")):
            if not isinstance(action, SUBPARSERS):
                continue
            name = self.name(action, parser)
            given = self.texts.get(id(action))
            if given:
                self.commands[name] = given[0][0]
            elif is_given(self.values.get(name)):
                self.commands[name] = str(self.values[name].value)
                action(parser, namespace, [self.commands[name]], None)

    def assign(self, namespace: Namespace) -> None:
        """Put what the task assigns into the namespace."""
        for parser in self.parsers:
            for name, actions in arguments(parser).items():
                if name in self.values:
                    now = getattr(namespace, name, actions[0].default)
                    setattr(namespace, name, assigned(parser, actions, self.values[name], now))

    def found(self, namespace: Namespace) -> list[Found]:
        """Return all arguments, the names of sub-commands first."""
        result = {name: Found((name,), command) for name, command in self.commands.items()}
        for parser in self.parsers:
            for name, actions in arguments(parser).items():
                if hasattr(namespace, name):
                    action = next((one for one in actions if id(one) in self.texts), actions[0])
                    texts = self.texts.get(id(action), [])
                    result[name] = found(action, getattr(namespace, name), texts, parser.prog)
        return list(result.values())


def _parse(wrapped: Any, parser: ArgumentParser, args: Any, kwargs: Any) -> Any:
    """Stand around every function of a parser that parses."""
    parse: Parse | None = getattr(_running, "parse", None)
    if parse is not None:
        return _parse_part(parse, wrapped, parser, args, kwargs)
    if not attempt(lambda: _is_followed(parser, args, kwargs), default=False):
        return wrapped(*args, **kwargs)
    section = _connected.get(parser)
    parse = Parse(attempt(lambda: _values(section), default={}))
    _running.parse = parse
    try:
        with parse.without_demands(parser):
            result: Any = wrapped(*args, **kwargs)
            namespace = _namespace(result)
            with _errors_of(parser):
                parse.choose_command(parser, namespace)
                parse.assign(namespace)
    finally:
        _running.parse = None
    attempt(lambda: _tell(parser, section, parse.found(namespace)), None)
    return result


def _parse_part(parse: Parse, wrapped: Any, parser: ArgumentParser, args: Any, kwargs: Any) -> Any:
    """Let a parser parse within another parse: that of a sub-command, or the same one once more."""
    if parser in parse.parsers or not _is_command(parse, parser):
        return wrapped(*args, **kwargs)
    with parse.without_demands(parser):
        result: Any = wrapped(*args, **kwargs)
        parse.choose_command(parser, _namespace(result))
    return result


def _namespace(result: object) -> Namespace:
    """Return the namespace of what a parse returned: itself, or with the words that it did not know."""
    return cast("Namespace", result[0] if is_items(result) else result)


def _is_command(parse: Parse, parser: ArgumentParser) -> bool:
    """Return whether a parser is that of a sub-command."""
    return any(
        parser in cast("Mapping[str, object]", action.choices).values()
        for one in parse.parsers
        for action in inside(one, "_actions")
        if isinstance(action, SUBPARSERS)
    )


def _get_values(wrapped: Any, _parser: ArgumentParser, args: Any, kwargs: Any) -> Any:
    """Note the texts that an argument was given."""
    parse: Parse | None = getattr(_running, "parse", None)
    if parse is not None and len(args) == 2 and (args[1] or args[0].option_strings):  # noqa: PLR2004 - action, texts
        parse.texts.setdefault(id(args[0]), []).append(list(args[1]))
    return wrapped(*args, **kwargs)


@contextmanager
def _errors_of(parser: ArgumentParser) -> Generator[None]:
    """Let the parser say what is wrong with a value, as it does for the command line."""
    try:
        yield
    except ArgumentError as error:
        if not parser.exit_on_error:
            raise
        parser.error(str(error))
    except Exception as error:  # noqa: BLE001 - the user's program gets what the parser found
        say_not_followed(error)


def _values(section: Section | None) -> dict[str, Parameter]:
    if section is None:
        return RECORDING.assigned()
    return section.stored() if section.assigned else {}


def _tell(parser: ArgumentParser, section: Section | None, arguments_: Sequence[Found]) -> None:
    _heard[parser] = arguments_
    if section is None:
        RECORDING.heard(arguments_, id(parser))
    else:
        record(section, arguments_)


def _is_followed(parser: ArgumentParser, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    if parser in _connected:
        return True
    caller = _caller()
    top = caller.f_globals.get("__name__", "").partition(".")[0] if caller else ""
    if top in _THEIR_OWN:
        return False
    given = args[0] if args else kwargs.get("args")
    if given is None or list(given) == sys.argv[1:]:
        return True
    return caller is not None and not is_below(caller.f_code.co_filename, library_folders())


def _caller() -> FrameType | None:
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _OURS:
        frame = frame.f_back
    return frame


def _places(module: ModuleType) -> list[Place]:
    kind = module.ArgumentParser
    names = ("parse_args", "parse_known_args", "parse_intermixed_args", "parse_known_intermixed_args")
    return [*((kind, name, _parse) for name in names), (kind, "_get_values", _get_values)]


PARSES = Patches({"argparse": _places})
