"""Records what this process prints: `sys.stdout` and `sys.stderr` stay what they are, and what passes is copied.

It taps below Python's own buffer, where bytes leave for the file: printing costs nothing more for each line, and who
got hold of the streams earlier, such as `logging`, is heard too. What goes past Python, from C code or from a process
that was started, is not. It must never know what a task is: the lines go to the reporter that asks for them.
"""

from __future__ import annotations

import atexit
import ctypes
import io
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from penstock.core.outputs import ConsoleLine, Stream
from penstock.run.console import PAUSE, Console

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

    from penstock.run.reporter import Reporter

MOST_WAITING = 16 << 20  # bytes; who prints more before it is recorded has to wait
PATIENCE = 30.0  # seconds without anything recorded after which printing goes on unrecorded
LARGEST_PIECE = 1 << 20  # bytes that are recorded at once

OURS = "penstock-"  # how the names of our own threads begin, which print nothing
MOMENT = 0.01  # seconds; lines that are printed so close to each other get the same time

Piece = tuple[Stream, bytes | memoryview, float]

_write, _now = io.FileIO.write, time.time
_pushing = threading.Lock()  # a fork while a buffer is written out would leave its child with a buffer locked for ever
_NAMES = {Stream.OUT: "stdout", Stream.ERR: "stderr"}


