"""The pages, and what is not an operation: logging in, the reference, whether the server is well, its metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from penstock import __version__
from penstock.backend.protocol import API
from penstock.core.access import Identity, Kind, Scope
from penstock.server import openapi
from penstock.server.access import Guesses
from penstock.server.answers import answer, refuse
from penstock.server.bodies import decode, media_type, whole
from penstock.server.loops import Loop
from penstock.server.metrics import TYPE, Metrics
from penstock.server.routes import OPEN, Policy, Route
from penstock.server.sessions import IDLE, Sessions

VERSION: Final = str(__version__)
SMALL: Final = 10_000  # bytes of the body of a login
_FOLDER: Final = Path(__file__).with_name("pages")
_FILES: Final = {"login.js": "text/javascript", "style.css": "text/css"}


class Login(Struct, frozen=True):
    """What a browser sends to log in."""

    code: str


class Code(Struct, frozen=True):
    """A code that logs a browser in, once, within a minute."""

    code: str


class Health(Struct, frozen=True):
    """Whether the server is well: whether every loop did its work lately, and how many seconds ago."""

    well: bool
    loops: dict[str, float]


class Pages:
    """Answers what is not an operation.

    Args:
        sessions: Who is logged in.
        cookie: The name of the cookie of a session.
        loops: What goes on in the server.
        metrics: What is counted.
    """

    def __init__(self, sessions: Sessions, cookie: str, loops: Sequence[Loop], metrics: Metrics) -> None:
        self._sessions = sessions
        self._cookie = cookie
        self._loops = loops
        self._metrics = metrics
        self._guesses = Guesses()

    def routes(self) -> Iterator[Route]:
        """Return the routes. Only those that are named OPEN here ask nobody for a key."""
        reads = Policy(scope=Scope.READ)
        yield Route(method="GET", path="/healthz", name="healthz", policy=OPEN, endpoint=self._health)
        yield Route(method="GET", path="/metrics", name="metrics", policy=reads, endpoint=self._numbers)
        yield Route(method="GET", path="/", name="home", policy=reads, endpoint=_go_to_reference)
        yield _fixed("/reference", "reference", reads, _reference, "text/html")
        yield _fixed(f"{API}/openapi.json", "openapi", reads, _described, "application/json")
        yield _fixed("/login", "login_page", OPEN, lambda: _file("login.html"), "text/html")
        for name, media in _FILES.items():
            yield _fixed(f"/pages/{name}", "pages", OPEN, partial(_file, name), media)
        yield Route(method="POST", path="/login", name="login", policy=OPEN, endpoint=self._log_in)
        yield Route(method="POST", path="/logout", name="logout", policy=reads, endpoint=self._log_out)
        yield Route(method="POST", path=f"{API}/login-codes", name="login_code", policy=reads, endpoint=self._code)

    async def _health(self, request: Request, identity: Identity) -> Response:
        _ = request, identity
        well = not any(loop.is_late for loop in self._loops)
        return answer(
            Health(well, {loop.name: round(loop.age, 3) for loop in self._loops}), status=200 if well else 503
        )

    async def _numbers(self, request: Request, identity: Identity) -> Response:
        _ = request, identity
        return Response(self._metrics.text(), media_type=TYPE)

    async def _code(self, request: Request, identity: Identity) -> Response:
        _ = request
        if identity.kind is not Kind.USER:
            raise refuse(403, "forbidden", f"an {identity.kind} does not log in", "come with a key of a user")
        return answer(Code(self._sessions.code(identity)))

    async def _log_in(self, request: Request, identity: Identity) -> Response:
        """Give a browser a session for a code."""
        _ = identity
        address = request.client.host if request.client else ""
        if wait := self._guesses.wait(address):
            message = "too many codes that are not known came from this address"
            raise refuse(429, "unauthenticated", message, Retry_After=str(int(wait) + 1))
        given = decode(await whole(request, SMALL), Login, media_type(request))
        word = self._sessions.exchange(given.code)
        if word is None:
            self._guesses.failed(address)
            raise refuse(401, "unauthenticated", "this link is not good any more", "a link works once, for a minute")
        response = answer(None)
        secure = request.url.scheme == "https"
        response.set_cookie(self._cookie, word, int(IDLE), httponly=True, samesite="strict", secure=secure)
        return response

    async def _log_out(self, request: Request, identity: Identity) -> Response:
        _ = identity
        self._sessions.end(request.cookies.get(self._cookie, ""))
        response = answer(None)
        response.delete_cookie(self._cookie, httponly=True, samesite="strict")
        return response


def _fixed(path: str, name: str, policy: Policy, content: Callable[[], bytes], media: str) -> Route:
    async def endpoint(request: Request, identity: Identity) -> Response:
        _ = request, identity
        return Response(content(), media_type=media)

    return Route(method="GET", path=path, name=name, policy=policy, endpoint=endpoint)


async def _go_to_reference(request: Request, identity: Identity) -> Response:
    _ = request, identity
    return RedirectResponse("/reference", 303)


@cache
def _described() -> bytes:
    return msgspec.json.encode(openapi.document(VERSION))


@cache
def _reference() -> bytes:
    return openapi.page(VERSION).encode()


def _file(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()
