"""The entry point of every step process, forked or spawned: `main(payload, channel)`."""

from __future__ import annotations

import atexit
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from penstock.blobs.cached import CachedBlobs
from penstock.blobs.files import FileBlobs
from penstock.core.task import Status
from penstock.run import current
from penstock.run.attempt import AttemptSpec, decode_spec
from penstock.run.channel import Channel
from penstock.run.execute import execute
from penstock.run.reporter import Reporter


def main(payload: bytes, connection: socket.socket, before: Callable[[AttemptSpec], object] = lambda _: None) -> int:
    """Carry out the attempt that the payload describes and say on the channel how it went.

    Args:
        payload: An `AttemptSpec`, encoded.
        connection: The channel to the launcher.
        before: Called when it is known what this process works on, before the user's code is run.

    Returns:
        The exit code of the process: 0 when the step completed, else 1.
    """
    spec = decode_spec(payload)
    channel, working = begin(spec, connection)
    before(spec)
    outcome = execute(spec, channel)
    _finish_user_code()
    working.close()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    channel.end(outcome)
    return 0 if outcome.status is Status.COMPLETED else 1


def begin(spec: AttemptSpec, connection: socket.socket) -> tuple[Channel, current.Current]:
    """Have this process work on an attempt; return its channel, and what it works on."""
    channel = Channel(connection, FileBlobs(Path(spec.blobs)))
    if spec.address:
        channel.blobs = CachedBlobs(Path(spec.blobs), channel, spec.address)
    reporter = Reporter(channel, spec.task.id)
    working = current.Current(spec.task.id, spec.task.run, channel, reporter, spec.scratch, assigned=True)
    working.secrets = spec.secrets
    current.put(working)
    return channel, working


def _finish_user_code() -> None:
    """Do what the interpreter does at its end: wait for threads, call exit functions. Both may still report."""
    shutdown = getattr(threading, "_shutdown", None)
    if shutdown is not None:
        shutdown()
    getattr(atexit, "_run_exitfuncs", tuple)()  # the process leaves by os._exit, which calls none of them
