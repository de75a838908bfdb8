"""Reading pickles so that the classes of a script are the script's own.

cloudpickle stores a class of `__main__` whole, and makes it anew where it is read. A step, though, has the class
already: its script is the same. What arrives must be of that class, or `isinstance` and enum members fail.

What is pinned down here is how cloudpickle names the functions that make a class; where it changes, classes are made
anew as before, and a test fails.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from typing import Any

CLOUDPICKLE = "cloudpickle.cloudpickle"
SCRIPT = "__main__"

Make = Callable[..., Any]


class Unpickler(pickle.Unpickler):
    """Reads a pickle; where it would make a class of a script anew, the class that this script has is taken."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """Return what the pickle names."""
        found = super().find_class(module_name, global_name)
        if module_name == CLOUDPICKLE and global_name in WRAPPERS:
            return WRAPPERS[global_name](found)
        return found


def _own_class(name: str, metaclass: type) -> type | None:
    """Return the class of this name that the present script defines at its top level, if it does."""
    found: object = getattr(sys.modules.get(SCRIPT), name, None)
    if isinstance(found, type) and type(found) is metaclass:
        return found if (found.__module__, found.__qualname__) == (SCRIPT, name) else None
    return None


def _class_maker(make: Make) -> Make:
    def make_class(metaclass: type, name: str, bases: object, facts: dict[str, object], *rest: object) -> Any:
        own = _own_class(name, metaclass) if facts.get("__module__") == SCRIPT else None
        return make(metaclass, name, bases, facts, *rest) if own is None else own

    return make_class


def _enum_maker(make: Make) -> Make:
    def make_enum(
        bases: tuple[type, ...], name: str, qualified: str, members: dict[str, object], module: str, *rest: object
    ) -> Any:
        own = _own_class(name, type(bases[-1])) if module == SCRIPT and name == qualified else None
        return make(bases, name, qualified, members, module, *rest) if own is None else own

    return make_enum


def _class_filler(fill: Make) -> Make:
    def fill_class(made: type, state: object) -> Any:
        """Leave a class alone that was there before; it has its attributes."""
        return made if _own_class(made.__name__, type(made)) is made else fill(made, state)

    return fill_class


WRAPPERS: dict[str, Callable[[Make], Make]] = {
    "_make_skeleton_class": _class_maker,
    "_make_skeleton_enum": _enum_maker,
    "_class_setstate": _class_filler,
}
