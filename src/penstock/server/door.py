"""What every request passes before anything answers it: is it meant for us, from where, from whom, and may they.

In this order, and every answer leaves with the same headers. There is no way around it, and no way to switch it off.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penstock.backend.protocol import JSON
from penstock.core.access import SESSION, Identity, Kind, read_text
from penstock.core.errors import Unauthenticated
from penstock.server.access import Authenticate, Guesses
from penstock.server.answers import problem, refuse
from penstock.server.bodies import media_type
from penstock.server.files import Origin
from penstock.server.metrics import Metrics
from penstock.server.page import prefix_of
from penstock.server.routes import NOBODY, Route, Table
from penstock.server.sessions import Sessions

SAFE: Final = frozenset({"GET", "HEAD"})
FRESH: Final = 1.0  # seconds for which a key that was found good counts as good
MOST_HEADERS: Final = 100
LONGEST_HEADERS: Final = 32 << 10  # bytes of all of them
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
STRICT: Final = (b"strict-transport-security", b"max-age=31536000")
_ENCODED: Final = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
LOGIN: Final = (
    "set PENSTOCK_KEY to a key of this server, or PENSTOCK_HOME to its home; others send Authorization: Bearer KEY"
)


class Hosts(Struct, frozen=True, kw_only=True):
    """By what names this server is reached.

    Args:
        names: What the `Host` header may be, exactly.
        cookie: The name of the cookie of a session: another one for each port, as browsers share cookies among these.
        secure: Whether browsers reach it by TLS alone.
        strict: The names by which they are told never to try it otherwise; not those that every machine has.
        files: The other origin, under which users' bytes are shown.
    """

    names: frozenset[str]
    cookie: str
    secure: bool = False
    strict: frozenset[str] = frozenset()
    files: Origin = Origin()

    def is_own(self, origin: str) -> bool:
        """Return whether an origin is this server."""
        scheme, mark, host = origin.partition("://")
        return bool(mark) and scheme in {"http", "https"} and host in self.names


class Door:
    """The ASGI application: checks a request and has its route answer it.

    Args:
        table: The routes.
        hosts: Our own names.
        authenticate: Who comes with a key.
        sessions: Who comes with a cookie.
        threads: Where `authenticate` may take its time.
        metrics: Where requests are counted.
    """

    def __init__(
        self,
        table: Table,
        hosts: Hosts,
        authenticate: Authenticate,
        sessions: Sessions,
        threads: Executor,
        metrics: Metrics,
    ) -> None:
        self._table = table
        self._hosts = hosts
        self._authenticate = authenticate
        self._sessions = sessions
        self._threads = threads
        self._metrics = metrics
        self._guesses = Guesses()
        self._known: dict[bytes, tuple[float, Identity]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":  # there are no websockets here
            await send({"type": "websocket.close", "code": 1008})
            return
        request = Request(scope, receive)
        began = time.perf_counter()
        route, status = None, 0

        async def guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _guard(message)
                if request.headers.get("host") in self._hosts.strict:
                    message["headers"].append(STRICT)
            await send(message)

        try:
            route, response = await self._answer(request)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer and the log the rest
            response = problem(error, request.headers.get("accept", ""))
        try:
            await response(scope, receive, guarded)
        finally:
            name = route.name if route is not None else "none"
            self._metrics.answered(name, status, time.perf_counter() - began)

    async def _answer(self, request: Request) -> tuple[Route | None, Response]:
        self._check_origin(request)
        methods, found = self._table.find(request.scope["path"], for_page=_wants_page(request))
        route = methods.get(request.method)
        identity = NOBODY
        if route is None or route.policy.scope is not None:
            identity = replace(await self._identify(request), address=request.client.host if request.client else "")
        if route is None:
            raise _no_route(request, methods)
        is_user = identity.kind is Kind.USER  # what agents and attempts may, the service knows
        if route.policy.scope is not None and is_user and not identity.may(route.policy.scope):
            message = f"this key may not {route.name}: it allows {identity.scope}, not {route.policy.scope}"
            raise refuse(403, "forbidden", message, "use a key that allows more")
        request.scope["path_params"] = found
        try:
            return route, await route.endpoint(request, identity)
        except Exception as error:  # noqa: BLE001 - as above, and here it is known which route it was
            return route, problem(error, request.headers.get("accept", ""))

    def _check_origin(self, request: Request) -> None:
        """Let through only what was meant for this server, and did not come from somebody else's page."""
        called = request.headers.getlist("host")
        if len(called) != 1 or called[0] not in self._hosts.names:
            raise refuse(421, "forbidden", "this server is not called so", "use the address that it printed")
        raw = request.headers.raw
        if len(raw) > MOST_HEADERS or sum(len(name) + len(value) for name, value in raw) > LONGEST_HEADERS:
            raise refuse(431, "invalid", f"the headers are more than {MOST_HEADERS}, or {LONGEST_HEADERS:,} bytes")
        if request.method == "OPTIONS":
            raise refuse(403, "forbidden", "no other site may use this server")
        if request.method in SAFE:
            return
        origins = request.headers.getlist("origin")
        if any(not self._hosts.is_own(origin) for origin in origins):
            raise refuse(403, "forbidden", "this comes from the page of another site")
        if request.headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
            raise refuse(403, "forbidden", "this comes from the page of another site")

    async def _identify(self, request: Request) -> Identity:
        """Return who asks: by a key, or by the cookie of a browser that is logged in."""
        kind, _, key = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and key:
            return await self._by_key(request, key.strip())
        word = request.cookies.get(self._hosts.cookie, "")
        presented = read_text(word)
        identity = self._sessions.find(word) if word else None
        if presented is not None and presented.sort == SESSION:  # of a user who logged in by a password
            with suppress(Unauthenticated):
                identity = await self._by_key(request, word)
        if identity is None and _wants_page(request):
            raise refuse(303, "unauthenticated", "log in first", Location=f"{prefix_of(request)}/login")
        if identity is None:
            raise refuse(401, "unauthenticated", "the server does not know who asks", LOGIN, WWW_Authenticate="Bearer")
        if request.method not in SAFE:
            if not request.headers.get("origin"):
                raise refuse(403, "forbidden", "a browser has to say where this comes from")
            if media_type(request) != JSON:
                raise refuse(415, "invalid", f"a browser may only send {JSON} here")
        return identity

    async def _by_key(self, request: Request, key: str) -> Identity:
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
        until, known = self._known.get(digest, (0.0, NOBODY))
        if until > time.monotonic():
            return known
        address = request.client.host if request.client else ""
        try:
            identity = await asyncio.get_running_loop().run_in_executor(self._threads, self._authenticate, key)
        except Unauthenticated:
            wait = self._guesses.wait(address)
            self._guesses.failed(address)
            if wait:
                message = "too many keys that are not known came from this address"
                raise refuse(429, "unauthenticated", message, Retry_After=str(int(wait) + 1)) from None
            raise
        if len(self._known) > 10_000:  # noqa: PLR2004 - keys in one second: somebody is playing
            self._known.clear()
        self._known[digest] = (time.monotonic() + FRESH, identity)
        return identity


