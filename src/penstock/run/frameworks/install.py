"""Follows the libraries that the user imports, from now on and until it is removed. It never imports one itself."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from penstock.run.frameworks import boosting, joblib_files, keras_files, pyplot, tensorboard, torch_files
from penstock.run.frameworks.choice import Choice, Wanted
from penstock.run.frameworks.notes import Notes, Spot, current, put
from penstock.run.frameworks.recorder import Recorder
from penstock.run.on_import import Watch

if TYPE_CHECKING:
    from penstock.run.frameworks.wrapping import Change


class _Library(Struct, frozen=True):
    """A library that can be followed.

    Args:
        module: The module with whose import it is complete.
        key: What switches it off in `auto_connect_frameworks`.
        followed: Yields what is followed of the module.
    """

    module: str
    key: str
    followed: Callable[[Any], Iterator[Spot]]


_LIBRARIES = (
    _Library("catboost", "catboost", boosting.followed_of_catboost),
    _Library("joblib", "joblib", joblib_files.followed),
    _Library("keras", "tensorflow", keras_files.followed),
    _Library("lightgbm", "lightgbm", boosting.followed_of_lightgbm),
    _Library("matplotlib.pyplot", "matplotlib", pyplot.followed),
    _Library("megengine", "megengine", torch_files.followed_of_megengine),
    _Library("tensorboardX", "tensorboard", tensorboard.followed),
    _Library("tf_keras", "tensorflow", keras_files.followed),
    _Library("torch", "pytorch", torch_files.followed),
    _Library("torch.utils.tensorboard", "tensorboard", tensorboard.followed),
    _Library("xgboost", "xgboost", boosting.followed_of_xgboost),
)


FOLLOWED = frozenset(one.module.partition(".")[0] for one in _LIBRARIES)
"""The top-level modules of the libraries that can be followed."""


class Installed:
    """The libraries as they are followed for one recorder; `install` makes it."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._changes: list[Change] = []
        self._wanted = [one for one in _LIBRARIES if notes.choice.wants(one.key)]
        self._watch = Watch({one.module: partial(self._arrived, one) for one in self._wanted})

    def start(self) -> None:
        """Follow what is loaded, and what will be; `install` has done so."""
        put(self._notes)
        self._watch.start()
        # After the watch has begun, so that none is missed that another thread is importing; twice does not double.
        loaded = {one: sys.modules.get(one.module) for one in self._wanted}
        self._follow({library: module for library, module in loaded.items() if module is not None})

    def remove(self) -> None:
        """Put everything back as it was, and record nothing any more. A second time does nothing."""
        with _turn:
            self._watch.stop()
            if current() is self._notes:
                put(None)
            if self._changes:
                _wrapping().take_out(self._changes)
                self._changes.clear()

    def _arrived(self, library: _Library, module: ModuleType) -> None:
        with _turn:
            self._follow({library: module})

    def _follow(self, modules: Mapping[_Library, ModuleType]) -> None:
        """Replace functions, of several libraries at once: where they are held is looked for in all loaded modules."""
        spots = [spot for library, module in modules.items() for spot in self._spots(library, module)]
        if spots and current() is self._notes:
            self._changes += _wrapping().put_in(spots)

    def _spots(self, library: _Library, module: ModuleType) -> list[Spot]:
        found: list[Spot] = self._notes.attempt(library.key, list, library.followed(module)) or []
        return found


def install(recorder: Recorder, wanted: Wanted = True) -> Installed:  # noqa: FBT002 - the documented values are bools
    """Tell a recorder from now on what libraries do, as soon as the user has imported them.

    There is one recorder at a time: installing another one removes the one before.

    Args:
        recorder: Who is told.
        wanted: The documented `auto_connect_frameworks`: True for all, False for none, or by the name of a framework
            True, False, or wildcards for the files to record. Names that are missing stand for True.

    Returns:
        What takes it away again.

    Raises:
        Invalid: `wanted` has an unknown name, or a value that means nothing.
    """
    global _installed  # noqa: PLW0603 - functions of libraries are replaced for the process as a whole
    installed = Installed(Notes(recorder, Choice(wanted)))
    with _turn:
        if _installed is not None:
            _installed.remove()
        _installed = installed
        installed.start()
    return installed


def _wrapping() -> Any:
    """Return the module that replaces functions. It needs wrapt, which a task without any of the libraries does not."""
    from penstock.run.frameworks import wrapping  # noqa: PLC0415 - see above

    return wrapping


def _in_child() -> None:
    global _turn  # noqa: PLW0603 - a lock that another thread held when this process was forked is never released
    _turn = threading.RLock()


_turn = threading.RLock()
_installed: Installed | None = None
os.register_at_fork(after_in_child=_in_child)