class Capture:
    """Copies to a task's console what is printed between `start` and `stop`.

    Args:
        reporter: Records the lines; it asks for them, at the latest when it is flushed or closed.
    """

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._console = Console()
        self.received: deque[Piece] = deque()
        self.size = 0  # bytes received; threads that print at once may count wrong, so
        self.taken = 0  # bytes taken are made equal to them whenever nothing is left
        self._room = threading.Condition(threading.RLock())  # a signal's handler may print while it is held
        self._streams: dict[Stream, Any] = {}
        self._relays: dict[Stream, _Relay] = {}
        self._recorder = 0
        self._ended = False
        self._process = os.getpid()
        self._stopped = threading.Event()

    def start(self) -> None:
        """Record from now on, until `stop` or the end of the interpreter."""
        for stream, name in _NAMES.items():
            found = getattr(sys, name)
            if found is not None:  # a program without a console has none
                self._streams[stream] = found
                self._listen(stream, found)
        _active.add(self)
        if any(not one.name.startswith(OURS) for one in threading.enumerate() if one is not threading.main_thread()):
            self.line_by_line()
        _follow_threads()
        self._reporter.hears_prints = True
        self._reporter.add_source(self)
        threading.Thread(target=self._work, name="penstock-console", daemon=True).start()
        atexit.register(self.stop)

    def stop(self) -> None:
        """Record what was printed, and nothing that is printed from now on."""
        atexit.unregister(self.stop)
        if self._stopped.is_set() or self._process != os.getpid():
            return
        self._stopped.set()
        self.push()
        self.let_go()
        for stream, relay in self._relays.items():
            if getattr(sys, _NAMES[stream]) is relay:
                setattr(sys, _NAMES[stream], self._streams[stream])
        self._ended = True
        self._reporter.hears_prints = False
        self._reporter.remove_source(self)

    def let_go(self) -> list[io.TextIOWrapper]:
        """Listen no more; return those of Python's own streams that have a buffer of ours."""
        _active.discard(self)
        buffered: list[io.TextIOWrapper] = []
        for found in self._streams.values():
            if (tee := _tee_of(found)) is not None and tee.capture is self:
                tee.capture = None
                buffered += [found] if found.buffer is not tee else []
        for relay in self._relays.values():
            relay.capture = None
        return buffered

    def line_by_line(self) -> None:
        """Let every line leave at once: from now on several threads may print.

        Where threads fill one buffer of Python's, they may lose what others printed (python/cpython#119506). A buffer
        that is written out by Python code, as with a tee below, makes that likely.
        """
        with _pushing:
            for found in self._streams.values():
                if _tee_of(found) is not None:
                    with suppress(Exception):  # as in `push`
                        found.reconfigure(line_buffering=True)

    def push(self) -> None:
        """Write out what the streams still hold back, so that it can be taken."""
        if self in _active:
            with _pushing:
                for found in self._streams.values():
                    with suppress(Exception):  # closed, detached, a full disk: who prints next will see it
                        found.flush()

    def take(self) -> Sequence[ConsoleLine]:
        """Return the next lines that are to be recorded; none when all are."""
        self._recorder = threading.get_ident()
        while not self._console.due():
            piece = self._next_piece()
            if piece is None:
                break
            stream, data, at = piece
            self._console.feed_block(stream, bytes(data), at, self._encoding(stream))
        if self._ended and not self.received:
            self._console.finish(time.time())
        with self._room:
            self._room.notify_all()
        return self._console.take_blocks()

    def receive(self, stream: Stream, data: bytes) -> None:
        """Take bytes that were printed."""
        self.received.append((stream, data, time.time()))
        self.size += len(data)
        if self.size - self.taken > MOST_WAITING:
            self.wait_for_room()

    def wait_for_room(self) -> None:
        """Wait until some of what was received is recorded. Whoever records does not wait for itself."""
        if threading.get_ident() == self._recorder:
            return
        deadline, taken = time.monotonic() + PATIENCE, self.taken
        self._reporter.wake()
        with self._room:
            while self.size - self.taken > MOST_WAITING and time.monotonic() < deadline:
                self._room.wait(PAUSE)
                if self.taken != taken:
                    deadline, taken = time.monotonic() + PATIENCE, self.taken
        if time.monotonic() >= deadline:
            self.received.clear()
            self.let_go()
            self._reporter.complain("what is printed is not recorded any more: that took too long")

    def _listen(self, stream: Stream, found: Any) -> None:
        tee = _tee_of(found)
        if tee is None and found is getattr(sys, f"__{_NAMES[stream]}__"):
            tee = _insert_tee(found, stream)
        if tee is None:
            self._relays[stream] = _Relay(found, self, stream)
            _relays.append(self._relays[stream])
            setattr(sys, _NAMES[stream], self._relays[stream])
        else:
            with suppress(OSError, ValueError):
                found.flush()  # what was printed before is not recorded
            tee.capture = self

    def _encoding(self, stream: Stream) -> str:
        try:
            return self._streams[stream].encoding or "utf-8"
        except (AttributeError, KeyError, ValueError):  # it has none, or was detached
            return "utf-8"

    def _next_piece(self) -> Piece | None:
        """Return what one stream was given within a moment, as far as it is not too much."""
        if not self.received:
            self.taken = self.size
            return None
        stream, data, since = self.received.popleft()
        if len(data) > LARGEST_PIECE:
            self.received.appendleft((stream, memoryview(data)[LARGEST_PIECE:], since))
            data = data[:LARGEST_PIECE]
        pieces = [data]
        size = len(data)
        while self.received and size < LARGEST_PIECE:
            following, data, at = self.received[0]
            if following is not stream or not 0 <= at - since < MOMENT or len(data) > LARGEST_PIECE:
                break
            self.received.popleft()
            pieces.append(data)
            size += len(data)
        self.taken += size
        return stream, b"".join(pieces), since

    def _work(self) -> None:
        """Write out, now and then, what is printed to a file or a pipe: it would be recorded late otherwise."""
        while not self._stopped.wait(PAUSE):
            self.push()


