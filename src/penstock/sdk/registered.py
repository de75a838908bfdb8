"""Objects that a script registered with its task: they are stored when it flushes, closes, or leaves.

What they hold then is stored, so that a table may go on growing after it was registered.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Mapping
from contextlib import suppress

from msgspec import Struct

from penstock.core.errors import PenstockError
from penstock.sdk import artifacts


class Registered(Struct, frozen=True):
    """An object, and what is noted about it."""

    value: object
    metadata: Mapping[str, object] | None


_registered: dict[str, dict[str, Registered]] = {}
_watched: set[int] = set()


def register(task: str, name: str, value: object, metadata: Mapping[str, object] | None) -> None:
    """Store an object as an artifact now, and again whenever the task's objects are stored."""
    store_one(task, name, Registered(value, metadata))
    _registered.setdefault(task, {})[name] = Registered(value, metadata)
    if os.getpid() not in _watched:
        _watched.add(os.getpid())
        atexit.register(_store_all, os.getpid())


def unregister(task: str, name: str) -> None:
    """Store an object no more; what was stored of it stays."""
    _registered.get(task, {}).pop(name, None)


def of(task: str) -> dict[str, object]:
    """Return the objects that are registered with a task, by name."""
    return {name: one.value for name, one in _registered.get(task, {}).items()}


def store(task: str) -> None:
    """Store the objects that are registered with a task, as they are now."""
    for name, one in _registered.get(task, {}).items():
        store_one(task, name, one)


def store_one(task: str, name: str, one: Registered) -> None:
    """Store an object."""
    artifacts.upload(task, name, one.value, metadata=one.metadata)


def _store_all(process: int) -> None:
    if process != os.getpid():
        return
    for task in list(_registered):
        with suppress(PenstockError):  # the task may have ended; there is nobody left to tell
            store(task)
