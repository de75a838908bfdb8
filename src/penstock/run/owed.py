"""Ends of runs that could not be recorded, because the disk was full, say. They are recorded once that is possible.

Nobody else would do it: to everybody else the run looks alive for as long as this process lives.
"""

from __future__ import annotations

import atexit
from contextlib import suppress

from penstock.backend import Backend
from penstock.core.errors import BadTransition, PenstockError
from penstock.ops.runs import EndRun

_owed: list[tuple[Backend, EndRun]] = []


def end(backend: Backend, op: EndRun) -> None:
    """Record the end of a run; when that fails, remember that it is owed."""
    try:
        backend.call(op)
    except PenstockError:
        if not _owed:
            atexit.register(settle)
        _owed.append((backend, op))


def settle() -> None:
    """Record what is owed, as far as it can be recorded now."""
    for backend, op in _owed[:]:
        with suppress(PenstockError):
            with suppress(BadTransition):  # somebody else has ended it meanwhile
                backend.call(op)
            _owed.remove((backend, op))
