"""The bodies of requests: read up to a limit and not for ever, and made the struct that is expected."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any, Final, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request

from penstock.backend.protocol import JSON, MSGPACK
from penstock.server.answers import Refused, refuse

T = TypeVar("T")

DEEPEST: Final = 64  # lists and objects inside one another, in JSON
SLOWEST: Final = 60.0  # seconds between two pieces of a body

_STRING_OR_BRACKET: Final = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)


def media_type(request: Request) -> str:
    """Return the media type of the request's body, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def pieces(request: Request, largest: int) -> AsyncIterator[bytes]:
    """Yield the body as it comes.

    Raises:
        Refused: It is larger than that, or stops coming.
    """
    _refuse_large(request, largest)
    size = 0
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(SLOWEST):
                piece = await anext(stream, None)
        except TimeoutError:
            raise _too_slow() from None
        except ClientDisconnect:
            raise gone() from None
        if piece is None:
            return
        size += len(piece)
        if size > largest:
            raise _too_large(largest)
        yield piece


async def whole(request: Request, largest: int) -> bytes:
    """Return the body, which most requests bring in one piece.

    Raises:
        Refused: It is larger than that, or stops coming.
    """
    _refuse_large(request, largest)
    parts: list[bytes] = []
    size = 0
    more = True
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(SLOWEST) as patience:
            while more:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise gone()
                parts.append(message.get("body", b""))
                more = message.get("more_body", False)
                size += len(parts[-1])
                if size > largest:
                    raise _too_large(largest)
                patience.reschedule(loop.time() + SLOWEST)
    except TimeoutError:
        raise _too_slow() from None
    return parts[0] if len(parts) == 1 else b"".join(parts)


def decode(body: bytes, kind: type[T], media: str) -> T:
    """Return the struct that a body holds.

    Raises:
        Refused: It is in another form, cannot be read, is too deep, or does not fit.
    """
    try:
        if media == MSGPACK:
            return msgspec.msgpack.decode(body, type=kind)
        if media != JSON:
            raise refuse(415, "invalid", f"a body of type {media!r} cannot be read here", f"send {JSON} or {MSGPACK}")
        _refuse_deep(body)
        return msgspec.json.decode(body or b"{}", type=kind)
    except msgspec.ValidationError as error:
        raise refuse(422, "invalid", f"{_name(kind)}: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise refuse(400, "invalid", f"{_name(kind)}: the body cannot be read: {error}") from None
    except RecursionError:
        raise _too_deep() from None


def _refuse_deep(body: bytes) -> None:
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(body):
        mark = found[0]
        depth += (mark in b"[{") - (mark in b"]}")
        if depth > DEEPEST:
            raise _too_deep()


def _refuse_large(request: Request, largest: int) -> None:
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > largest:
        raise _too_large(largest)


def _too_slow() -> Refused:
    return refuse(408, "error", f"nothing of the body came for {SLOWEST:g} seconds")


def gone() -> Refused:
    """Return what a client is answered that has left before it was: nobody reads it."""
    return refuse(400, "error", "the client went away")


def _too_large(largest: int) -> Refused:
    return refuse(413, "invalid", f"the body is larger than the {largest:,} bytes that are taken here")


def _too_deep() -> Refused:
    return refuse(400, "invalid", f"the body has lists or objects more than {DEEPEST} levels deep")


def _name(kind: Any) -> str:
    return str(getattr(kind, "__name__", kind))