class _Tee(io.FileIO):
    """The file below a stream's buffer: it hands on what was written.

    Args:
        raw: The file that was there; it keeps the descriptor.
        before: The buffer that was on it.
    """

    def __init__(self, raw: io.FileIO, stream: Stream, before: Any) -> None:
        super().__init__(raw.fileno(), "wb", closefd=False)
        self.name = raw.name
        self.before = before
        self._stream = stream
        self.capture: Capture | None = None

    def write(self, data: ReadableBuffer, /) -> int:
        """Write, and hand on as much as was written.

        Where Python does not buffer, this is called for each word that is printed: it does what `receive` does itself.
        """
        written = _write(self, data)
        capture = self.capture
        if capture is not None and written:
            copied = bytes(data)
            capture.received.append((self._stream, copied if written == len(copied) else copied[:written], _now()))
            capture.size += written
            if capture.size - capture.taken > MOST_WAITING:
                capture.wait_for_room()
        return written


class _Relay:
    """Stands for a stream that is not Python's own, such as a notebook's: it hands on what is written.

    All else is the stream's own.
    """

    def __init__(self, found: Any, capture: Capture, stream: Stream) -> None:
        self._found = found
        self._stream = stream
        self.capture: Capture | None = capture

    def write(self, data: str | bytes) -> Any:
        """Write, and hand on what was written."""
        written = self._found.write(data)
        if self.capture is not None:
            printed = data.encode("utf-8", "backslashreplace") if isinstance(data, str) else bytes(data)
            self.capture.receive(self._stream, printed)
        return written

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of them."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._found, name)
        return _Relay(found, self.capture, self._stream) if name == "buffer" and self.capture is not None else found

    def __iter__(self) -> Any:
        return iter(self._found)


def _tee_of(found: Any) -> _Tee | None:
    """Return the tee below a stream, if there is one."""
    with suppress(AttributeError, ValueError):
        buffer = found.buffer
        raw = getattr(buffer, "raw", buffer)
        return raw if isinstance(raw, _Tee) else None
    return None


def _insert_tee(found: Any, stream: Stream) -> _Tee | None:
    """Put a tee below one of Python's own streams, which stays the same object; return None where that cannot be."""
    if type(found) is not io.TextIOWrapper or found.closed:
        return None
    buffer: Any = found.buffer
    raw = getattr(buffer, "raw", buffer)
    if type(raw) is not io.FileIO:
        return None
    found.flush()
    tee = _Tee(raw, stream, buffer)
    _put_on(tee if buffer is raw else io.BufferedWriter(tee), found)
    return tee


def _put_on(buffer: Any, found: io.TextIOWrapper) -> None:
    io.TextIOWrapper.__init__(
        found,
        buffer,
        encoding=found.encoding,
        errors=found.errors,
        newline="\n",
        line_buffering=found.line_buffering,
        write_through=found.write_through,
    )


def _follow_threads() -> None:
    """See when the script starts its first thread of its own."""
    if threading.Thread.start is not _start_thread:
        threading.Thread.start = _start_thread  # type: ignore[method-assign, assignment]


def _start_thread(thread: threading.Thread) -> None:
    if not thread.name.startswith(OURS):
        threading.Thread.start = _start  # type: ignore[method-assign]
        for capture in tuple(_active):
            capture.line_by_line()
    _start(thread)


_start = threading.Thread.start
_active: set[Capture] = set()
_relays: list[_Relay] = []  # `print` crashes where the stream that it is writing to is collected
_keep_for_ever = ctypes.pythonapi.Py_IncRef
_fork_holds = False


def _before_fork() -> None:
    global _fork_holds  # noqa: PLW0603 - forking concerns the process as a whole
    _fork_holds = _pushing.acquire(timeout=PAUSE)


def _after_fork() -> None:
    if _fork_holds:
        _pushing.release()


def _in_child() -> None:
    """Give the streams back the buffers that they had.

    A thread that is not in the child may have been writing and have left our buffer locked. What it holds is the
    parent's to write. It must not be collected, as it would wait for its lock: hence the reference that nobody has.
    """
    global _pushing  # noqa: PLW0603 - whoever held it is not in the child
    _pushing = threading.Lock()
    for capture in list(_active):
        for found in capture.let_go():
            buffer: Any = found.buffer
            _keep_for_ever(ctypes.py_object(buffer))
            _put_on(buffer.raw.before, found)


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_in_child)
