"""The operations as routes: one each, made from the registry. What an operation does is the service's business."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Executor
from functools import partial
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from penstock.backend.protocol import API, HELD, IDEMPOTENCY_KEY, LONGEST_WAIT, STREAM
from penstock.core.access import Identity, Scope
from penstock.core.errors import Invalid
from penstock.core.lease import Held, held_of
from penstock.core.topics import Topics
from penstock.ops.base import REGISTRY, Once, Op
from penstock.server import live
from penstock.server.access import scope_of
from penstock.server.answers import answer, refuse
from penstock.server.bodies import decode, gone, media_type, whole
from penstock.server.feed import Feed
from penstock.server.hearing import Hearing
from penstock.server.routes import Endpoint, Policy, Route


class Service(Protocol):
    """Carries operations out for somebody, blocking."""

    def call(self, op: Op[Any], by: Identity, *, held: Held | None = None, once: Once | None = None) -> Any: ...
    def waits_for(self, op: Op[Any], by: Identity, *, held: Held | None = None) -> Topics | None: ...


LONGEST_KEY: Final = 200


class Operations:
    """Answers operations.

    Args:
        service: Carries them out.
        threads: Where that is done.
        feed: Where those wait who want to wait.
        hearing: Told of each request.
        largest: Bytes that a request may have.
    """

    def __init__(self, service: Service, threads: Executor, feed: Feed, hearing: Hearing, largest: int) -> None:
        self._service = service
        self._threads = threads
        self._feed = feed
        self._hearing = hearing
        self._largest = largest

    def routes(self) -> Iterator[Route]:
        """Return a route for each operation, and the one of the stream of changes."""
        for name, kind in REGISTRY.items():
            policy = Policy(scope=scope_of(kind))
            if policy.scope is None:
                continue  # what is open to strangers has doors of its own
            yield Route(method="POST", path=f"{API}/{name}", name=name, policy=policy, endpoint=self._endpoint(kind))
        policy = Policy(scope=Scope.READ)
        yield Route(method="GET", path=STREAM, name="stream", policy=policy, endpoint=self._stream)

    def _endpoint(self, kind: type[Op[Any]]) -> Endpoint:
        async def endpoint(request: Request, identity: Identity) -> Response:
            await self._hear()
            body = await whole(request, self._largest)
            media = media_type(request)
            op = decode(body, kind, media)
            held = _held(request, identity)
            once = None if op.reads else _once(request, identity, held, body)
            if live.waits(op) > 0:
                call = self._caller(identity, held, None)
                look, sees_all = self._looker(identity, held), _sees_all(identity, getattr(op, "run", None))
                waiting = live.wait_for(self._feed, op, call, look, LONGEST_WAIT, sees_all=sees_all)
                result = await _while_there(request, waiting)
            else:
                result = await self._caller(identity, held, once)(op)
            accept = request.headers.get("accept", "")
            try:
                return answer(result, accept=media if accept in {"", "*/*"} else accept)
            except (UnicodeEncodeError, OverflowError) as error:
                raise _cannot_be_told(kind, error) from None

        return endpoint

    async def _hear(self) -> None:
        """Note that somebody reaches the server."""
        if self._hearing.is_silent:
            await asyncio.get_running_loop().run_in_executor(self._threads, self._hearing.end)
        self._hearing.note()

    def _caller(self, identity: Identity, held: Held | None, once: Once | None) -> Callable[[Op[Any]], Awaitable[Any]]:
        loop = asyncio.get_running_loop()
        return lambda op: loop.run_in_executor(self._threads, self._called, identity, op, held, once)

    def _looker(self, identity: Identity, held: Held | None) -> Callable[[Op[Any]], Awaitable[Topics | None]]:
        loop = asyncio.get_running_loop()
        return lambda op: loop.run_in_executor(self._threads, partial(self._service.waits_for, op, identity, held=held))

    def _called(self, identity: Identity, op: Op[Any], held: Held | None, once: Once | None) -> Any:
        try:
            return self._service.call(op, identity, held=held, once=once)
        except (UnicodeEncodeError, OverflowError) as error:  # the answer could not be kept: nothing was done
            raise _cannot_be_told(type(op), error) from None

    async def _stream(self, request: Request, identity: Identity) -> Response:
        """Answer with the changes as they come, as server-sent events."""
        given = request.headers.get("last-event-id") or request.query_params.get("after", "0")
        if not (given.isascii() and given.isdecimal() and len(given) < 19):  # noqa: PLR2004 - 64 bits
            raise refuse(422, "invalid", "`after` has to be the number of a change", "0 is before all of them")
        run = request.query_params.get("run") or None
        call = self._caller(identity, None, None)
        stream = live.events(self._feed, int(given), run, call, sees_all=_sees_all(identity, run))
        return StreamingResponse(stream, media_type="text/event-stream")


def _sees_all(identity: Identity, run: str | None) -> bool:
    """Return whether somebody may see all changes that they wait for: of a run they were asked before."""
    return run is not None or not identity.projects


def _once(request: Request, identity: Identity, held: Held | None, body: bytes) -> Once | None:
    """Return what tells this request from others that the same one sends; None when they gave no key.

    Whoever shows a task that is held is the same: what its shim, which dies, has sent comes again from its agent.
    """
    key = request.headers.get(IDEMPOTENCY_KEY)
    if key is None:
        return None
    if not 0 < len(key) <= LONGEST_KEY:
        raise refuse(422, "invalid", f"{IDEMPOTENCY_KEY} has to be a text of 1 to {LONGEST_KEY} characters")
    name = f"{identity.kind}\n{identity.name}" if held is None else f"held\n{held.task}:{held.fence}"
    who = hashlib.sha256(f"{name}\n{key}".encode()).hexdigest()
    asked = hashlib.sha256(f"{request.scope['path']}\n{media_type(request)}\n".encode() + body).hexdigest()
    return Once(who, asked)


async def _while_there(request: Request, waiting: Coroutine[Any, Any, Any]) -> Any:
    """Return what is waited for, unless the client leaves first: nothing is to be done for who is not there any more.

    Raises:
        Refused: It has left.
    """
    answered, left = asyncio.ensure_future(waiting), asyncio.ensure_future(_until_gone(request))
    try:
        await asyncio.wait((answered, left), return_when=asyncio.FIRST_COMPLETED)
        if not answered.done():
            raise gone()
        return answered.result()
    finally:
        answered.cancel()
        left.cancel()


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _held(request: Request, identity: Identity) -> Held | None:
    """Return what whoever carries a claimed task out has to show; None for everybody else."""
    own = Held(identity.task, identity.fence) if identity.task and identity.fence is not None else None
    text = request.headers.get(HELD)
    if text is None:
        return own
    found = held_of(text)
    if found is None:
        raise refuse(422, "invalid", f"{HELD} has to be of the form TASK:FENCE")
    if own is not None and found != own:
        raise refuse(403, "forbidden", f"this token is that of task {own.task}, held under number {own.fence}")
    return found


def _cannot_be_told(kind: type[Op[Any]], error: Exception) -> Invalid:
    what = "half a character" if isinstance(error, UnicodeEncodeError) else "a whole number beyond 64 bits"
    return Invalid(
        f"what {kind.__name__} returns holds {what}, which cannot be sent",
        hint="look at it on the server's machine, in its home",
    )
