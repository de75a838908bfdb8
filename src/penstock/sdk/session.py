"""How this process reaches the system: its settings and its backend, made when they are first needed."""

from __future__ import annotations

import os
from pathlib import Path

from penstock.backend import Backend, connect
from penstock.run import current
from penstock.settings import Settings, load

_open: dict[tuple[int, Path], Backend] = {}


def settings() -> Settings:
    """Return the settings as the environment has them now."""
    return load()


def backend() -> Backend:
    """Return the backend: that of the step whose process this is, else the one that the settings name."""
    working = current.get()
    if working is not None and working.process == os.getpid():
        return working.backend
    return open_backend(settings())


def open_backend(chosen: Settings) -> Backend:
    """Return the backend of the home that the settings name; it is opened once a process."""
    key = (os.getpid(), chosen.home)
    if key not in _open:
        _open[key] = connect(chosen)
    return _open[key]
