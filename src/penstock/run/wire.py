"""What the controller, the warm process and the steps' processes say to each other, and how it is put on a socket.

Everything travels as frames over AF_UNIX stream sockets: four bytes of length (big-endian), then that many bytes. The
controller sends orders to the warm process and gets reports back; it sends a step's process one `Setup`, one payload,
and then whatever frames the two agree on. Texts that come from the operating system (paths, variables) travel as bytes,
because they need not be valid UTF-8.

This module must never know what a payload means, nor start or end a process.
"""

from __future__ import annotations

import array
import os
import socket
import struct
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from penstock.core.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CHUNK = 65_536
"""Bytes that one read takes at most, so that no sender can starve the others."""

LIMIT = 1 << 30
"""Bytes of the longest frame that is believed; a longer one means that the stream is not ours."""

CHANNEL = 3
"""The descriptor under which a step's process finds its channel."""

ROOT = str(Path(__file__).resolve().parents[2])
"""The folder that this very package was imported from."""

_BOOT = "import sys; sys.path.append(sys.argv[1]); from penstock.run.{role} import main; main(sys.argv[2:])"
_HEADER = struct.Struct(">I")
_JOINED = 16_384  # a shorter frame is copied behind its header, which is cheaper than a second system call
_ANCILLARY = socket.CMSG_SPACE(8 * array.array("i").itemsize)
_CLOSE_ON_EXEC: int = getattr(socket, "MSG_CMSG_CLOEXEC", 0)  # Linux; the receiver sets the flag itself elsewhere


class Prepare(Struct, frozen=True, tag=True, array_like=True):
    """Order, once and first: import these modules, see whether forking is safe, report `Ready`.

    Args:
        serial: Comes back in `Ready`.
        modules: What to import; `a.b:c` means `from a.b import c`.
        path: The folders to import from.
    """

    serial: int
    modules: tuple[str, ...]
    path: tuple[bytes, ...]


class Spawn(Struct, frozen=True, array_like=True):
    """How to start a process that is not a fork of the warm one.

    Args:
        interpreter: The Python to run; empty for the warm process's own.
        environment: The variables it starts with, as `NAME=value`.
    """

    interpreter: bytes
    environment: tuple[bytes, ...]


class Start(Struct, frozen=True, tag=True, array_like=True):
    """Order: start a process. Its stdout, stderr and channel ride along as descriptors, in this order.

    Args:
        key: Names the process in later orders and reports.
        spawn: None to fork.
        detached: Whether it lives on when the warm process, or the controller, is gone.
        tidies: Whether programs clear up behind it, which the warm process must not kill when it has ended.
    """

    key: str
    spawn: Spawn | None
    detached: bool = False
    tidies: bool = False


class Kill(Struct, frozen=True, tag=True, array_like=True):
    """Order: kill the process and everything it started; `gently` only asks them to leave, by SIGTERM."""

    key: str
    gently: bool = False


class Park(Struct, frozen=True, tag=True, array_like=True):
    """Order: nobody needs you now; leave when that is still so after `idle` seconds."""

    idle: float


class Hold(Struct, frozen=True, tag=True, array_like=True):
    """Order: you are needed again; do not leave, and report `Ready` with this serial."""

    serial: int


Order = Prepare | Start | Kill | Park | Hold


class Ready(Struct, frozen=True, tag=True, array_like=True):
    """Report: orders to start processes are welcome.

    Args:
        serial: Of the order that this answers.
        forkable: Whether forking is safe.
        reason: Why it is not.
    """

    serial: int
    forkable: bool
    reason: str = ""


class Spawned(Struct, frozen=True, tag=True, array_like=True):
    """Report: the process runs.

    Args:
        key: The key of its launch.
        pid: Its process id, which is also the id of its session and process group.
    """

    key: str
    pid: int


class NotStarted(Struct, frozen=True, tag=True, array_like=True):
    """Report: the process could not be started."""

    key: str
    reason: str


class Ended(Struct, frozen=True, tag=True, array_like=True):
    """Report: the process is gone, by `code` or by `signal`, and its process group was killed."""

    key: str
    code: int | None
    signal: int | None


class Broken(Struct, frozen=True, tag=True, array_like=True):
    """Report: the warm process met an error of its own and leaves."""

    reason: str


Report = Ready | Spawned | NotStarted | Ended | Broken


class Setup(Struct, frozen=True, array_like=True):
    """The first frame on a channel: what a process makes itself into before it calls its entry.

    Args:
        entry: `module:function`, called as `entry(payload, channel)`.
        cwd: The folder to work in.
        environment: All variables, as `NAME=value`.
        path: What `sys.path` shall be.
    """

    entry: str
    cwd: bytes
    environment: tuple[bytes, ...]
    path: tuple[bytes, ...]


encode = msgspec.msgpack.Encoder().encode
decode_order = msgspec.msgpack.Decoder(Order).decode
decode_report = msgspec.msgpack.Decoder(Report).decode
decode_setup = msgspec.msgpack.Decoder(Setup).decode


def command(interpreter: str, role: str, number: int) -> list[str]:
    """Return the command line of a warm process (`zygote` and its socket) or a spawned one (`inside` and its parent).

    It finds this very package, wherever it was imported from, and keeps the current folder out of `sys.path`.
    """
    return [interpreter, "-P", "-c", _BOOT.format(role=role), ROOT, str(number)]


