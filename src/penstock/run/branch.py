"""A warm process that is a fork of this one, and so has at once whatever was imported here.

A process that was forked from a warm one makes its own this way, before it starts a thread or opens anything.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import suppress

from penstock.run import inside, preload, wire, zygote
from penstock.run.warm import Kind, Warm

_LOOK = 0.005  # seconds between two looks whether a child that is waited for has ended


class Forked:
    """A child that was forked, as `subprocess` would show it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return its exit code, None while it lives."""
        if self.returncode is None:
            with suppress(ChildProcessError):
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def kill(self) -> None:
        """Kill it."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended and return its exit code; raise TimeoutError when that takes too long."""
        until = None if timeout is None else time.monotonic() + timeout
        while self.poll() is None:
            if until is not None and time.monotonic() > until:
                raise TimeoutError(f"process {self.pid} has not ended within {timeout} s")
            time.sleep(_LOOK)
        return self.returncode or 0


def branch(kind: Kind) -> Warm:
    """Fork a warm process off this one.

    Args:
        kind: What this process was when it was warm.
    """
    return Warm(kind, _fork)


def _fork(kind: Kind) -> tuple[Forked, socket.socket]:
    _ = kind
    kept = {one for one in preload.open_descriptors() if one > wire.CHANNEL}
    ours, theirs = socket.socketpair()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        theirs.close()
        return Forked(pid), ours
    try:
        ours.close()
        os.setsid()
        inside.die_with(parent)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nowhere, number)
        zygote.main([str(theirs.detach())], kept)
    finally:
        os._exit(1)
