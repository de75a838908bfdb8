"""Logging a browser in, by a code that works once or by name and password, and out again.

Sessions by a password are the service's, and are known to every server of a database; those by a code are this one's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Executor
from typing import Any, Final, Protocol

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from penstock.backend.protocol import API
from penstock.core.access import Identity, Kind, Scope, nobody, read_text
from penstock.core.secret import Secret
from penstock.ops.access import LogIn, LogOut
from penstock.ops.base import Op
from penstock.server.access import Guesses
from penstock.server.answers import answer, refuse
from penstock.server.bodies import decode, media_type, whole
from penstock.server.routes import OPEN, Policy, Route
from penstock.server.sessions import WHOLE, Sessions

SMALL: Final = 10_000  # bytes of the body of a login


class Login(Struct, frozen=True):
    """What a browser sends to log in: a code, or name and password."""

    code: str = ""
    name: str = ""
    password: Secret = Secret("")


class Code(Struct, frozen=True):
    """A code that logs a browser in, once, within a minute."""

    code: str


class Service(Protocol):
    """Carries operations out for somebody, blocking."""

    def call(self, op: Op[Any], by: Identity) -> Any: ...


class LoginRoutes:
    """Logs browsers in and out.

    Args:
        service: Knows users and passwords.
        sessions: Who is logged in by a code.
        cookie: The name of the cookie of a session.
        secure: Whether browsers reach the server by TLS alone.
        threads: Where passwords are verified, which takes long.
    """

    def __init__(
        self, service: Service, sessions: Sessions, cookie: str, threads: Executor, *, secure: bool = False
    ) -> None:
        self._service = service
        self._sessions = sessions
        self._cookie = cookie
        self._secure = secure
        self._threads = threads
        self._guesses = Guesses()

    def routes(self) -> Iterator[Route]:
        """Return the routes."""
        reads = Policy(scope=Scope.READ)
        yield Route(method="POST", path="/login", name="login", policy=OPEN, endpoint=self._log_in)
        yield Route(method="POST", path="/logout", name="logout", policy=reads, endpoint=self._log_out)
        yield Route(method="POST", path=f"{API}/login-codes", name="login_code", policy=reads, endpoint=self._code)

    async def _code(self, request: Request, identity: Identity) -> Response:
        _ = request
        if identity.kind is not Kind.USER:
            raise refuse(403, "forbidden", f"an {identity.kind} does not log in", "come with a key of a user")
        return answer(Code(self._sessions.code(identity)))

    async def _log_in(self, request: Request, identity: Identity) -> Response:
        """Give a browser a session."""
        _ = identity
        address = request.client.host if request.client else ""
        given = decode(await whole(request, SMALL), Login, media_type(request))
        if given.code:
            word = self._by_code(given.code, address)
        else:
            done = await self._ask(LogIn(name=given.name, password=given.password), address)
            word = done.session.text
        response = answer(None)
        response.set_cookie(self._cookie, word, int(WHOLE), httponly=True, samesite="strict", secure=self._secure)
        return response

    def _by_code(self, code: str, address: str) -> str:
        """Return the word of a new session."""
        if wait := self._guesses.wait(address):
            message = "too many codes that are not known came from this address"
            raise refuse(429, "unauthenticated", message, Retry_After=str(int(wait) + 1))
        word = self._sessions.exchange(code)
        if word is None:
            self._guesses.failed(address)
            raise refuse(401, "unauthenticated", "this link is not good any more", "a link works once, for a minute")
        return word

    async def _log_out(self, request: Request, identity: Identity) -> Response:
        _ = identity
        word = request.cookies.get(self._cookie, "")
        self._sessions.end(word)
        if read_text(word) is not None:
            await self._ask(LogOut(session=Secret(word)), request.client.host if request.client else "")
        response = answer(None)
        response.delete_cookie(self._cookie, httponly=True, samesite="strict", secure=self._secure)
        return response

    def _ask(self, op: Op[Any], address: str) -> asyncio.Future[Any]:
        return asyncio.get_running_loop().run_in_executor(self._threads, self._service.call, op, nobody(address))
