"""Carries the attempts of steps out in this process, one after another, as processes of their own would.

A step's code is what an agent would run: the standalone text that was recorded, run as `__main__`. Only what a process
alone can do is missing: a time limit ends nothing, and `os._exit` ends the test.
"""

from __future__ import annotations

import io
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, Self, TextIO

from msgspec import Struct

from penstock.backend import Backend
from penstock.core.errors import Conflict
from penstock.core.parameters import is_plain
from penstock.core.task import EndReason, Parameter, Status
from penstock.run import current, storage
from penstock.run.attempt import AttemptSpec, Outcome, decode_spec, encode
from penstock.run.execute import destination_of, execute
from penstock.run.outcomes import failed, raised
from penstock.run.process import Event, Exited, Launch, Message, Output, Stream
from penstock.run.reporter import Reporter
from penstock.sdk import assigned, recording


class Fake(Struct, kw_only=True):
    """What stands for a step's own code.

    Args:
        values: The artifacts and plain values that it leaves, by name.
        error: What it raises instead; None for nothing.
        times: How many attempts it stands for; None for all.
    """

    values: Mapping[str, object] = {}
    error: BaseException | None = None
    times: int | None = None


class Inline:
    """Starts attempts by carrying them out, when it is asked what has happened.

    Args:
        backend: Where all of it is recorded.
        fakes: What stands for steps, by name; entries are used up here.
        order: The steps that were carried out are added to it, once for each attempt.
    """

    def __init__(self, backend: Backend, fakes: dict[str, Fake], order: list[str]) -> None:
        self._backend = backend
        self._fakes = fakes
        self._order = order
        self._due: deque[Launch] = deque()
        self._events: list[Event] = []
        self._bell = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._due.clear()

    def launch(self, launch: Launch) -> None:
        """Take note of an attempt: it is carried out at the next `poll`."""
        self._due.append(launch)

    def reply(self, key: str, data: bytes) -> None:
        """Refuse: an attempt in this process asks for nothing over a channel."""
        _ = data
        raise Conflict(f"attempt {key} runs in this process, and has no channel")

    def kill(self, key: str, cause: Literal["aborted", "time_limit"] = "aborted", grace: float = 0.0) -> None:
        """End an attempt that was not carried out yet; one that was has ended."""
        _ = grace
        for launch in [one for one in self._due if one.key == key]:
            self._due.remove(launch)
            self._events.append(Exited(key, None, None, cause))

    def poll(self, timeout: float | None = None) -> list[Event]:
        """Carry out the next attempt and return what it said; without one wait until `wake` is called."""
        if not self._events and self._due:
            self._carry_out(self._due.popleft())
        if not self._events:
            self._bell.wait(timeout)
        self._bell.clear()
        events, self._events = self._events, []
        return events

    def printed(self, key: str) -> list[Event]:
        """Return what an attempt has printed, ahead of its turn."""
        found: list[Event] = [one for one in self._events if isinstance(one, Output) and one.key == key]
        self._events = [one for one in self._events if one not in found]
        return found

    def wake(self) -> None:
        """Make `poll` return."""
        self._bell.set()

    def _carry_out(self, launch: Launch) -> None:
        spec = decode_spec(launch.payload)
        step = spec.task.step or ""
        self._order.append(step)
        printed: dict[Stream, _Tee] = {"out": _Tee(sys.stdout), "err": _Tee(sys.stderr)}
        with _as_its_own_process(launch, printed):
            fake = self._fake_of(step)
            outcome = self._execute(spec) if fake is None else _faked(spec, self._backend, fake)
        for stream, tee in printed.items():
            if text := tee.text():
                self._events.append(Output(launch.key, stream, text.encode("utf-8", "replace"), time.time()))
        self._events += [Message(launch.key, encode(outcome)), Exited(launch.key, 0, None, "exit")]

    def _fake_of(self, step: str) -> Fake | None:
        fake = self._fakes.get(step)
        if fake is None or fake.times is None:
            return fake
        if fake.times == 0:
            return None
        fake.times -= 1
        return fake

    def _execute(self, spec: AttemptSpec) -> Outcome:
        reporter = Reporter(self._backend, spec.task.id)
        working = current.Current(spec.task.id, spec.task.run, self._backend, reporter, spec.scratch, assigned=True)
        working.secrets = spec.secrets
        before, recorded = current.get(), recording.get()
        current.put(working)
        try:
            if recorded is None:  # else the test itself is a task, and libraries are followed for that
                assigned.follow(spec)
            return execute(spec, self._backend)
        finally:
            if recorded is None and (own := recording.get()) is not None:
                own.let_go()
            working.close()
            current.put(before)


@contextmanager
def _as_its_own_process(launch: Launch, printed: Mapping[Stream, _Tee]) -> Generator[None]:
    """Give an attempt what a process of its own would have, and put it back."""
    main, arguments, path, folder = sys.modules["__main__"], sys.argv, list(sys.path), Path.cwd()
    streams = sys.stdout, sys.stderr
    os.chdir(launch.cwd)
    sys.stdout, sys.stderr = printed["out"], printed["err"]
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
        os.chdir(folder)
        sys.modules["__main__"], sys.argv, sys.path[:] = main, arguments, path


def _faked(spec: AttemptSpec, backend: Backend, fake: Fake) -> Outcome:
    """Return how an attempt ends that leaves what it was told to."""
    if fake.error is not None:
        return raised(fake.error)
    if missing := [name for name in spec.returns if name not in fake.values]:
        return failed(EndReason.OUTPUT, f"the fake of the step gives no {missing[0]!r}, which its step declares")
    values = storage.Values(backend.blobs, spec.scratch, None, None, spec.stamps, destination_of(spec.task))
    return Outcome(
        status=Status.COMPLETED,
        artifacts=tuple(values.store(spec.task.id, name, value) for name, value in fake.values.items()),
        parameters=tuple(_returned(name, value) for name, value in fake.values.items() if is_plain(value)),
        stamps=values.written,
    )


def _returned(name: str, value: object) -> Parameter:
    kind = "" if value is None else type(value).__name__
    return Parameter(section="return", name=name, value=value, type=kind)  # type: ignore[arg-type]


class _Tee(io.TextIOBase):
    """A stream that passes on what is written, and keeps it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._kept: list[str] = []

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._stream.fileno()

    def write(self, text: str, /) -> int:
        self._kept.append(text)
        self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(ValueError):  # it was closed
            self._stream.flush()

    def text(self) -> str:
        """Return all that was written."""
        return "".join(self._kept)
