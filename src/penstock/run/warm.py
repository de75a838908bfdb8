"""The controller's end of warm processes, and those that wait between two runs.

This module knows how a warm process is started, held, parked and dismissed; never what it starts.
"""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from penstock.core.errors import PenstockError
from penstock.run import wire
from penstock.run.preload import libraries

ENTRY = "penstock.run.child:main"

KEPT = 2  # warm processes that may wait for another run; each may hold some hundred megabytes
_LEAVING = 1.0  # seconds that it gets to leave by itself once its socket is closed
_DYING = 5.0  # seconds that a killed process gets to disappear


class Kind(Struct, frozen=True, kw_only=True):
    """What makes a warm process fit for a run.

    Args:
        interpreter: The Python that it runs.
        path: The folders that it imports from.
        modules: What it imports.
        fingerprint: Of the files of these modules.
        environment: The variables it starts with; None for those of this process.
    """

    interpreter: str
    path: tuple[str, ...]
    modules: tuple[str, ...]
    fingerprint: str
    environment: tuple[tuple[str, str], ...] | None


def kind(
    modules: tuple[str, ...],
    fingerprint: str,
    environment: Mapping[str, str] | None = None,
    path: Sequence[str] | None = None,
    interpreter: str = "",
) -> Kind:
    """Return the kind for this Python; without a path the modules are imported from its own library folders.

    Args:
        interpreter: Another Python, whose path is given and holds this package; empty for this one.
    """
    folders = libraries(sys.path) if path is None else path
    return Kind(
        interpreter=interpreter or sys.executable,
        path=tuple(dict.fromkeys(folders if interpreter else (*folders, wire.ROOT))),
        modules=modules,
        fingerprint=fingerprint,
        environment=None if environment is None else tuple(environment.items()),
    )


class Started(Protocol):
    """A process that was started, as `subprocess` knows it."""

    returncode: int | None

    def poll(self) -> int | None: ...
    def kill(self) -> None: ...
    def wait(self, timeout: float | None = None) -> int: ...


class Warm:
    """A warm process that belongs to one run, or waits for the next one.

    It is started at once, and never waited for: `ready` tells when it takes orders.

    Args:
        start: Starts it and returns it with our end of its socket.
    """

    def __init__(self, kind: Kind, start: Callable[[Kind], tuple[Started, socket.socket]] | None = None) -> None:
        self.kind = kind
        self.ready: wire.Ready | None = None
        self.was_ready = False
        self.last_words = ""
        self._serial = 0
        self._process, endpoint = (start or _start)(kind)
        self.connection = wire.Connection(endpoint)
        modules = (*kind.modules, ENTRY.partition(":")[0])
        self.order(wire.Prepare(self._serial, modules, tuple(os.fsencode(folder) for folder in kind.path)))
        _living.add(self)

    def order(self, order: wire.Order, descriptors: tuple[int, ...] = ()) -> None:
        """Send an order. The descriptors are closed here once they are on their way."""
        self.connection.send(wire.encode(order), descriptors)

    def hear(self) -> list[wire.Spawned | wire.Ended | wire.NotStarted]:
        """Read once and return what was reported of processes."""
        self.connection.flush()
        heard: list[wire.Spawned | wire.Ended | wire.NotStarted] = []
        for frame in self.connection.receive():
            report = wire.decode_report(frame)
            if isinstance(report, wire.Broken):
                self.last_words = report.reason
            elif not isinstance(report, wire.Ready):
                heard.append(report)
            elif report.serial == self._serial:  # else it answers an order from before it was parked
                self.ready = report
                self.was_ready = True
        return heard

    def hold(self) -> None:
        """Ask it to stay. Should it be leaving already, the connection ends instead of its becoming ready."""
        self._serial += 1
        self.ready = None
        self.order(wire.Hold(self._serial))

    def is_running(self) -> bool:
        """Return whether the process lives; when not, it has been waited for."""
        return self._process.poll() is None

    def dismiss(self) -> None:
        """End the process, and see it gone."""
        self.connection.close()
        if self.was_ready:  # else it is in the middle of an import, and deaf
            with suppress(subprocess.TimeoutExpired, TimeoutError):
                self._process.wait(_LEAVING)
        self._process.kill()
        with suppress(subprocess.TimeoutExpired, TimeoutError):
            self._process.wait(_DYING)

    def disown(self) -> None:
        """Let go of it in a fork of this process: it belongs to the original."""
        self.connection.close()
        self._process.returncode = 0


def take(kind: Kind) -> Warm:
    """Return a warm process of this kind: one that waits, else a new one.

    Raises:
        PenstockError: None can be started.
    """
    with _turn:
        _dismiss_unfit(kind)
        found = next((one for one in _idle if one.kind == kind), None)
        if found is not None:
            _idle.remove(found)
    if found is None:
        return Warm(kind)
    found.hold()
    return found


def keep(warm: Warm, idle: float) -> None:
    """Let a warm process that has nothing to do wait for another run, for `idle` seconds; with none it ends now."""
    if not idle:
        warm.dismiss()
        return
    warm.order(wire.Park(idle))
    with _turn:
        _dismiss_unfit(warm.kind)
        _idle.append(warm)
        while len(_idle) > KEPT:
            _idle.pop(0).dismiss()


def dismiss_idle() -> None:
    """End the warm processes that wait."""
    with _turn:
        while _idle:
            _idle.pop().dismiss()


def _dismiss_unfit(kind: Kind) -> None:
    """End those that have left by themselves, and those whose modules have changed since they were imported."""
    for one in list(_idle):
        stale = one.kind != kind and replace(one.kind, fingerprint=kind.fingerprint) == kind
        if stale or not one.is_running():
            _idle.remove(one)
            one.dismiss()


def _start(kind: Kind) -> tuple[Started, socket.socket]:
    """Start a warm process; return it and our end of its socket."""
    with ExitStack() as until_started:
        try:
            ours, theirs = socket.socketpair()
            until_started.enter_context(ours)
            with theirs:
                process = subprocess.Popen(
                    wire.command(kind.interpreter, "zygote", theirs.fileno()),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    cwd="/",
                    env=None if kind.environment is None else dict(kind.environment),
                    start_new_session=True,  # the interrupts of the terminal are for the controller
                )
        except OSError as error:
            hint = "steps need a Python that can be started, and a few open files"
            raise PenstockError(f"cannot start {kind.interpreter}: {error.strerror}", hint=hint) from error
        until_started.pop_all()
        return process, ours


def _disown_all() -> None:
    """In a fork of this process: a socket held open here would keep warm processes alive that nobody owns."""
    _idle.clear()
    for one in list(_living):
        one.disown()


_turn = threading.Lock()
_idle: list[Warm] = []
_living: weakref.WeakSet[Warm] = weakref.WeakSet()
atexit.register(dismiss_idle)
os.register_at_fork(after_in_child=_disown_all)
