"""joblib: what `dump` and `load` write and read, also what other libraries' models they hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from penstock.run.frameworks.notes import Notes, Spot, caller, followed_by

_KEY = "joblib"
_NAME = "joblib"

# The library that a value comes from, by the first part of its module: its name, and what switches it off.
_LIBRARIES = {
    "sklearn": ("ScikitLearn", "scikit"),
    "xgboost": ("XGBoost", "xgboost"),
    "lightgbm": ("LightGBM", "lightgbm"),
    "catboost": ("CatBoost", "catboost"),
    "torch": ("PyTorch", "pytorch"),
}

# These keep caches and downloaded data with joblib, which are no models.
_KEEPERS = ("joblib.", "sklearn.datasets.")


def followed(joblib: Any) -> Iterator[Spot]:
    """Yield what is followed of the module `joblib`."""
    yield followed_by(_dumped, joblib, "dump", _KEY)
    yield followed_by(_loaded, joblib, "load", _KEY)


def _dumped(notes: Notes, _result: Any, value: Any, filename: Any, *_: Any, **__: Any) -> None:
    if not caller().startswith(_KEEPERS):
        name, *keys = _library(value)
        notes.saved(filename, name, *keys)


def _loaded(notes: Notes, result: Any, filename: Any, *_: Any, **__: Any) -> None:
    if not caller().startswith(_KEEPERS):
        name, *keys = _library(result)
        notes.loaded(filename, name, *keys)


def _library(value: Any) -> tuple[str, ...]:
    """Return the name of the library that a value comes from, and what switches its recording off."""
    for kind in type(value).__mro__:  # a class of the user's own may derive from one of theirs
        if found := _LIBRARIES.get(kind.__module__.partition(".")[0]):
            name, key = found
            return name, _KEY, key
    return _NAME, _KEY
