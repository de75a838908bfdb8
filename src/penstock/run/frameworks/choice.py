"""What the user wants recorded: the documented `auto_connect_frameworks`, checked and asked. It knows no library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePath
from typing import cast

from penstock.core.errors import Invalid
from penstock.core.names import did_you_mean

Wanted = bool | Mapping[str, object]

# Those that write files, of which wildcards can choose some.
_WITH_FILES = (
    "catboost",
    "fastai",
    "joblib",
    "lightgbm",
    "megengine",
    "pytorch",
    "scikit",
    "tensorflow",
    "xgboost",
)
# The other documented names; what some of them stand for is looked after elsewhere.
_WITHOUT_FILES = (
    "detect_repository",
    "gradio",
    "hydra",
    "jsonargparse",
    "matplotlib",
    "tensorboard",
    "tfdefines",
)
KEYS = (*_WITH_FILES, *_WITHOUT_FILES)

_PARAMETERS = "report_hparams"  # may be switched off alone, within "tensorboard"


class Choice:
    """Which frameworks, and which of their files, are recorded.

    Args:
        wanted: True for all, False for none, or by name: a bool, or one or several wildcards for names of files. Names
            that are missing stand for True; no names at all for False.

    Raises:
        Invalid: A name is unknown, or its value is none of these.
    """

    def __init__(self, wanted: Wanted) -> None:
        self._all = bool(wanted)
        self._patterns: dict[str, tuple[str, ...]] = {}
        self._off: set[str] = set()
        self.parameters = self._all
        if isinstance(wanted, Mapping):
            for key, value in wanted.items():
                self._take(key, value)
        elif not isinstance(cast("object", wanted), bool):
            raise Invalid(f"auto_connect_frameworks must be a bool or a dict, not {wanted!r}")

    def wants(self, key: str) -> bool:
        """Return whether anything of a framework is recorded."""
        return self._all and key not in self._off

    def wants_file(self, key: str, path: str) -> bool:
        """Return whether a file is recorded; wildcards are compared with its name and with its whole path."""
        if key not in self._patterns:
            return self.wants(key)
        forms = (PurePath(path).name, path)
        return any(fnmatchcase(form, pattern) for pattern in self._patterns[key] for form in forms)

    def _take(self, key: object, value: object) -> None:
        name = str(key)
        if name not in KEYS:
            raise Invalid(f"auto_connect_frameworks has no {name!r}", hint=did_you_mean(name, KEYS, ""))
        if isinstance(value, bool):
            if not value:
                self._off.add(name)
        elif name == "tensorboard" and isinstance(value, Mapping):
            self._take_tensorboard(cast("Mapping[object, object]", value))
        elif name in _WITH_FILES and (patterns := _patterns(value)) is not None:
            self._patterns[name] = patterns
        else:
            hint = (
                "give True, False, or a list of wildcards such as ['*.pt']" if name in _WITH_FILES else "True or False"
            )
            raise Invalid(f"auto_connect_frameworks: {name!r} cannot be {value!r}", hint=hint)

    def _take_tensorboard(self, value: Mapping[object, object]) -> None:
        for name, switch in value.items():
            if name != _PARAMETERS or not isinstance(switch, bool):
                raise Invalid(
                    f"auto_connect_frameworks: 'tensorboard' cannot have {name!r}: {switch!r}",
                    hint=f"give {{{_PARAMETERS!r}: True}} or {{{_PARAMETERS!r}: False}}",
                )
            self.parameters = switch


def _patterns(value: object) -> tuple[str, ...] | None:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, Sequence | set | frozenset):
        found = tuple(cast("Sequence[object]", value))
        if all(isinstance(one, str) for one in found):
            return cast("tuple[str, ...]", found)
    return None