def send_frame(channel: socket.socket, frame: bytes) -> None:
    """Send one frame over a blocking socket."""
    before = header(frame)
    if len(frame) <= _JOINED:
        channel.sendall(before + frame)
    else:
        channel.sendall(before)
        channel.sendall(frame)


def header(frame: bytes) -> bytes:
    """Return what goes before a frame."""
    if len(frame) > LIMIT:
        raise Invalid(f"a message of {len(frame)} bytes is too long", hint=f"at most {LIMIT} bytes go in one")
    return _HEADER.pack(len(frame))


def receive_frame(channel: socket.socket) -> bytes:
    """Receive one frame from a blocking socket, and not a byte more.

    Raises:
        EOFError: The other end is closed.
    """
    (size,) = _HEADER.unpack(_receive_exactly(channel, _HEADER.size))
    return _receive_exactly(channel, size)


def _receive_exactly(channel: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = channel.recv(size - len(data), socket.MSG_WAITALL)
        if not more:
            raise EOFError("the channel was closed by its other end")
        data = data + more if data else more
    return data


class Connection:
    """Frames over a socket that never blocks: what cannot be sent at once is kept and sent by `flush`.

    `ended` is set once the other end is closed or speaks something else; what is sent afterwards is dropped.

    Args:
        endpoint: Belongs to the connection from now on.
        descriptors: Whether descriptors may arrive with the frames.
    """

    def __init__(self, endpoint: socket.socket, *, descriptors: bool = False) -> None:
        endpoint.setblocking(False)
        self.endpoint = endpoint
        self.ended = False
        self.quiet = False  # the last `receive` found nothing to read
        self.arrived: deque[tuple[int, ...]] = deque()  # descriptors, in the order of the frames they came with
        self._descriptors = descriptors
        self._incoming = bytearray()
        self._outgoing: deque[tuple[memoryview, tuple[int, ...]]] = deque()

    @property
    def pending(self) -> bool:
        """Whether something waits until the socket takes it."""
        return bool(self._outgoing)

    def send(self, frame: bytes, descriptors: tuple[int, ...] = ()) -> None:
        """Send a frame; `descriptors` go with it and are closed here once they are on their way."""
        before = header(frame)
        if len(frame) <= _JOINED:
            self._outgoing.append((memoryview(before + frame), descriptors))
        else:
            self._outgoing.append((memoryview(before), descriptors))
            self._outgoing.append((memoryview(frame), ()))
        self.flush()

    def flush(self) -> None:
        """Send of what is pending as much as the socket takes."""
        while self._outgoing and not self.ended:
            data, descriptors = self._outgoing[0]
            try:
                sent = _send_some(self.endpoint, data, descriptors)
            except BlockingIOError:
                return
            except OSError:
                self.ended = True
                break
            close_all(descriptors)
            if sent == len(data):
                self._outgoing.popleft()
            else:
                self._outgoing[0] = (data[sent:], ())
        if self.ended:
            self._drop_outgoing()

    def receive(self) -> list[bytes]:
        """Read once from the socket and return the frames that are complete now."""
        self.quiet = False
        try:
            data = self._receive_some()
        except BlockingIOError:
            self.quiet = True
            return []
        except OSError:
            data = b""
        if not data:
            self.ended = True
            return []
        self._incoming += data
        return self._cut_frames()

    def close(self) -> None:
        """Close the socket and every descriptor that was on its way in or out."""
        self._drop_outgoing()
        while self.arrived:
            close_all(self.arrived.popleft())
        self.endpoint.close()

    def _receive_some(self) -> bytes:
        if not self._descriptors:
            return self.endpoint.recv(CHUNK)
        data, ancillary, flags, _ = self.endpoint.recvmsg(CHUNK, _ANCILLARY, _CLOSE_ON_EXEC)
        came = _descriptors_in(ancillary)
        if flags & socket.MSG_CTRUNC:  # this process may not open that many files: the kernel dropped some
            close_all(came)
            self.arrived.append(())
        elif came:
            self.arrived.append(came)
        return data

    def _cut_frames(self) -> list[bytes]:
        frames: list[bytes] = []
        start = 0
        while len(self._incoming) - start >= _HEADER.size:
            (size,) = _HEADER.unpack_from(self._incoming, start)
            if size > LIMIT:
                self.ended = True
                break
            end = start + _HEADER.size + size
            if len(self._incoming) < end:
                break
            frames.append(bytes(memoryview(self._incoming)[start + _HEADER.size : end]))
            start = end
        del self._incoming[:start]
        return frames

    def _drop_outgoing(self) -> None:
        while self._outgoing:
            close_all(self._outgoing.popleft()[1])


def _send_some(endpoint: socket.socket, data: memoryview, descriptors: tuple[int, ...]) -> int:
    if not descriptors:
        return endpoint.send(data)
    return socket.send_fds(endpoint, [data], list(descriptors))


def _descriptors_in(ancillary: Sequence[tuple[int, int, bytes]]) -> tuple[int, ...]:
    found = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            found.frombytes(data[: len(data) - len(data) % found.itemsize])
    for descriptor in found:
        if not _CLOSE_ON_EXEC:
            os.set_inheritable(descriptor, False)
    return tuple(found)


def close_all(descriptors: Iterable[int]) -> None:
    """Close the descriptors."""
    for descriptor in descriptors:
        os.close(descriptor)
