"""What users say of models - tags, labels, configuration -, checked and in the form in which it is recorded."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

from penstock.core.errors import Invalid
from penstock.core.parameters import plain

FRAMEWORKS = {".pt": "PyTorch", ".pth": "PyTorch", ".joblib": "joblib", ".pkl": "pickle", ".onnx": "ONNX",
              ".h5": "Keras", ".keras": "Keras", ".cbm": "CatBoost", ".ubj": "XGBoost"}  # fmt: skip


def words(tags: Iterable[str] | str | None) -> tuple[str, ...]:
    """Return tags that were given as a list or as words of one text."""
    return tuple(tags.split() if isinstance(tags, str) else map(str, tags or ()))


def framework_of(path: str) -> str:
    """Return the library that writes files of such a name; empty when it is not known."""
    return FRAMEWORKS.get(Path(path).suffix.lower(), "")


def design_text(config_text: object, config_dict: object) -> str | None:
    """Return a model's configuration, given as a text or as a dict, as text; None when none is given.

    Raises:
        Invalid: Both are given, or one is of another type.
        BadParameter: The dict holds what JSON cannot.
    """
    if config_text is not None and config_dict is not None:
        raise Invalid("a model has one configuration", hint="give config_text or config_dict, not both")
    if config_dict is not None:
        if not isinstance(config_dict, Mapping):
            raise Invalid(
                f"config_dict is a dict, not a {type(config_dict).__name__}", hint="give a text as config_text"
            )
        return json.dumps(plain(dict(cast("Mapping[str, object]", config_dict)), "config_dict"), indent=2)
    if config_text is not None and not isinstance(config_text, str):
        raise Invalid(f"config_text is a text, not a {type(config_text).__name__}", hint="give a dict as config_dict")
    return config_text


def checked_labels(labels: Mapping[str, int] | None) -> dict[str, int] | None:
    """Return labels as they are recorded; raise Invalid unless they map names to whole numbers."""
    if labels is None:
        return None
    for name, number in cast("dict[object, object]", labels).items():
        if not isinstance(name, str) or type(number) is not int:
            message = f"labels give names a whole number each, not {name!r} {number!r}"
            raise Invalid(message, hint="for example {'cat': 1, 'dog': 2}")
    return dict(labels)
