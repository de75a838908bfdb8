"""Wraps functions of libraries when the script imports them, and takes the wrappers off again.

It must never import such a library itself, nor know what a wrapper does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any, TypeAlias, cast

import wrapt

Wrapper: TypeAlias = Callable[[Any, Any, Any, Any], Any]  # (wrapped, instance, args, kwargs)
Place: TypeAlias = tuple[Any, str, Wrapper]
Places: TypeAlias = Callable[[ModuleType], Iterable[Place]]


class Patches:
    """The wrappers of this process, on or off."""

    def __init__(self, table: Mapping[str, Places]) -> None:
        self._table = table
        self._on = False
        self._hooked: set[str] = set()
        self._undo: list[tuple[Any, str, Any, Any]] = []

    def put_on(self) -> None:
        """Wrap the functions of modules that are imported, and of others as soon as they are."""
        if self._on:
            return
        self._on = True
        for name in self._table:
            if name in self._hooked:
                self._again(name)
            else:
                self._hooked.add(name)
                wrapt.when_imported(name)(self._wrap)

    def take_off(self) -> None:
        """Give every function back its place; a wrapper that somebody wrapped in turn stays, and does nothing."""
        self._on = False
        for owner, attribute, original, wrapper in reversed(self._undo):
            names = cast("Mapping[str, Any]", vars(owner))
            if names.get(attribute) is wrapper:
                setattr(owner, attribute, original)
        self._undo.clear()

    def _again(self, name: str) -> None:
        if module := sys.modules.get(name):
            self._wrap(module)

    def _wrap(self, module: ModuleType) -> None:
        if not self._on:
            return
        for owner, attribute, wrapper in self._table[module.__name__](module):
            names = cast("Mapping[str, Any]", vars(owner))
            original = names.get(attribute)
            if original is not None:
                wrapped = wrapt.FunctionWrapper(original, wrapper, enabled=lambda: self._on)
                setattr(owner, attribute, wrapped)
                self._undo.append((owner, attribute, original, wrapped))
