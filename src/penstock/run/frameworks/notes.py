"""Between the libraries that are followed and the recorder: what was asked for goes through, and nothing comes back.

Rule 1: the user's call comes first; the recorder hears of it after it succeeded. Rule 2: whatever goes wrong here is
said once on standard error and otherwise forgotten. Rule 3: what happens inside a followed call, or inside the
recorder, is not recorded once more. This module must never know which libraries there are.
"""

from __future__ import annotations

import inspect
import os
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

from msgspec import Struct

from penstock.run.frameworks.choice import Choice
from penstock.run.frameworks.recorder import Recorder

_ON_THE_WAY = ("penstock.run.frameworks", "wrapt", "contextlib")  # modules between the user's call and the recorder


class Notes:
    """What the recorder is told: the events that the user wants recorded, of files that exist.

    Args:
        recorder: Who is told.
        choice: What the user wants recorded.
    """

    def __init__(self, recorder: Recorder, choice: Choice) -> None:
        self.recorder = recorder
        self.choice = choice
        self._complaints: dict[tuple[str, type[Exception]], object] = {}

    def saved(self, path: object, framework: str, *keys: str) -> None:
        """Tell of a model that was saved, if all the keys want the file; what is not a path is passed over."""
        if file := self._wanted(path, keys):
            self.recorder.model_saved(file, framework)

    def loaded(self, path: object, framework: str, *keys: str) -> None:
        """Tell of a model that was loaded; the arguments are those of `saved`."""
        if file := self._wanted(path, keys):
            self.recorder.model_loaded(file, framework)

    def attempt(self, key: str, act: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Do something for the recorder's sake, whatever it raises.

        Args:
            key: What switches it off in `auto_connect_frameworks`.
            act: What to do, with its arguments.

        Returns:
            What it returned; None when it raised.
        """
        try:
            with unrecorded():
                return act(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - a library or the recorder may raise anything; the user's call succeeded
            self.complain(key, error)
            return None

    def complain(self, key: str, error: Exception) -> None:
        """Say on standard error that something was not recorded, once for each kind of error."""
        mine = object()
        if self._complaints.setdefault((key, type(error)), mine) is not mine:
            return
        with suppress(Exception):  # standard error may be closed, or a text of the error may not be had
            what = " ".join(f"{type(error).__name__}: {error}".split())
            off = f"auto_connect_frameworks={{{key!r}: False}} switches this off"
            print(f"penstock: what {key} did could not be recorded: {what} ({off})", file=sys.stderr)  # noqa: T201 - see above

    def _wanted(self, path: object, keys: tuple[str, ...]) -> str | None:
        if not isinstance(path, str | os.PathLike):
            return None
        file = Path(os.fsdecode(cast("os.PathLike[str]", path))).absolute()
        found = str(file)
        return found if file.exists() and all(self.choice.wants_file(key, found) for key in keys) else None


Around = Callable[[Notes, Callable[..., Any], tuple[Any, ...], Mapping[str, Any]], Any]
"""Makes the user's call, with its arguments, and tells what came of it; returns what the call returned."""


class Spot(Struct, frozen=True):
    """A function of a library that is followed.

    Args:
        owner: The module or class that it belongs to; None when the library does not have it.
        name: Its name there.
        key: What switches it off in `auto_connect_frameworks`.
        around: What is called in its place.
    """

    owner: Any
    name: str
    key: str
    around: Around


def followed_by(tell: Callable[..., None], owner: Any, name: str, key: str) -> Spot:
    """Return the spot of a function after whose success `tell(notes, result, *args, **kwargs)` is called.

    `args` and `kwargs` are those of the user's call, without `self`: naming its parameters as the library does takes
    them apart.
    """

    def around(notes: Notes, call: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        with unrecorded():
            result = call(*args, **kwargs)
        notes.attempt(key, tell, notes, result, *args, **kwargs)
        return result

    return Spot(owner, name, key, around)


@contextmanager
def unrecorded() -> Generator[None]:
    """Record nothing of what libraries do in this thread meanwhile. A process forked meanwhile records again."""
    before = getattr(_thread, "quiet_in", 0)
    _thread.quiet_in = os.getpid()
    try:
        yield
    finally:
        _thread.quiet_in = before


def is_quiet() -> bool:
    """Return whether nothing is recorded in this thread just now."""
    return getattr(_thread, "quiet_in", 0) == os.getpid()


def caller() -> str:
    """Return the name of the module that called the function that is being followed; empty when there is none."""
    frame = inspect.currentframe()
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if not name.startswith(_ON_THE_WAY):
            return name
        frame = frame.f_back
    return ""


def current() -> Notes | None:
    """Return who is told now, or None."""
    return _current


def put(notes: Notes | None) -> None:
    """Set who is told from now on."""
    global _current  # noqa: PLW0603 - the functions of a library belong to the process, and so does who follows them
    _current = notes


_thread = threading.local()
_current: Notes | None = None
