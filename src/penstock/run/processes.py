"""The processes of steps, seen from the controller: start them, hear from them, end them.

One thread uses `Processes`; it gets told what happened by `poll` and is never made to wait for a step by anything else.
The steps' processes are started by a warm process (`zygote`), which is kept for a while when a run is over.

This module must never know what a payload or a message means, nor what becomes of a step.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Literal, Self

from msgspec.structs import replace

from penstock.core.errors import Conflict, PenstockError
from penstock.run import warm as warming
from penstock.run import wire
from penstock.run.process import Cause, Event, Exited, Launch, Message, Output, Process, Stream
from penstock.run.wire import Spawned

IDLE = 60.0  # seconds that a warm process stays when nobody needs it
CLOSING = 10.0  # seconds that killed processes get to disappear

ENDS = frozenset({signal.SIGTERM, signal.SIGKILL})
"""What a process is ended with."""

_DRAINED = 16  # reads of a chunk each; more than any pipe or socket holds

End = int | socket.socket


class Processes:
    """The processes of one run. A context manager: leaving it kills what still runs, but for what is detached.

    The warm process is started by the first launch: where all steps are reused, nothing is.

    Args:
        preload: Modules that the warm process imports, as `preload.plan` gives them.
        fingerprint: Changes when one of these modules does; a warm process that was made with another one is not used.
        environment: The variables that the warm process imports them with; None for those of this process.
        path: The folders that it imports them from; None for where this Python and what is installed for it are.
        interpreter: Another Python that runs it, and all that it starts; the path is that of this one then.
        idle: Seconds that the warm process stays when the run is over.
    """

    def __init__(
        self,
        preload: tuple[str, ...],
        fingerprint: str = "",
        *,
        environment: Mapping[str, str] | None = None,
        path: Sequence[str] | None = None,
        interpreter: str = "",
        idle: float = IDLE,
    ) -> None:
        self._kind = warming.kind(preload, fingerprint, environment, path, interpreter)
        self._idle = idle
        self._events: list[Event] = []
        self._open: dict[str, Process] = {}
        self._waiting: deque[Process] = deque()  # until the warm process is ready
        self._deadlines: dict[str, float] = {}
        self._warm: warming.Warm | None = None
        self._selector = selectors.DefaultSelector()
        self._rung = False
        self._bell, self._bell_rope = socket.socketpair()
        self._bell.setblocking(False)
        self._bell_rope.setblocking(False)
        self._watch(self._bell, self._hear_bell)

    @classmethod
    def around(cls, warm: warming.Warm) -> Self:
        """Return processes that are forked from a warm process which is there already; it leaves with them."""
        made = cls(warm.kind.modules, warm.kind.fingerprint, idle=0.0)
        made._kind, made._warm = warm.kind, warm
        made._watch_warm()
        return made

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def launch(self, launch: Launch) -> None:
        """Start a process, as soon as the warm one is ready.

        Raises:
            Conflict: One with this key runs already.
            Invalid: The payload is too long.
            PenstockError: This machine cannot take one more.
        """
        if launch.key in self._open:
            raise Conflict(f"process {launch.key!r} runs already", hint="wait until it has exited")
        if self._warm is None:
            self._warm_up()
        process = Process(launch)
        self._open[launch.key] = process
        self._waiting.append(process)
        self._start_waiting()

    def reply(self, key: str, data: bytes) -> None:
        """Send a frame to a process over its channel; without effect when it is gone."""
        if process := self._open.get(key):
            process.channel.send(data)
            self._watch_channel(process)

    def kill(self, key: str, cause: Literal["aborted", "time_limit"] = "aborted", grace: float = 0.0) -> None:
        """Kill a process and what it started; its `Exited` tells when that is done. Without effect when it is gone.

        Args:
            grace: Seconds before that in which it is asked to leave by itself, by SIGTERM, if it has begun.
        """
        if (process := self._open.get(key)) is None:
            return
        process.cause = process.cause or cause
        if grace and process.pid and self._warm is not None:
            self._deadlines[key] = time.monotonic() + grace
            self._warm.order(wire.Kill(key, gently=True))
            return
        self._deadlines.pop(key, None)
        if process in self._waiting:
            self._waiting.remove(process)
            self._finish(process, Exited(key, None, None, process.cause))
        elif self._warm is not None:
            self._warm.order(wire.Kill(key))

    def poll(self, timeout: float | None = None) -> list[Event]:
        """Wait until something happened and return it; nothing when the time is over or `wake` was called.

        Args:
            timeout: Seconds to wait at most; None for ever.
        """
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            self._turn(0.0 if self._events or self._rung else _left(until))
            if self._events or self._rung or _left(until) == 0:
                events, self._events, self._rung = self._events, [], False
                return events

    def printed(self, key: str) -> list[Event]:
        """Read what a process has printed by now and return it, ahead of its turn."""
        if (process := self._open.get(key)) is None:
            return []
        before = len(self._events)
        self._drain(*(partial(self._read, process, one) for one in tuple(process.streams)))
        self._events, new = self._events[:before], self._events[before:]
        return new

    def wake(self) -> None:
        """Make `poll` return. May be called from any thread and from signal handlers."""
        with suppress(OSError):  # when it is full it is heard anyway
            self._bell_rope.send(b"!")

    def close(self) -> None:
        """Kill what still runs, see it gone, and leave the warm process to the next run."""
        if self._bell.fileno() < 0:
            return
        for process in list(self._open.values()):
            if process.detached and process.pid:
                self._finish(process, Exited(process.key, None, None, "exit"))
            else:
                self.kill(process.key)
        until = time.monotonic() + CLOSING
        while self._open and _left(until):
            self._turn(_left(until))
        if (warm := self._warm) is not None:
            self._warm = None
            self._unwatch(warm.connection.endpoint)
            warming.keep(warm, 0 if self._open else self._idle)
        for process in list(self._open.values()):
            self._give_up(process, "aborted")
        for closable in (self._selector, self._bell, self._bell_rope):
            closable.close()

    def _turn(self, timeout: float | None) -> None:
        """Wait once, handle what happened, and end what ran for too long."""
        waits = [one for one in (timeout, _left(min(self._deadlines.values(), default=None))) if one is not None]
        for ready, _ in self._selector.select(min(waits, default=None)):
            if (watched := self._selector.get_map().get(ready.fd)) is not None:  # what came before may have ended it
                watched.data()
        for key in [key for key, deadline in self._deadlines.items() if not _left(deadline)]:
            self.kill(key, "time_limit")

    def _hear_bell(self) -> None:
        self._rung = True
        with suppress(BlockingIOError):
            self._bell.recv(wire.CHUNK)

    def _warm_up(self) -> None:
        self._warm = warming.take(self._kind)
        self._watch_warm()

    def _start_waiting(self) -> None:
        warm = self._warm
        while self._waiting and warm is not None and warm.ready:
            process = self._waiting.popleft()
            far, process.far = process.far, ()
            fork = warm.ready.forkable and not process.fresh
            start = wire.Start(process.key, None if fork else process.spawn, process.detached, process.tidies)
            warm.order(start, far)
        self._watch_warm()

    def _hear_warm(self) -> None:
        if (warm := self._warm) is None:
            return
        for report in warm.hear():
            if (process := self._open.get(report.key)) is None:
                continue  # a detached one that was let go of, by us or by who had the warm process before
            match report:
                case Spawned(key, pid):
                    self._spawned(process, pid)
                case wire.Ended(key, code, number):
                    cause: Cause = process.cause if process.cause and number in ENDS else "exit"
                    self._finish(process, Exited(key, code, number, cause))
                case wire.NotStarted(key, reason):
                    self._finish(process, Exited(key, None, None, "not_started", reason))
        if warm.connection.ended:
            self._lose(warm)
        else:
            self._start_waiting()

    def _lose(self, warm: warming.Warm) -> None:
        """The warm process is gone. What it started goes with it; what it did not hear of yet can still be started."""
        self._unwatch(warm.connection.endpoint)
        self._warm = None
        warm.dismiss()
        for process in [one for one in self._open.values() if not one.far]:
            self._give_up(process, "zygote_died", warm.last_words)
        bare = replace(self._kind, modules=())  # for one of the modules may have been its end
        if self._waiting and (warm.was_ready or self._kind != bare):
            self._kind = self._kind if warm.was_ready else bare
            with suppress(PenstockError):
                self._warm_up()
        while self._waiting and self._warm is None:
            self._give_up(self._waiting.popleft(), "zygote_died", warm.last_words or "it died at its own start")

    def _spawned(self, process: Process, pid: int) -> None:
        process.pid = pid
        self._events.append(Spawned(process.key, pid))
        for stream, descriptor in process.streams.items():
            self._watch(descriptor, partial(self._read, process, stream))
        self._watch_channel(process)
        if process.time_limit is not None:
            self._deadlines[process.key] = time.monotonic() + process.time_limit

    def _read(self, process: Process, stream: Stream) -> bool:
        """Read once from a stream; return whether there may be more."""
        if (descriptor := process.streams.get(stream)) is None:
            return False
        try:
            data = os.read(descriptor, wire.CHUNK)
        except BlockingIOError:
            return False
        if data:
            self._events.append(Output(process.key, stream, data, time.time()))
        else:
            self._unwatch(descriptor)
            os.close(process.streams.pop(stream))
        return bool(data)

    def _hear(self, process: Process) -> bool:
        """Read once from a channel; return whether there may be more."""
        channel = process.channel
        channel.flush()
        self._events.extend(Message(process.key, frame) for frame in channel.receive())
        self._watch_channel(process)
        return not (channel.quiet or channel.ended)

    def _finish(self, process: Process, exited: Exited) -> None:
        """Read what the process left behind, and no more: others may hold its pipes open for as long as they like."""
        self._drain(*(partial(self._read, process, one) for one in process.streams), partial(self._hear, process))
        for descriptor in process.streams.values():
            self._unwatch(descriptor)
        self._unwatch(process.channel.endpoint)
        process.close()
        del self._open[process.key]
        self._deadlines.pop(process.key, None)
        self._events.append(exited)

    @staticmethod
    def _drain(*readers: Callable[[], bool]) -> None:
        for more in readers:
            for _ in range(_DRAINED):
                if not more():
                    break

    def _give_up(self, process: Process, cause: Cause, reason: str = "") -> None:
        if process.pid and not process.detached:
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
        self._finish(process, Exited(process.key, None, None, cause, reason))

    def _watch_warm(self) -> None:
        if self._warm is not None:
            self._watch(self._warm.connection.endpoint, self._hear_warm, writable=self._warm.connection.pending)

    def _watch_channel(self, process: Process) -> None:
        channel = process.channel
        if channel.ended:
            self._unwatch(channel.endpoint)
        elif process.pid:
            self._watch(channel.endpoint, partial(self._hear, process), writable=channel.pending)

    def _watch(self, end: End, hear: Callable[[], object], *, writable: bool = False) -> None:
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if writable else 0)
        if (known := self._selector.get_map().get(end)) is None:
            self._selector.register(end, events, hear)
        elif known.events != events:
            self._selector.modify(end, events, hear)

    def _unwatch(self, end: End) -> None:
        with suppress(KeyError):
            self._selector.unregister(end)


def _left(until: float | None) -> float | None:
    return None if until is None else max(0.0, until - time.monotonic())
