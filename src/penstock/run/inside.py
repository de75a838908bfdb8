"""The inside of a step's process, from its first instruction to its last; forked and spawned ones are the same here.

It must never know what its entry does with the payload.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn, TextIO

from penstock.run import wire

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_SIGKILL = int(signal.SIGKILL)
_libc = ctypes.CDLL(None)
_prctl, flush_c = _libc.prctl, _libc.fflush
_streams: list[TextIO] = []


def main(arguments: Sequence[str]) -> NoReturn:
    """Be a spawned process; the argument is the id of the process that spawned it."""
    (parent,) = arguments
    open_streams()
    stand_alone(int(parent))
    live(variables())


def stand_alone(parent: int | None) -> None:
    """Have a session of one's own, and be the parent of all that comes of it.

    Args:
        parent: The warm process, which this one must not outlive; None when it may.
    """
    with suppress(PermissionError):  # a spawned process may lead its session already
        os.setsid()
    adopt_orphans()
    if parent is not None:
        die_with(parent)


def live(given: frozenset[bytes]) -> NoReturn:
    """Be a step's process: 1 and 2 are its output, 3 is its channel; leave when its entry has returned.

    Args:
        given: Variables that are set and that the launch decides about, as `NAME=value`.
    """
    code = 1
    try:
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, wire.CHANNEL)
        channel.settimeout(None)  # a module may have set a default
        channel.set_inheritable(False)
        setup = wire.decode_setup(wire.receive_frame(channel))
        payload = wire.receive_frame(channel)
        _settle(setup, given)
        module, _, name = setup.entry.partition(":")
        code = int(getattr(importlib.import_module(module), name)(payload, channel))
    except SystemExit as leaving:
        code = _exit_code(leaving)
    except BaseException as error:  # noqa: BLE001 - user code may raise anything
        _show(error)
    finally:
        _leave(code)


def die_with(parent: int) -> None:
    """Have the system kill this process when its parent is gone."""
    if sys.platform == "linux":
        _prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of every process below this one whose own parent ends.

    A step does so too: then what comes to the warm process was left by a step that has ended, whichever it was.
    """
    if sys.platform == "linux":
        _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _settle(setup: wire.Setup, present: frozenset[bytes]) -> None:
    """Make this process what the launch asked for."""
    os.chdir(setup.cwd)
    _replace_environment(present, frozenset(setup.environment))
    sys.path[:] = [os.fsdecode(folder) for folder in setup.path]
    sys.argv[:] = [""]
    _forget_inherited_state()
    gc.enable()


def _replace_environment(present: frozenset[bytes], wanted: frozenset[bytes]) -> None:
    """Set and delete the variables in which `wanted` differs from `present`; both hold `NAME=value`."""
    changed = dict(one.split(b"=", 1) for one in wanted - present)
    gone = {one.partition(b"=")[0] for one in present - wanted} - changed.keys()
    for name in gone:
        os.environb.pop(name, None)
    os.environb.update(changed)
    if b"TZ" in gone or b"TZ" in changed:
        time.tzset()


def variables() -> frozenset[bytes]:
    """Return the environment variables that are set, as `NAME=value`."""
    return frozenset(b"=".join(one) for one in os.environb.items())


def _forget_inherited_state() -> None:
    """Drop what a fork must not share with its siblings, and what was derived from the old environment.

    Python itself gives `random` a new state in a fork, and the warm process does so for NumPy.
    """
    if torch := sys.modules.get("torch"):
        torch.manual_seed(int.from_bytes(os.urandom(7)))
    if tempfile := sys.modules.get("tempfile"):
        setattr(tempfile, "tempdir", None)  # noqa: B010 - a module's type does not tell its variables


def open_streams() -> None:
    """Make `sys.stdout` and `sys.stderr` what they shall be in a step: UTF-8, line by line, no character too much.

    A file object remembers whether it could seek. That of a step cannot, so these are opened on a pipe.
    """
    readable, writable = os.pipe()
    for name, number in (("stdout", 1), ("stderr", 2)):
        place = os.dup(number)
        os.dup2(writable, number)
        stream = open(number, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115 - it stays open
        os.dup2(place, number)
        os.close(place)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
        _streams.append(stream)  # a module may get hold of it when it is imported
    wire.close_all((readable, writable))


def streams_are_intact() -> bool:
    """Return whether what `open_streams` made is still there and open."""
    try:
        return [sys.stdout, sys.stderr] == _streams and not (sys.stdout.closed or sys.stderr.closed)
    except ValueError:  # somebody took one apart
        return False


def _exit_code(leaving: SystemExit) -> int:
    if leaving.code is None:
        return 0
    if isinstance(leaving.code, int):
        return leaving.code
    with suppress(OSError, ValueError):
        sys.stderr.write(f"{leaving.code}\n")
    return 1


def _show(error: BaseException) -> None:
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    sys.excepthook(type(error), error.with_traceback(frames), frames)


def _leave(code: int) -> NoReturn:
    """End this process: what was printed goes out, also by C code; nothing that the warm process may hold does."""
    try:
        for stream in (*_streams, sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        flush_c(None)
    finally:
        os._exit(code & 0xFF)
