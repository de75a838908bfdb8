"""The outside end of a container's wire: in the place of a task's process, it starts the container and stands for it.

Its output, its channel and its end are those of the process in the container. It dies like any process of a task; the
container's end of the wire notices that.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any, NoReturn

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from penstock.blobs.files import FileBlobs
from penstock.core.containers import Checked, Mount, Runtime, command
from penstock.core.errors import PenstockError
from penstock.core.task import EndReason, ScriptKind, Status
from penstock.ops.tasks import DescribeTask
from penstock.run import wire
from penstock.run.attempt import AttemptSpec, CodeAt, Outcome, decode_spec, printable
from penstock.run.attempt import encode as encode_spec
from penstock.run.channel import Channel
from penstock.run.checkout import checkout
from penstock.run.contained import relay
from penstock.run.contained.overlay import Image, Wanted, overlay_for
from penstock.run.needs import ENVIRONMENT
from penstock.settings import Environments, environment

ENTRY = f"{__name__}:main"
CODE = "/penstock/code"  # where the container finds this package

_FIND_PYTHON = """P=$(command -v python3 || command -v python) || P=
[ "$P" ] || { echo 'penstock: the image has no Python' >&2; exit 127; }
exec "$P" "$@" """
_BOOT = "import sys; sys.path[:0] = sys.argv[1:-1]; from penstock.run.inside import main; main(sys.argv[-1:])"
_LAST_LINES = 8  # of what the runtime said, in an error
_LEAVING = 10.0  # seconds that the runtime gets to clear up behind a container
_SIGNALLED = 128  # what is added to a signal's number in an exit code
_RUNTIMES = frozenset({"conmon", "docker", "podman"})


class Order(Struct, frozen=True, kw_only=True):
    """A process to start in a container.

    Args:
        runtime: The program that starts it.
        container: What it asks for.
        name: Of the container.
        ticket: The file that says that it may be there; it goes with the container.
        always: What the machine's owner gives to every container.
        mounts: What it sees of the machine.
        entry: What is called in it, as `module:function`.
        payload: What that is called with.
        environment: Variables that it gets beside those of its image.
        folder: What it works in, and what is its own; it is there.
        working: The folder that it starts in.
        is_attempt: Whether the payload is an `AttemptSpec`; else a run.
        cache, same_env, environments: Where and how its packages come to be there; see `overlay`.
    """

    runtime: Runtime
    container: Checked
    name: str
    ticket: str
    always: tuple[str, ...]
    mounts: tuple[Mount, ...]
    entry: str
    payload: bytes
    environment: dict[str, str]
    folder: str
    working: str
    is_attempt: bool
    cache: str
    same_env: bool
    environments: Environments


encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Order).decode


def main(payload: bytes, connection: socket.socket) -> int:
    """Start a container and stand for the process in it; return that one's exit code.

    Args:
        payload: An `Order`, encoded.
        connection: The channel to the launcher, which is the container's from when that has started.
    """
    given = _decode(payload)
    channel = Channel(connection, FileBlobs(Path(given.folder)))
    try:
        with ExitStack() as until_ended:
            bridge = Bridge(given, channel, connection, until_ended)
            bridge.start()
            code = bridge.run()
    except PenstockError as error:
        channel.end(Outcome(status=Status.FAILED, reason=EndReason.LAUNCH, message=printable(str(error))))
        return 1
    if code < 0:
        _die(-code)
    return code


class Bridge:
    """One container, from its start to its end.

    Args:
        channel: Over which this end speaks for the task until the container does.
        connection: What it goes over.
        until_ended: Keeps what the container uses.
    """

    def __init__(self, given: Order, channel: Channel, connection: socket.socket, until_ended: ExitStack) -> None:
        self._given = given
        self._channel = channel
        self._connection = connection
        self._until_ended = until_ended
        self._spec: AttemptSpec | None = decode_spec(given.payload) if given.is_attempt else None
        self._mounts = list(given.mounts)
        self._said: deque[str] = deque(maxlen=_LAST_LINES)

    def start(self) -> None:
        """Start the container, see what its image has, and start the process in it.

        Raises:
            PenstockError: It cannot be started, or what the task needs cannot be had.
        """
        given = self._given
        self._bring_code()
        program = ("/bin/sh", "-c", _FIND_PYTHON, "sh", f"{CODE}/penstock/run/contained/relay.py", given.folder)
        line = command(
            given.runtime, given.container, program, name=given.name, mounts=self._mounts, always=given.always
        )
        try:
            self._process = subprocess.Popen(
                line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/", env=environment()
            )
        except OSError as error:
            raise PenstockError(f"{given.runtime} cannot be run: {error.strerror}") from error
        self._to, self._from = _number(self._process.stdin), _number(self._process.stdout)
        threading.Thread(target=self._show, args=(_number(self._process.stderr),), daemon=True).start()
        image = self._hello()
        try:
            self._start_process(image)
        except BaseException as error:
            if self._process.stdin is not None:
                with suppress(OSError):
                    self._process.stdin.close()  # then the container ends by itself
            self._see_gone()
            if isinstance(error, OSError):
                raise self._not_started() from error
            raise

    def run(self) -> int:
        """Pass on what goes in and out until the process has ended; return its exit code, or minus its signal."""
        threading.Thread(target=self._pass_in, daemon=True).start()
        code: int | None = None
        while (frame := relay.read_frame(self._from))[0]:
            match frame:
                case (relay.OUT, data):
                    relay.write(1, data)
                case (relay.ERR, data):
                    relay.write(2, data)
                case (relay.SAID, data):
                    self._connection.sendall(data)
                case (_, data):
                    code = int(json.loads(data))
        ended = self._see_gone()
        if code is None:
            return _as_signal(ended)
        return code

    def _bring_code(self) -> None:
        """Check a recorded script's code out here, where the repositories can be reached."""
        spec = self._spec
        if spec is None or spec.task.script.kind is ScriptKind.FUNCTION:
            return
        code = self._until_ended.enter_context(checkout(spec.task.script, Path(spec.cache)))
        self._mounts.append(Mount(folder=str(code.root), writable=True))
        at = CodeAt(root=str(code.root), folder=str(code.folder), entry=code.entry, left_out=code.left_out)
        self._spec = replace(spec, code=at)

    def _hello(self) -> Image:
        """Wait until the first program of the container says what it found."""
        kind, data = relay.read_frame(self._from)
        if kind != relay.HELLO:
            self._see_gone()
            raise self._not_started()
        return msgspec.json.decode(data, type=Image)

    def _not_started(self) -> PenstockError:
        said = "\n".join(self._said) or f"{self._given.runtime} ended with exit code {self._process.returncode}"
        return PenstockError(
            f"the container of image {self._given.container.image!r} did not come to run the task:\n{said}",
            hint="correct the task's image, arguments or setup script",
        )

    def _start_process(self, image: Image) -> None:
        given, spec = self._given, self._spec
        wanted = Wanted(
            script=spec.task.script if spec else None,
            cache=Path(given.cache),
            same_env=given.same_env,
            how=given.environments,
        )
        overlay = overlay_for(image, wanted, _say)
        if overlay.slot is not None:
            self._until_ended.enter_context(overlay.slot)
        if spec is not None:
            self._channel.call(DescribeTask(id=spec.task.id, runtime={ENVIRONMENT: overlay.recorded}))
        own = [*([] if overlay.folder is None else [str(overlay.folder)]), CODE]
        variables = {**image.variables, **given.environment}
        if spec is None:  # it becomes another Python, which has to find all this by itself
            variables["PYTHONPATH"] = os.pathsep.join(own)
        setup = wire.Setup(
            entry=given.entry,
            cwd=os.fsencode(given.working),
            environment=tuple(os.fsencode(f"{name}={value}") for name, value in variables.items()),
            path=tuple(map(os.fsencode, (*own, *image.path))),
        )
        start = [image.executable, "-P", "-c", _BOOT, *own, str(image.pid)]
        relay.write_frame(self._to, relay.START, json.dumps(start).encode())
        payload = given.payload if spec is None else encode_spec(spec)
        for frame in (wire.encode(setup), payload):
            relay.write_frame(self._to, relay.SAID, wire.header(frame) + frame)

    def _pass_in(self) -> None:
        with suppress(OSError):
            while data := self._connection.recv(wire.CHUNK):
                relay.write_frame(self._to, relay.SAID, data)

    def _show(self, source: int) -> None:
        """Show what the runtime and the setup script print, and remember the end of it."""
        with suppress(OSError):
            while data := os.read(source, wire.CHUNK):
                relay.write(2, data)
                self._said.extend(line for line in data.decode("utf-8", "replace").splitlines() if line.strip())

    def _see_gone(self) -> int:
        """Wait until the runtime has cleared up behind the container; return its exit code."""
        code = self._process.wait()
        until = time.monotonic() + _LEAVING
        while _children() and time.monotonic() < until:  # what it left running to do so is ours now
            with suppress(ChildProcessError):
                os.waitpid(-1, os.WNOHANG)
            time.sleep(0.005)
        Path(self._given.ticket).unlink(missing_ok=True)
        return code


def _children() -> list[str]:
    """Return the programs that this process is the parent of, as far as they clear up behind a container."""
    found: list[str] = []
    with suppress(OSError):
        for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
            with suppress(OSError):
                found.append(Path(f"/proc/{pid}/comm").read_text().strip())
    return [one for one in found if one in _RUNTIMES]


def _as_signal(code: int) -> int:
    """Return the exit code of a runtime as that of what it ran: minus a signal where it says so."""
    return _SIGNALLED - code if _SIGNALLED < code < _SIGNALLED + signal.NSIG else code


def _die(number: int) -> NoReturn:
    """End as the process in the container did: by this signal."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    with suppress(OSError, ValueError):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(_SIGNALLED + number)


def _number(stream: IO[Any] | None) -> int:
    return stream.fileno() if stream is not None else -1


def _say(text: str) -> None:
    sys.stderr.write(f"penstock: {printable(text)}\n")
