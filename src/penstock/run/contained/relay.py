"""The inside end of a container's wire: the first program in it, run by the image's own Python, whichever that is.

Over its standard input and output goes all that is said, in frames: a letter, four bytes of length, that many bytes.
It says what it found in the image, is told what to start, and passes on what that prints and says, in this order. It
ends with it; and when its input ends, since nobody is left outside, it ends what it started.

It imports nothing that is not in Python itself, and must never know what passes through it.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import socket
import struct
import sys
import sysconfig
import threading
from contextlib import suppress

CHUNK = 65_536
DRAINED = 16  # reads of a chunk each; more than any pipe holds
HEADER = struct.Struct(">cI")
HELLO, START, OUT, ERR, SAID, EXIT = (one.encode() for one in "hsoemx")
"""What was found; what to start; what was printed, twice; what goes over the channel; how it ended."""

CHANNEL = 3


def read_frame(source: int) -> tuple[bytes, bytes]:
    """Return a frame's letter and its data; two empty ones when the other end is gone."""
    header = _read(source, HEADER.size)
    if len(header) < HEADER.size:
        return b"", b""
    kind, size = HEADER.unpack(header)
    data = _read(source, size)
    return (kind, data) if len(data) == size else (b"", b"")


def _read(source: int, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        more = os.read(source, min(size - len(data), CHUNK))
        if not more:
            break
        data += more
    return bytes(data)


def write_frame(target: int, kind: bytes, data: bytes) -> None:
    """Write a frame, however long that takes."""
    write(target, HEADER.pack(kind, len(data)) + data)


def write(target: int, data: bytes) -> None:
    """Write all of it."""
    left = memoryview(data)
    while left:
        left = left[os.write(target, left) :]


def found(folder: str) -> dict[str, object]:
    """Return what there is in the image, as far as it matters for what is to run.

    Args:
        folder: Belongs to whom the task belongs to.
    """
    from importlib import metadata  # noqa: PLC0415 - an old Python that has none still says its version

    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - paths stay texts here
    user = _user(folder)
    variables = dict(os.environ) | ({"HOME": folder} if user else {})  # noqa: TID251 - it says what there is
    return {
        "executable": sys.executable,
        "pid": os.getpid(),
        "path": [one for one in sys.path if one and os.path.abspath(one) != here],  # noqa: PTH100 - as above
        "variables": variables,
        "platform": sysconfig.get_platform(),
        "libc": _libc(),
        "implementation": sys.implementation.name,
        "packages": {one.metadata["Name"]: one.version for one in metadata.distributions() if one.metadata["Name"]},
    }


def _libc() -> str:
    """Return the version of the GNU C library; empty where it is another one."""
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (AttributeError, OSError, ValueError):
        return ""
    return version if name == "glibc" else ""


def _user(folder: str) -> tuple[int, int] | None:
    """Return user and group that the task is to run as; None for those of this process."""
    there = os.stat(folder)  # noqa: PTH116 - as above
    return (there.st_uid, there.st_gid) if os.getuid() == 0 and there.st_uid else None


class Started:
    """What was started, with our ends of its pipes and channel."""

    def __init__(self, command: list[str], folder: str) -> None:
        readable: list[int] = []
        self._far: list[int] = []
        for _ in range(2):
            near, far = os.pipe()
            readable.append(near)
            self._far.append(far)
        self.channel, theirs = socket.socketpair()
        self._far.append(theirs.detach())
        self.out, self.err = readable
        for one in readable:
            os.set_blocking(one, False)
        self.pid = os.fork()
        if not self.pid:
            self._become(command, folder)
        for one in self._far:
            os.close(one)

    def _become(self, command: list[str], folder: str) -> None:
        try:
            high = [fcntl.fcntl(one, fcntl.F_DUPFD, 64) for one in self._far]  # where no target is
            for number, one in enumerate(high, 1):
                os.dup2(one, number, inheritable=True)
            os.closerange(CHANNEL + 1, max(high) + 1)
            if user := _user(folder):
                os.setgroups([])
                os.setgid(user[1])
                os.setuid(user[0])
            os.execv(command[0], command)  # noqa: S606 - no shell is wanted
        finally:
            os._exit(127)

    def kill(self) -> None:
        """Kill it, with what is in its group."""
        for kill in (os.killpg, os.kill):
            with suppress(OSError):
                kill(self.pid, signal.SIGKILL)


class Relay:
    """Passes on what goes in and out, until what was started has ended."""

    def __init__(self, source: int, target: int, started: Started) -> None:
        self._source = source
        self._target = target
        self._started = started
        self._over, self._bell = os.pipe()
        self._status = 0

    def run(self) -> None:
        """Pass on, and say how it ended."""
        for work in (self._pass_in, self._await_end):
            threading.Thread(target=work, daemon=True).start()
        started = self._started
        poller = select.poll()
        letters = {started.out: OUT, started.err: ERR}
        for one in (*letters, started.channel.fileno(), self._over):
            poller.register(one, select.POLLIN)
        while True:
            ready = {number for number, _ in poller.poll()}
            if started.channel.fileno() in ready:
                data = self._said()
                self._drain(letters, poller)  # what was printed before it was said goes before it
                if data:
                    write_frame(self._target, SAID, data)
                else:
                    poller.unregister(started.channel.fileno())
            elif self._over in ready:
                break
            self._drain({one: letters[one] for one in letters if one in ready}, poller, 1)
        self._drain(letters, poller)
        code = os.waitstatus_to_exitcode(self._status)
        write_frame(self._target, EXIT, json.dumps(code).encode())

    def _said(self) -> bytes:
        with suppress(OSError):  # it left without having read all that was said to it
            return self._started.channel.recv(CHUNK)
        return b""

    def _drain(self, letters: dict[int, bytes], poller: select.poll, reads: int = DRAINED) -> None:
        for number, letter in letters.items():
            for _ in range(reads):
                try:
                    data = os.read(number, CHUNK)
                except BlockingIOError:
                    break
                if not data:
                    with suppress(KeyError):  # it had ended before
                        poller.unregister(number)
                    break
                write_frame(self._target, letter, data)

    def _pass_in(self) -> None:
        """Pass on what comes from outside; when nobody is there any more, end everything."""
        try:
            while (frame := read_frame(self._source))[0]:
                with suppress(OSError):  # it has closed its end, and is about to leave
                    self._started.channel.sendall(frame[1])
        finally:
            self._started.kill()
            os._exit(1)

    def _await_end(self) -> None:
        self._status = os.waitpid(self._started.pid, 0)[1]
        os.write(self._bell, b"!")


def main(folder: str) -> None:
    """Be the first program of a container.

    Args:
        folder: Belongs to whom the task belongs to.
    """
    source, target = (fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 16) for number in (0, 1))
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(2, 1)  # nothing that is printed here by accident gets onto the wire
    version = {"version": "{}.{}.{}".format(*sys.version_info)}
    write_frame(target, HELLO, json.dumps(version | (found(folder) if sys.version_info >= (3, 11) else {})).encode())
    kind, data = read_frame(source)
    if kind != START:
        return
    started = Started(json.loads(data), folder)
    try:
        Relay(source, target, started).run()
    finally:
        started.kill()


if __name__ == "__main__":
    main(sys.argv[1])
