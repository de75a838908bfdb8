"""Runs the server: its socket, its address, the file by which others find it, and a quiet end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from types import FrameType
from typing import Final, Self

import msgspec
import uvicorn
from msgspec import Struct
from msgspec.structs import replace

from penstock.backend.local import Local
from penstock.backend.token import make_token
from penstock.core.access import nobody
from penstock.core.errors import Invalid, StoreError
from penstock.core.secret import Secret
from penstock.ops.access import Authenticate as AskWho
from penstock.ops.access import ListUsers
from penstock.server.access import OWNER, Authenticate, owner_or
from penstock.server.app import App, Limits
from penstock.server.door import Hosts
from penstock.server.files import Origin
from penstock.server.http import Http
from penstock.server.loops import Loop
from penstock.server.tls import context_of

PORT: Final = 8765
GRACE: Final = 10  # seconds that requests get to end once the server shall stop
IDLE: Final = 75  # seconds that a connection is kept open which nobody uses
BACKLOG: Final = 2048
LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


class Address(Struct, frozen=True, kw_only=True):
    """Where a server is, as it is written down for others.

    Args:
        url: What PENSTOCK_URL has to be.
        pid: Its process.
    """

    url: str
    pid: int


class Tls(Struct, frozen=True, kw_only=True):
    """How others are kept from reading along.

    Args:
        certificate, key: PEM files by which the server itself speaks TLS; None without.
        proxied: Whether a proxy in front of it does.
        may_lack: Whether the server may be reached from other machines all the same when neither does.
    """

    certificate: Path | None = None
    key: Path | None = None
    proxied: bool = False
    may_lack: bool = False

    @property
    def is_there(self) -> bool:
        """Whether browsers reach the server by TLS."""
        return self.certificate is not None or self.proxied


class Serving(Struct, frozen=True, kw_only=True):
    """How to serve.

    Args:
        home: The state directory: its token is the key of its owner.
        host: What to listen on. Anything but this machine alone needs users.
        port: 0 takes one that is free.
        names: How else the server is called by those who reach it: `penstock.example.org`.
        files_port: The port under which users' bytes are shown, on each name of this machine; 0 takes one that is free.
        files_name: Another name by which this server is reached, under which they are shown instead.
        tls: How others are kept from reading along.
        limits: How much a client may ask for.
    """

    home: Path
    host: str = "127.0.0.1"
    port: int = PORT
    names: tuple[str, ...] = ()
    files_port: int = 0
    files_name: str = ""
    tls: Tls = Tls()
    limits: Limits = Limits()


def make_server(
    backend: Local,
    chosen: Serving,
    ready: Callable[[Address], object],
    *,
    authenticate: Authenticate | None = None,
    beside: Sequence[Loop] = (),
) -> Server:
    """Return a server that listens, and answers once it runs.

    Args:
        backend: The service and the blobs.
        chosen: How to serve.
        ready: Called once requests are answered.
        authenticate: Who comes with a key; by default the owner of the home with its token, and users with their keys.
        beside: What else goes on in this server.

    Raises:
        Invalid: It shall listen on more than this machine, and there are no users, or no TLS. Or its certificate or key
            cannot be used.
        StoreError: The port is taken, or is not for us.
    """
    _refuse_what_is_unsafe(backend, chosen)
    tls = chosen.tls
    context = context_of(tls.certificate, tls.key) if tls.certificate and tls.key else None
    authenticate = authenticate or owner_or(make_token(chosen.home), _users_of(backend))
    listening = [_listening(chosen.host, chosen.port), _listening(chosen.host, chosen.files_port)]
    port, files_port = (int(one.getsockname()[1]) for one in listening)
    scheme = "https" if tls.is_there else "http"
    named = hosts(chosen.host, port, chosen.names, files_port=files_port, files_name=chosen.files_name, scheme=scheme)
    app = App(backend, replace(named, proxied=tls.proxied), authenticate, chosen.limits, beside)
    address = Address(url=_url(chosen, port), pid=os.getpid())
    server = Server(app, listening, chosen.home / "server.json", address, ready)
    if context is not None:
        server.speak(context)
    return server


def _refuse_what_is_unsafe(backend: Local, chosen: Serving) -> None:
    """Raise Invalid when other machines would reach a server that has no users, or that speaks no TLS."""
    if is_loopback(chosen.host):
        return
    reached = f"a server that listens on {chosen.host} can be reached from other machines"
    if not backend.call(ListUsers()):
        hint = "leave out --host, or add a user first: penstock user add NAME --scope admin"
        raise Invalid(f"{reached}, and there are no users yet", hint=hint)
    if not (chosen.tls.is_there or chosen.tls.may_lack):
        raise Invalid(
            f"{reached}, and without TLS everybody on the way reads keys and passwords",
            hint="give --tls-cert and --tls-key, or --tls-proxy when a proxy in front of it speaks TLS; "
            "on a network that you trust: --insecure-http",
        )


def _url(chosen: Serving, port: int) -> str:
    """Return the address that clients use: by the name that its certificate is for, where it has one."""
    if chosen.tls.certificate is None:
        return f"http://{_written(chosen.host)}:{port}"
    name = next(iter(chosen.names), _written(chosen.host))
    return f"https://{name}" if ":" in name.rpartition("]")[2] else f"https://{name}:{port}"


def _users_of(backend: Local) -> Authenticate:
    """Return what knows the keys of users and agents."""
    return lambda key: backend.call(AskWho(text=Secret(key)), nobody())


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach what listens there."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def hosts(
    host: str,
    port: int,
    names: tuple[str, ...] = (),
    *,
    files_port: int = 0,
    files_name: str = "",
    scheme: str = "http",
) -> Hosts:
    """Return what a server on this port may be called, and where it shows users' bytes.

    Raises:
        Invalid: It would show them where it is itself.
    """
    own = LOOPBACK if is_loopback(host) else (*LOOPBACK, host)
    known = {f"{name}:{port}" for name in (*own, *names)} | set(names)
    shown = {files_name, f"{files_name}:{port}"} if files_name else {f"{name}:{files_port}" for name in (*own, *names)}
    if shown & known:
        raise Invalid(
            f"users' files cannot be shown at {min(shown & known)}, where the server itself is",
            hint="give --files-name another name of this machine, or leave it out for another port",
        )
    files = Origin(
        scheme=scheme,
        names=frozenset(shown),
        port=files_port,
        name=files_name,
        shown_in=tuple(sorted(f"{scheme}://{name}" for name in known if "[" not in name)),
    )
    secure = scheme == "https"
    cookie = f"{'__Host-' if secure else ''}penstock_{port}"
    strict = {name for name in known if secure and name.rpartition(":")[0] not in LOOPBACK}
    return Hosts(names=frozenset(known), cookie=cookie, secure=secure, strict=frozenset(strict), files=files)


def login_link(url: str, code: str) -> str:
    """Return the address that hands a code to the page that logs in: behind the #, which no browser sends anywhere."""
    return f"{url}/login#c={code}"


