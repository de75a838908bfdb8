"""The import hook by which the modules of another library are made of Penstock's names.

Nothing is shadowed in silence: where that library is installed too, it is said which of the two is used. What is not
there is said by its name, with what to do instead. This module must never know which names there are.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, cast

from penstock.core.names import did_you_mean
from penstock.run import stand_in

Modules = Mapping[str, Mapping[str, str]]
ORIGIN = "penstock"


class NotThere(ImportError):
    """What is imported does not exist in Penstock."""


class StandIn:
    """Finds and makes the modules of a library.

    Args:
        library: Its top-level module.
        modules: For each module its names, and where ours are: `package.module:name`.
        absent: What to do instead of what there is not, by `module.name`, or by `module` for all below it.
        version: What its `__version__` says.
    """

    def __init__(self, library: str, modules: Modules, absent: Mapping[str, str], version: str) -> None:
        self.library = library
        self._modules = modules
        self._absent = absent
        self._version = version

    def install(self) -> None:
        """Stand for the library from now on; say so if it is installed."""
        if self in sys.meta_path:
            return
        if note := self._about_the_other():
            sys.stderr.write(f"penstock: {note}\n")
            sys.stderr.flush()
        for name in [one for one in sys.modules if one.partition(".")[0] == self.library]:
            del sys.modules[name]
        sys.meta_path.insert(0, self)
        stand_in.put(self.library)

    def remove(self) -> None:
        """Stand for it no more."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
            stand_in.put("")
        for name in [one for one in sys.modules if one.partition(".")[0] == self.library]:
            del sys.modules[name]

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Find a module of the library.

        Raises:
            NotThere: It is one of the library's, and there is none of ours for it.
        """
        _ = path, target
        if name.partition(".")[0] != self.library:
            return None
        if name not in self._modules:
            raise NotThere(self._refusal(name), name=name)
        return ModuleSpec(name, cast("Any", self), origin=ORIGIN, is_package=True)

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave making it to Python."""
        _ = spec

    def exec_module(self, module: ModuleType) -> None:
        """Fill a module: its names are looked up when they are first used."""
        name = module.__name__
        there = [one for one, place in self._modules[name].items() if is_there(place)]
        module.__doc__ = f"What scripts mean by `{name}`, as Penstock has it."
        facts: dict[str, Any] = {"__all__": there, "__version__": self._version}
        facts["__getattr__"] = partial(self._get, module)
        facts["__dir__"] = lambda: sorted({*vars(module), *there})
        vars(module).update(facts)

    def _get(self, module: ModuleType, attribute: str) -> object:
        name = f"{module.__name__}.{attribute}"
        if name in self._modules:
            return import_module(name)
        place = self._modules[module.__name__].get(attribute)
        if place is None or not is_there(place):
            raise AttributeError(self._refusal(name), name=attribute, obj=module)
        found = _ours(place)
        vars(module)[attribute] = found
        return found

    def _refusal(self, name: str) -> str:
        """Return in words that something does not exist, and what to do instead."""
        outer, _, own = name.rpartition(".")
        parts = name.split(".")
        above = [".".join(parts[:depth]) for depth in range(len(parts), 0, -1)]
        told = next((self._absent[one] for one in above if one in self._absent), None)
        hint = told or did_you_mean(own, self._modules.get(outer, ()), "see docs/reference/clearml.md")
        return f"Penstock has no {name} (hint: {hint})"

    def _about_the_other(self) -> str:
        """Return what is to be said of the library itself, where it can be imported too."""
        finders = [one for one in sys.meta_path if hasattr(one, "find_spec")]
        spec = None
        with suppress(Exception):  # other people's hooks may do anything
            spec = next((found for one in finders if (found := one.find_spec(self.library, None))), None)
        if spec is None and self.library not in sys.modules:
            return ""
        where = (spec.origin if spec is not None else None) or "this process"
        note = f"`import {self.library}` means Penstock here; {self.library}{self._installed()} of {where} is not used"
        if self.library in sys.modules:
            note += ", except by what has imported it before"
        return note

    def _installed(self) -> str:
        from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - it takes long to import

        try:
            return f" {version(self.library)}"
        except PackageNotFoundError:
            return ""


def is_there(place: str) -> bool:
    """Return whether a name of ours exists, without importing what is behind it, where its package lists its names."""
    module, _, name = place.partition(":")
    loaded = import_module(module)
    return name in getattr(loaded, "__all__", ()) or name in vars(loaded)


def _ours(place: str) -> object:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
