"""The pages, and what is not an operation: the reference, whether the server is well, its metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from functools import cache, partial
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from penstock import __version__
from penstock.backend.protocol import API
from penstock.core.access import Identity, Scope
from penstock.server import openapi
from penstock.server.answers import answer
from penstock.server.loops import Loop
from penstock.server.metrics import TYPE, Metrics
from penstock.server.routes import OPEN, Policy, Route

VERSION: Final = str(__version__)
_FOLDER: Final = Path(__file__).with_name("pages")
_FILES: Final = {"login.js": "text/javascript", "style.css": "text/css"}


class Health(Struct, frozen=True):
    """Whether the server is well: whether every loop did its work lately, and how many seconds ago.

    Args:
        takes_uploads: Whether its disk has room for more than the reserve.
    """

    well: bool
    loops: dict[str, float]
    takes_uploads: bool


class Pages:
    """Answers what is not an operation.

    Args:
        loops: What goes on in the server.
        metrics: What is counted.
        takes_uploads: Whether there is room on the disk.
        threads: Where the store may be asked for what is counted.
    """

    def __init__(
        self, loops: Sequence[Loop], metrics: Metrics, takes_uploads: Callable[[], bool], threads: Executor
    ) -> None:
        self._takes_uploads = takes_uploads
        self._loops = loops
        self._metrics = metrics
        self._threads = threads

    def routes(self) -> Iterator[Route]:
        """Return the routes. Only those that are named OPEN here ask nobody for a key."""
        reads = Policy(scope=Scope.READ)
        yield Route(method="GET", path="/healthz", name="healthz", policy=OPEN, endpoint=self._health)
        yield Route(method="GET", path="/metrics", name="metrics", policy=reads, endpoint=self._numbers)
        yield _fixed("/reference", "reference", reads, _reference, "text/html")
        yield _fixed(f"{API}/openapi.json", "openapi", reads, _described, "application/json")
        yield _fixed("/login", "login_page", OPEN, lambda: _file("login.html"), "text/html")
        for name, media in _FILES.items():
            yield _fixed(f"/pages/{name}", "pages", OPEN, partial(_file, name), media)

    async def _health(self, request: Request, identity: Identity) -> Response:
        _ = request, identity
        well = not any(loop.is_late for loop in self._loops)
        ages = {loop.name: round(loop.age, 3) for loop in self._loops}
        return answer(Health(well, ages, self._takes_uploads()), status=200 if well else 503)

    async def _numbers(self, request: Request, identity: Identity) -> Response:
        _ = request, identity
        text = await asyncio.get_running_loop().run_in_executor(self._threads, self._metrics.text)
        return Response(text, media_type=TYPE)


def _fixed(path: str, name: str, policy: Policy, content: Callable[[], bytes], media: str) -> Route:
    async def endpoint(request: Request, identity: Identity) -> Response:
        _ = request, identity
        return Response(content(), media_type=media)

    return Route(method="GET", path=path, name=name, policy=policy, endpoint=endpoint)


@cache
def _described() -> bytes:
    return msgspec.json.encode(openapi.document(VERSION))


@cache
def _reference() -> bytes:
    return openapi.page(VERSION).encode()


def _file(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()
