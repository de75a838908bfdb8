"""Calls back when a module has been imported by somebody, without importing it.

wrapt has such a hook too; importing wrapt costs more than the whole of Penstock (it loads asyncio), and most tasks use
none of the libraries that are waited for. This module must never know which these are.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, cast


class Watch:
    """Calls back once for each module that is imported from now on, until it is stopped.

    Args:
        arrived: For each name of a module what is called with the module, once its code has run. It must not raise:
            that would fail the import.
    """

    def __init__(self, arrived: dict[str, Callable[[ModuleType], None]]) -> None:
        self._arrived = arrived

    def start(self) -> None:
        """Begin; nothing is said of modules that are there already."""
        sys.meta_path.insert(0, self)

    def stop(self) -> None:
        """Call nobody any more."""
        self._arrived = {}
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Find a module that is waited for as the finders after this one do, and have the end of its loading told."""
        finders: list[Any] = list(sys.meta_path)
        if name not in self._arrived or self not in finders:
            return None
        finders = [one for one in finders[finders.index(self) + 1 :] if hasattr(one, "find_spec")]
        spec = next((found for one in finders if (found := one.find_spec(name, path, target)) is not None), None)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = cast("Any", _Telling(spec.loader, self._loaded))
        return spec

    def _loaded(self, module: ModuleType) -> None:
        arrived = self._arrived.pop(module.__name__, None)
        if arrived is not None:
            arrived(sys.modules.get(module.__name__, module))  # a module may put another object in its place


class _Telling:
    """A module's own loader, which it has back as soon as its code runs."""

    def __init__(self, loader: Any, loaded: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._loaded = loaded

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        created: ModuleType | None = self._loader.create_module(spec)
        return created

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._loaded(module)

    def __getattr__(self, name: str) -> Any:
        if name == "_loader":  # of a copy that is just being made
            raise AttributeError(name)
        return getattr(self._loader, name)
