"""Wraps functions of libraries when the script imports them, and takes the wrappers off again.

It must never import such a library itself, nor know what a wrapper does.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from types import ModuleType
from typing import Any, TypeAlias, cast

from penstock.run.on_import import Watch

Wrapper: TypeAlias = Callable[[Any, Any, Any, Any], Any]  # (wrapped, instance, args, kwargs)
Place: TypeAlias = tuple[Any, str, Wrapper]
Places: TypeAlias = Callable[[ModuleType], Iterable[Place]]


class Patches:
    """The wrappers of this process, on or off."""

    def __init__(self, table: Mapping[str, Places]) -> None:
        self._table = table
        self._on = False
        self._watch: Watch | None = None
        self._undo: list[tuple[Any, str, Any, Any]] = []

    def put_on(self) -> None:
        """Wrap the functions of modules that are imported, and of others as soon as they are."""
        if self._on:
            return
        self._on = True
        awaited = [name for name in self._table if name not in sys.modules]
        self._watch = Watch(dict.fromkeys(awaited, self._wrap))
        self._watch.start()
        for name in self._table:
            if name not in awaited:
                self._wrap(sys.modules[name])

    def take_off(self) -> None:
        """Give every function back its place; a wrapper that somebody wrapped in turn stays, and does nothing."""
        self._on = False
        if self._watch is not None:
            self._watch.stop()
        for owner, attribute, original, wrapper in reversed(self._undo):
            names = cast("Mapping[str, Any]", vars(owner))
            if names.get(attribute) is wrapper:
                setattr(owner, attribute, original)
        self._undo.clear()

    def _wrap(self, module: ModuleType) -> None:
        if not self._on:
            return
        for owner, attribute, wrapper in self._table[module.__name__](module):
            names = cast("Mapping[str, Any]", vars(owner))
            original = names.get(attribute)
            if original is not None:
                wrapped = wrap(original, wrapper, of_class=inspect.isclass(owner), is_on=lambda: self._on)
                setattr(owner, attribute, wrapped)
                self._undo.append((owner, attribute, original, wrapped))


def wrap(
    original: Callable[..., Any], wrapper: Wrapper, *, of_class: bool = False, is_on: Callable[[], bool] = lambda: True
) -> Callable[..., Any]:
    """Return a function that calls the wrapper, and tells of itself what the original does.

    Args:
        original: A function, or the method of a class as the class has it.
        wrapper: Called with the function, bound where it is a method, with its object, arguments and keywords.
        of_class: Whether it is a method.
        is_on: Whether the wrapper is called at all.
    """

    @wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not is_on():
            return original(*args, **kwargs)
        if of_class:
            return wrapper(original.__get__(args[0]), args[0], args[1:], kwargs)
        return wrapper(original, None, args, kwargs)

    return call
