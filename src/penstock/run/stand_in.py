"""Which library's names mean Penstock in this process, so that what is recorded of its code says so too.

What brings those names lies above everything else, and is imported by its own name only where a task asks for it. This
module must never know what the names are.
"""

from __future__ import annotations

from importlib import import_module

LIBRARIES = {"clearml": "penstock.compat.clearml"}
"""The libraries that Penstock can stand for, each with the module whose import makes its names mean Penstock."""

_library = ""


def get() -> str:
    """Return the library whose names mean Penstock in this process; empty when there is none."""
    return _library


def put(library: str) -> None:
    """Note it; empty for none."""
    global _library  # noqa: PLW0603 - this is the state that belongs to the process
    _library = library


def stand_for(library: str) -> None:
    """Make a library's names mean Penstock in this process; one that is not known, or none, changes nothing."""
    if library in LIBRARIES and library != _library:
        import_module(LIBRARIES[library])


def is_ours(module: str) -> bool:
    """Return whether a top-level module is Penstock here, by its own name or by the library's."""
    return module in {"penstock", _library}