class Server(uvicorn.Server):
    """uvicorn, with a word when it is ready, and without waiting for clients that wait themselves.

    It is used as a context manager: at the end its socket is closed, and nobody finds it any more.
    """

    def __init__(
        self,
        app: App,
        listening: Sequence[socket.socket],
        file: Path,
        address: Address,
        ready: Callable[[Address], object],
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app.asgi,
                http=Http,
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=BACKLOG,
                timeout_keep_alive=IDLE,
                timeout_graceful_shutdown=GRACE,
            )
        )
        self._app = app
        self._listening = listening
        self._file = file
        self._address = address
        self._ready = ready
        self._event_loop: asyncio.AbstractEventLoop | None = None

    def __enter__(self) -> Self:
        part = self._file.with_name(f"server.json.{os.getpid()}")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(self._address))
        part.replace(self._file)
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._listening:
            one.close()
        with suppress(FileNotFoundError):
            if self._file.read_bytes() == msgspec.json.encode(self._address):  # else another one came later
                self._file.unlink()

    def speak(self, tls: ssl.SSLContext) -> None:
        """Speak TLS."""

        def factory(config: uvicorn.Config, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
            _ = config, default
            return tls

        self.config.ssl_context_factory = factory

    def login_link(self) -> str:
        """Return an address that logs a browser in as the owner of the home, once, within a minute."""
        return login_link(self._address.url, self._app.sessions.code(OWNER))

    def run_until_told(self) -> None:
        """Serve until a signal comes, or `stop` is called."""
        self.run(sockets=list(self._listening))

    def stop(self) -> None:
        """End soon; may be called from any thread."""
        self.should_exit = True
        if self._event_loop is not None:
            with suppress(RuntimeError):  # it has ended already
                self._event_loop.call_soon_threadsafe(self._app.feed.end)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer requests."""
        self._event_loop = asyncio.get_running_loop()
        await super().startup(sockets=sockets)
        if self.started:
            self._ready(self._address)

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Stop by the usual signals, and go on after that: uvicorn's own would kill what has to be tidied up."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {one: signal.signal(one, self.handle_exit) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take no more requests, and let those go who wait."""
        super().handle_exit(sig, frame)
        self._app.feed.end()


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # an answer in two writes would wait for 40 ms
        listening.bind((host.strip("[]"), port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise StoreError(
            f"the server cannot listen on {_written(host)}:{port}: {error.strerror or error}",
            hint="choose another port: penstock server --port 0 takes one that is free",
        ) from None
    return listening


def _written(host: str) -> str:
    return f"[{host.strip('[]')}]" if ":" in host else host


def log_to_stderr() -> None:
    """Send what goes wrong to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    for name in ("penstock.server", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(logging.WARNING)
