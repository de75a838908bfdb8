"""Puts wrappers in the place of functions of libraries, and takes them out again.

A wrapper passes for the function: same name, signature, code and pickle. It asks at every call who follows it, so that
one which somebody kept when the others were taken out does nothing, or serves whoever follows the library next. This
module must never know which functions these are.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from types import ModuleType
from typing import Any, cast

import wrapt
from msgspec import Struct

from penstock.run.frameworks.notes import Spot, current, is_quiet


class _FollowedMethod(wrapt.BoundFunctionWrapper):  # type: ignore[type-arg]  # only its name is of use here
    """A followed function that was got from an instance."""

    def __reduce_ex__(self, _protocol: Any) -> Any:
        return getattr, (self.__self__, self.__name__)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return getattr(copy.deepcopy(self.__self__, memo), self.__name__)


class _Followed(wrapt.FunctionWrapper):  # type: ignore[type-arg]  # as above
    """A followed function. Got from a class it is the same object every time, as a function is."""

    __bound_function_wrapper__ = _FollowedMethod

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else cast("Any", super()).__get__(instance, owner)

    def __reduce_ex__(self, _protocol: Any) -> Any:
        return self.__qualname__  # pickled by name, as functions are

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> Any:
        return self


class Change(Struct, frozen=True):
    """A function that was replaced.

    Args:
        owner: The class that has it; None for a function of modules, which several may hold.
        name: Its name there.
        original: What was there before.
        wrapper: What is there now.
    """

    owner: type | None
    name: str
    original: Any
    wrapper: Any


def put_in(spots: Iterable[Spot]) -> list[Change]:
    """Follow functions, wherever loaded modules hold them; those that a library does not have are passed over."""
    changes: list[Change] = []
    for spot in spots:
        owner = _home(spot.owner, spot.name) if isinstance(spot.owner, type) else spot.owner
        original = getattr(owner, "__dict__", {}).get(spot.name)
        if original is None or type(original) is _Followed or any(one.original is original for one in changes):
            continue
        change = Change(
            owner if isinstance(owner, type) else None, spot.name, original, _Followed(original, _calling(spot))
        )
        with suppress(Exception):  # a class that is written in C, or that guards itself, stays as it is
            if change.owner is not None:
                setattr(change.owner, change.name, change.wrapper)
            changes.append(change)
    _exchange({id(one.original): one.wrapper for one in changes if one.owner is None})
    return changes


def take_out(changes: Iterable[Change]) -> None:
    """Put everything back, except where somebody else has put something in its place since."""
    changes = list(changes)
    for one in changes:
        if one.owner is not None and vars(one.owner).get(one.name) is one.wrapper:
            setattr(one.owner, one.name, one.original)
    _exchange({id(one.wrapper): one.original for one in changes if one.owner is None})


def _calling(spot: Spot) -> Any:
    of_class = isinstance(spot.owner, type)

    def call(wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        notes = current()
        if notes is None or is_quiet() or not notes.choice.wants(spot.key):
            return wrapped(*args, **kwargs)
        if of_class and instance is None and args:  # called as Class.method(instance, ...)
            return spot.around(notes, partial(wrapped, args[0]), args[1:], kwargs)
        return spot.around(notes, wrapped, args, kwargs)

    return call


def _home(kind: type, name: str) -> type | None:
    return next((one for one in kind.__mro__ if name in vars(one)), None)


def _exchange(objects: Mapping[int, Any]) -> None:
    """In all loaded modules put other objects in the place of some, which are given by their ids.

    A script may have said `from joblib import dump` before anything was followed.
    """
    if not objects:
        return
    for module in cast("list[object]", list(sys.modules.values())):
        for name, value in list((names := _names(module)).items()):
            if (other := objects.get(id(value))) is not None:
                names[name] = other


def _names(module: object) -> dict[str, Any]:
    """Return what a module holds, itself and not a copy; nothing of what only passes for a module."""
    if not isinstance(module, ModuleType):
        return {}
    try:  # asking in the usual way would load a module that loads when it is used
        names: dict[str, Any] = object.__getattribute__(module, "__dict__")
    except AttributeError:  # as the libraries of cffi, which say that they are modules
        return {}
    return names