class Alive:
    """Answers what ASGI asks about the life of the server, and hands requests on."""

    def __init__(self, door: ASGIApp, begin: Callable[[], object], end: Callable[[], object]) -> None:
        self._door = door
        self._begin = begin
        self._end = end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or begin and end with the server."""
        if scope["type"] != "lifespan":
            await self._door(scope, receive, send)
            return
        await receive()
        try:
            self._begin()
        except Exception as error:  # noqa: BLE001 - uvicorn wants to be told
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await asyncio.get_running_loop().run_in_executor(None, self._end)
        await send({"type": "lifespan.shutdown.complete"})


def _guard(message: Message) -> None:
    """Add the headers that every answer has, unless it brings its own."""
    there = {name for name, _ in message["headers"]}
    message["headers"] = [*message["headers"], *(one for one in _ENCODED if one[0] not in there)]


def _wants_page(request: Request) -> bool:
    return request.method in SAFE and "text/html" in request.headers.get("accept", "")


def _no_route(request: Request, methods: dict[str, Any]) -> Exception:
    if not methods:
        return refuse(404, "not_found", "there is nothing at this path", "see /reference")
    allowed = ", ".join(sorted(methods))
    return refuse(405, "invalid", f"{request.method} is not for this path", f"use {allowed}", Allow=allowed)
