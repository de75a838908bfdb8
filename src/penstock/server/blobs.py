"""Blobs over HTTP: sent in pieces, fetched in ranges, never held in memory, never looked into.

    HEAD /api/v1/blobs/<hash>           its length; with ?verify=1 only when all of it was read and found whole
    GET  /api/v1/blobs/<hash>           its bytes; `Range` gives a part of them
    PUT  /api/v1/blobs/<hash>           `Content-Range: bytes 0-9/10`: a piece of it, up to its end
                                        `Content-Range: bytes */10`, no body: how much of it is there?

A PUT is answered 200 when all of it was there already, 201 when all of it is there now, and 202 with `Upload-Offset`
when that many bytes have arrived: the next piece begins there. A sender who was cut off asks, and goes on. What has
arrived becomes a blob when its length and its SHA-256 are what the request says, and is thrown away when they are not.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import Any, Final, TypeVar

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from penstock.backend.protocol import BLOBS, BYTES, UPLOAD_OFFSET
from penstock.blobs.files import FileBlobs
from penstock.blobs.uploads import Upload, Uploads
from penstock.core.access import Identity, Scope
from penstock.core.errors import Conflict
from penstock.core.outputs import Blob
from penstock.server.answers import Refused, answer, refuse
from penstock.server.bodies import pieces, whole
from penstock.server.routes import Policy, Route

T = TypeVar("T")

PIECE: Final = 1 << 20  # bytes that are read or written at once
_RANGE: Final = re.compile(r"bytes (?:(\*)|(\d{1,15})-(\d{1,15}))/(\d{1,15})")

UNTRUSTED: Final = {
    "Content-Disposition": "attachment",
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "private, max-age=31536000, immutable",
}
"""What keeps a browser from taking users' bytes for a part of this site."""


class File(FileResponse):
    """A file, in pieces that are worth a thread's while."""

    chunk_size = PIECE


class BlobRoutes:
    """Sends and takes blobs.

    Args:
        blobs: The store.
        uploads: What arrives for it.
        threads: Where files are read and written.
    """

    def __init__(self, blobs: FileBlobs, uploads: Uploads, threads: Executor) -> None:
        self._blobs = blobs
        self._uploads = uploads
        self._threads = threads

    def routes(self) -> Iterator[Route]:
        """Return the routes."""
        path = f"{BLOBS}/{{hash}}"
        reads, writes = Policy(scope=Scope.READ), Policy(scope=Scope.WRITE)
        yield Route(method="HEAD", path=path, name="stat_blob", policy=reads, endpoint=self._send)
        yield Route(method="GET", path=path, name="get_blob", policy=reads, endpoint=self._send)
        yield Route(method="PUT", path=path, name="put_blob", policy=writes, endpoint=self._take)

    async def _send(self, request: Request, identity: Identity) -> Response:
        _ = identity
        hash = request.path_params["hash"]
        blob = await self._in_thread(self._blobs.stat, hash)
        if blob is None:
            raise refuse(404, "not_found", f"there is no blob {hash}")
        if request.method == "HEAD" and request.query_params.get("verify"):
            await self._in_thread(self._blobs.check, blob)
        return File(self._blobs.path(hash), media_type=BYTES, headers={**UNTRUSTED, "ETag": f'"{hash}"'})

    async def _take(self, request: Request, identity: Identity) -> Response:
        _ = identity
        first, last, blob = _announced(request)
        if await self._in_thread(self._uploads.has, blob):
            if last < PIECE:
                await whole(request, PIECE)  # so that the connection can be used again
            return answer(blob)
        if first is None:
            arrived = await self._in_thread(self._uploads.arrived, blob)
            if arrived < blob.size:
                await self._in_thread(self._uploads.check_room, blob.size - arrived)
                return _go_on(arrived)
            first, last = arrived, arrived - 1  # nothing is missing but its name: somebody was stopped just then
        try:
            upload = await self._in_thread(self._uploads.go_on, blob, first)
        except Conflict as error:
            arrived = await self._in_thread(self._uploads.arrived, blob)
            raise refuse(409, error.code, error.message, **{UPLOAD_OFFSET: str(arrived)}) from None
        try:
            await self._receive(request, upload, last - first + 1)
            if upload.size < blob.size:
                return _go_on(upload.size)
            await self._in_thread(upload.commit)
        finally:
            await asyncio.shield(self._in_thread(upload.close))
        return answer(blob, status=201)

    async def _receive(self, request: Request, upload: Upload, size: int) -> None:
        """Write the body to the upload; what came before the sender was cut off is kept."""
        waiting: list[bytes] = []
        try:
            async for piece in pieces(request, size):
                waiting.append(piece)
                if sum(map(len, waiting)) >= PIECE:
                    await self._in_thread(upload.write, b"".join(waiting))
                    waiting.clear()
        finally:
            if waiting:
                await asyncio.shield(self._in_thread(upload.write, b"".join(waiting)))

    def _in_thread(self, work: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)


def _announced(request: Request) -> tuple[int | None, int, Blob]:
    """Return the first and the last byte of a piece, and the blob that it is one of; None where none comes."""
    hash = request.path_params["hash"]
    given = request.headers.get("content-range")
    if given is None:
        length = request.headers.get("content-length", "")
        if not length.isdecimal():
            raise _no_range()
        return 0, int(length) - 1, Blob(hash, int(length))
    found = _RANGE.fullmatch(given)
    if found is None:
        raise _no_range()
    star, first, last, size = found.groups()
    if star:
        return None, 0, Blob(hash, int(size))
    if not int(first) <= int(last) < int(size):
        raise _no_range()
    return int(first), int(last), Blob(hash, int(size))


def _go_on(arrived: int) -> Response:
    return Response(None, 202, {UPLOAD_OFFSET: str(arrived)})


def _no_range() -> Refused:
    hint = "send Content-Range: bytes FIRST-LAST/SIZE, or bytes */SIZE to ask how much is there"
    return refuse(422, "invalid", "the request does not say which bytes it holds", hint)
