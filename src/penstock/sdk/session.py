"""How this process reaches the system: its settings and its backend, made when they are first needed."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable
from pathlib import Path

from penstock.backend import Backend, connect
from penstock.run import current
from penstock.run.reporter import Reporter
from penstock.settings import Settings, load

_reporters: dict[tuple[int, str], Reporter] = {}
_open: dict[tuple[int, Path, str | None, str], Backend] = {}


def settings() -> Settings:
    """Return the settings as the environment has them now."""
    return load()


def backend() -> Backend:
    """Return the backend: that of the step whose process this is, else the one that the settings name."""
    working = current.get()
    if working is not None and working.process == os.getpid():
        return working.backend
    return open_backend(settings())


def scratch() -> Path:
    """Return the folder for copies of files: in a process that carries a task out, one that goes when that is over."""
    working = current.get()
    return Path(working.scratch) if working is not None else settings().scratch / "copies"


def reporter(task: str) -> Reporter:
    """Return what takes reports for a task in this process."""
    working = current.get()
    if working is not None and working.process == os.getpid():
        return working.reporter_for(task)
    key = (os.getpid(), task)
    if key not in _reporters:
        _reporters[key] = Reporter(backend(), task)
        _at_exit(_reporters[key].close)
    return _reporters[key]


def _at_exit(close: Callable[[], None]) -> None:
    """Call it when this process leaves; one that `multiprocessing` made leaves without what `atexit` knows."""
    atexit.register(close)
    if (util := sys.modules.get("multiprocessing.util")) is not None:
        util.Finalize(None, close, exitpriority=0)


def close() -> None:
    """Record what was reported, and close what this process has opened."""
    for each in _reporters.values():
        each.close()
    for opened in _open.values():
        opened.close()
    _reporters.clear()
    _open.clear()


def open_backend(chosen: Settings) -> Backend:
    """Return the backend that the settings name; it is opened once a process."""
    key = (os.getpid(), chosen.home, chosen.database_url, chosen.url)
    if key not in _open:
        _open[key] = connect(chosen)
    return _open[key]
