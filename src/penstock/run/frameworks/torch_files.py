"""PyTorch and MegEngine: what their `save` and `load` write and read."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from penstock.run.frameworks.notes import Notes, Spot, caller, followed_by

_TORCH = ("PyTorch", "pytorch")
_MEGENGINE = ("MegEngine", "megengine")


def followed(torch: Any) -> Iterator[Spot]:
    """Yield what is followed of the module `torch`."""
    key = _TORCH[1]
    saved, loaded = partial(_saved, _TORCH), partial(_loaded, _TORCH)
    yield followed_by(saved, torch, "save", key)
    yield followed_by(loaded, torch, "load", key)
    jit = getattr(torch, "jit", None)
    yield followed_by(saved, jit, "save", key)
    yield followed_by(loaded, jit, "load", key)
    yield followed_by(partial(_saved_itself, _TORCH), getattr(jit, "RecursiveScriptModule", None), "save", key)


def followed_of_megengine(megengine: Any) -> Iterator[Spot]:
    """Yield what is followed of the module `megengine`, whose functions look as PyTorch's do."""
    yield followed_by(partial(_saved, _MEGENGINE), megengine, "save", _MEGENGINE[1])
    yield followed_by(partial(_loaded, _MEGENGINE), megengine, "load", _MEGENGINE[1])


# Underscored names, since a keyword of the user's call may be any word.
def _saved(
    _names: tuple[str, str], notes: Notes, _result: Any, _value: Any = None, f: Any = None, *_: Any, **__: Any
) -> None:
    notes.saved(f, *_with_caller(_names))


def _saved_itself(_names: tuple[str, str], notes: Notes, _result: Any, f: Any, *_: Any, **__: Any) -> None:
    notes.saved(f, *_with_caller(_names))


def _loaded(_names: tuple[str, str], notes: Notes, _result: Any, f: Any, *_: Any, **__: Any) -> None:
    notes.loaded(f, *_with_caller(_names))


def _with_caller(names: tuple[str, str]) -> tuple[str, ...]:
    """Return the names, and fastai's key as well where fastai saves or loads."""
    return (*names, "fastai") if caller().startswith("fastai.") else names
