"""One process of a step, seen from the controller: what starts it, what is heard of it, and our ends of its pipes."""

from __future__ import annotations

import os
import socket
from typing import Literal, Protocol

from msgspec import Struct

from penstock.core.errors import Invalid, PenstockError
from penstock.run import warm as warming
from penstock.run import wire
from penstock.run.wire import Spawned

_TOO_MANY = "close files, raise the limit (ulimit -n), or let fewer steps run at once"

Stream = Literal["out", "err"]
Cause = Literal["exit", "time_limit", "aborted", "zygote_died", "not_started"]


class Launch(Struct, frozen=True, kw_only=True):
    """A process to start.

    Args:
        key: Names it in events; unique among those that run.
        payload: What its entry is called with.
        cwd: The folder that it works in.
        environment: All its environment variables.
        path: Its `sys.path`.
        entry: `module:function`, called as `entry(payload, channel) -> exit code`.
        fresh: Start a new interpreter instead of forking the warm one.
        interpreter: Another Python to run it; implies `fresh`.
        time_limit: Seconds after which it is killed; None for no limit.
        detached: Whether it lives on when whoever launched it is gone; only a fork can.
        tidies: Whether programs clear up behind it, which are not killed with it; nor is anything else of its warm
            process's that has lost its parent.
    """

    key: str
    payload: bytes
    cwd: str
    environment: dict[str, str]
    path: tuple[str, ...]
    entry: str = warming.ENTRY
    fresh: bool = False
    interpreter: str | None = None
    time_limit: float | None = None
    detached: bool = False
    tidies: bool = False


class Output(Struct, frozen=True):
    """A process, or one that it started, printed something.

    Args:
        key: Of its launch.
        stream: Standard output or standard error.
        data: A piece as it was read: neither lines nor characters need be whole.
        at: Epoch seconds when it was read.
    """

    key: str
    stream: Stream
    data: bytes
    at: float


class Message(Struct, frozen=True):
    """A process sent a frame over its channel."""

    key: str
    data: bytes


class Exited(Struct, frozen=True):
    """A process is gone; nothing more comes under its key.

    Args:
        key: Of its launch.
        code: Its exit code, or None.
        signal: The number of the signal that ended it, or None.
        cause: `exit` unless we killed it or could not start it.
        reason: More words, where the cause leaves questions.
    """

    key: str
    code: int | None
    signal: int | None
    cause: Cause
    reason: str = ""


Event = Spawned | Output | Message | Exited


class Starter(Protocol):
    """What starts attempts and tells what comes of them; see `Processes`, which does so with processes."""

    def __enter__(self) -> object: ...

    def __exit__(self, *_: object) -> None: ...

    def launch(self, launch: Launch) -> None:
        """Start an attempt."""
        ...

    def reply(self, key: str, data: bytes) -> None:
        """Send a frame to it."""
        ...

    def kill(self, key: str, cause: Literal["aborted", "time_limit"] = "aborted", grace: float = 0.0) -> None:
        """End it; with so many seconds in which it may leave by itself."""
        ...

    def poll(self, timeout: float | None = None) -> list[Event]:
        """Wait until something happened and return it; nothing when the time is over or `wake` was called."""
        ...

    def printed(self, key: str) -> list[Event]:
        """Return what it has printed by now, ahead of its turn."""
        ...

    def wake(self) -> None:
        """Make `poll` return. May be called from any thread."""
        ...


class Process:
    """One launch while it is open: our ends of its pipes and channel, and until it is started also the far ends."""

    def __init__(self, launch: Launch) -> None:
        variables = tuple(os.fsencode(f"{name}={value}") for name, value in launch.environment.items())
        folders = tuple(os.fsencode(folder) for folder in launch.path)
        setup = wire.encode(wire.Setup(launch.entry, os.fsencode(launch.cwd), variables, folders))
        self.key = launch.key
        self.fresh = launch.fresh or launch.interpreter is not None
        self.spawn = wire.Spawn(os.fsencode(launch.interpreter or ""), variables)
        self.time_limit = launch.time_limit
        self.detached = launch.detached
        self.tidies = launch.tidies
        self.pid = 0
        self.cause: Literal["aborted", "time_limit"] | None = None
        opened: list[int] = []
        try:
            for _ in range(2):
                opened += os.pipe()
            ours, theirs = socket.socketpair()
        except OSError as error:
            wire.close_all(opened)
            raise PenstockError(f"cannot start {launch.key!r}: {error.strerror}", hint=_TOO_MANY) from error
        out, far_out, err, far_err = opened
        os.set_blocking(out, False)
        os.set_blocking(err, False)
        self.streams: dict[Stream, int] = {"out": out, "err": err}
        self.far: tuple[int, ...] = (far_out, far_err, theirs.detach())
        self.channel = wire.Connection(ours)
        try:
            self.channel.send(setup)
            self.channel.send(launch.payload)
        except Invalid:
            self.close()
            raise

    def close(self) -> None:
        wire.close_all([*self.streams.values(), *self.far])
        self.channel.close()
