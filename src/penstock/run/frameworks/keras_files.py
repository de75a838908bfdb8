"""Keras, on its own or in TensorFlow: the models and weights that it saves and loads, in a file or a folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from penstock.run.frameworks.notes import Notes, Spot, followed_by

_KEY = "tensorflow"
_NAME = "Keras"


def followed(keras: Any) -> Iterator[Spot]:
    """Yield what is followed of the module `keras`, or of its elder sister `tf_keras`."""
    for kind in (getattr(keras, "Model", None), getattr(keras, "Sequential", None)):
        yield followed_by(_saved, kind, "save", _KEY)
        yield followed_by(_saved, kind, "save_weights", _KEY)
        yield followed_by(_loaded, kind, "load_weights", _KEY)
    for module in (getattr(keras, "saving", None), getattr(keras, "models", None)):
        yield followed_by(_saved_by_function, module, "save_model", _KEY)
        yield followed_by(_loaded, module, "load_model", _KEY)


def _saved(notes: Notes, _result: Any, filepath: Any, *_: Any, **__: Any) -> None:
    notes.saved(filepath, _NAME, _KEY)


def _saved_by_function(
    notes: Notes, _result: Any, _model: Any = None, filepath: Any = None, *_: Any, **__: Any
) -> None:
    notes.saved(filepath, _NAME, _KEY)


def _loaded(notes: Notes, _result: Any, filepath: Any, *_: Any, **__: Any) -> None:
    notes.loaded(filepath, _NAME, _KEY)
