"""The second origin: users' bytes as a browser shows them, and nothing else. No cookies, no keys, no other routes.

What a step stored may be a page with scripts. So it is never shown where somebody is logged in, but under another port
or name, in a sandbox, at an address that is signed, and good for a minute. The first origin makes such addresses for
who may read the thing.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import Any, Final, Protocol
from urllib.parse import quote

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penstock.backend.protocol import API
from penstock.blobs.files import FileBlobs
from penstock.core.access import Identity
from penstock.core.access import Scope as Right
from penstock.ops.base import Op
from penstock.ops.models import GetModel
from penstock.ops.outputs import GetArtifact
from penstock.server.answers import answer, problem, refuse
from penstock.server.blobs import File
from penstock.server.bodies import decode, media_type, whole
from penstock.server.routes import Policy, Route

LIFE: Final = 60.0  # seconds for which an address is good
SMALL: Final = 10_000  # bytes of a request for one
LONGEST: Final = 150  # characters of the name of a file
BYTES: Final = "application/octet-stream"
_TEXT: Final = "text/plain; charset=utf-8"

_HTML: Final = "text/html; charset=utf-8"

SHOWN: Final = {
    "gif": "image/gif",
    "htm": _HTML,
    "html": _HTML,
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "json": "application/json",
    "png": "image/png",
    "svg": "image/svg+xml",
    "webp": "image/webp",
    **dict.fromkeys(("txt", "log", "csv", "md", "py", "yaml", "toml"), _TEXT),
}
"""The types that a browser may show, by the ending of the file's name; all else is saved to a file."""

ENDINGS: Final = {"text": "txt", "folder": "zip", "bytes": "bin"}
"""Of artifacts that were no files, the ending of their names; of other formats it is the format's own name."""

_ADDRESS: Final = re.compile(r"/([A-Za-z0-9_-]{1,2000})\.([A-Za-z0-9_-]{43})")


class Origin(Struct, frozen=True, kw_only=True):
    """Where users' bytes are shown.

    Args:
        scheme: `http` or `https`.
        names: What the `Host` header may be there, exactly; none where users' bytes are not shown.
        port: The port that it has on every name of this machine.
        name: Where it has a name of its own, that name.
        shown_in: The origins whose pages may show it in a frame.
    """

    scheme: str = "http"
    names: frozenset[str] = frozenset()
    port: int = 0
    name: str = ""
    shown_in: tuple[str, ...] = ()

    def seen_from(self, host: str) -> str | None:
        """Return the origin as a browser reaches it that reaches the first one by this `Host`; None if it does not."""
        found = self.name or f"{host.rpartition(':')[0]}:{self.port}"
        return f"{self.scheme}://{found}" if found in self.names else None

    @property
    def headers(self) -> dict[str, str]:
        """What every answer has there, errors included."""
        framed = " ".join(self.shown_in) or "'none'"
        return {
            "Content-Security-Policy": (
                "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
                f"base-uri 'none'; form-action 'none'; frame-ancestors {framed}"
            ),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "cross-origin",  # the address itself is the right to read it
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cache-Control": "private, no-store",
            **({"Strict-Transport-Security": "max-age=31536000"} if self.scheme == "https" and self.name else {}),
        }


class Shown(Struct, frozen=True, array_like=True):
    """What an address is for.

    Args:
        until: Epoch seconds until which it is good.
        hash: The blob.
        name: The name of the file.
    """

    until: int
    hash: str
    name: str


class Signatures:
    """Makes addresses that nobody else can make, and reads them; they last no longer than this server.

    Args:
        clock: Returns epoch seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)

    def path_for(self, hash: str, name: str) -> tuple[str, int]:
        """Return the path at which a blob is shown for a minute, and until when."""
        until = int(self._clock() + LIFE)
        text = _text(msgspec.msgpack.encode(Shown(until, hash, name)))
        return f"/{text}.{self._signature(text)}", until

    def read(self, path: str) -> Shown | None:
        """Return what is shown at a path; None for one that was not made here, or is not good any more."""
        found = _ADDRESS.fullmatch(path)
        if found is None or not hmac.compare_digest(found[2], self._signature(found[1])):
            return None
        shown = msgspec.msgpack.decode(base64.urlsafe_b64decode(found[1] + "=" * (-len(found[1]) % 4)), type=Shown)
        return shown if shown.until > self._clock() else None

    def _signature(self, text: str) -> str:
        return _text(hmac.digest(self._key, text.encode(), hashlib.sha256))


class Files:
    """The ASGI application of the second origin.

    Args:
        origin: Where it is.
        signatures: Reads addresses.
        blobs: The bytes.
        threads: Where files are looked for.
    """

    def __init__(self, origin: Origin, signatures: Signatures, blobs: FileBlobs, threads: Executor) -> None:
        self._headers = [(name.lower().encode(), value.encode()) for name, value in origin.headers.items()]
        self._signatures = signatures
        self._blobs = blobs
        self._threads = threads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever it says of who asks."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in self._headers}
                message["headers"] = [*(one for one in message["headers"] if one[0] not in own), *self._headers]
            await send(message)

        try:
            response = await self._answer(Request(scope, receive))
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer and the log the rest
            response = problem(error)
        await response(scope, receive, guarded)

    async def _answer(self, request: Request) -> Response:
        if request.method not in {"GET", "HEAD"}:
            raise refuse(405, "invalid", "files are read here, and nothing else", "use GET", Allow="GET, HEAD")
        shown = self._signatures.read(request.scope["path"])
        if shown is None:
            raise refuse(403, "forbidden", "this address is not good, or not any more", "open the file anew")
        blob = await asyncio.get_running_loop().run_in_executor(self._threads, self._blobs.stat, shown.hash)
        if blob is None:
            raise refuse(404, "not_found", f"there is no blob {shown.hash} any more")
        media = SHOWN.get(shown.name.rpartition(".")[2].lower()) if "." in shown.name else None
        how = "attachment" if media is None else "inline"
        said = f"{how}; filename*=UTF-8''{quote(shown.name, safe='')}"
        return File(self._blobs.path(shown.hash), media_type=media or BYTES, headers={"Content-Disposition": said})


class Origins:
    """Sends each request to the origin that it names; what names none is the first one's, which refuses it.

    Args:
        first: Answers what is not for the second.
        second: Answers what is.
        names: What the `Host` header is there.
    """

    def __init__(self, first: ASGIApp, second: ASGIApp, names: frozenset[str]) -> None:
        self._first = first
        self._second = second
        self._names = {name.encode() for name in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have one request answered."""
        called = [value for name, value in scope["headers"] if name == b"host"]
        is_second = scope["type"] == "http" and len(called) == 1 and called[0] in self._names
        await (self._second if is_second else self._first)(scope, receive, send)


class Wanted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody wants to look at: an artifact of a task, or a model."""

    task: str = ""
    artifact: str = ""
    model: str = ""


class Link(Struct, frozen=True, kw_only=True):
    """Where a browser finds it.

    Args:
        expires: Epoch seconds when the address stops being good.
    """

    url: str
    expires: int


class Service(Protocol):
    """Carries operations out for somebody, blocking."""

    def call(self, op: Op[Any], by: Identity) -> Any: ...


class FileLinks:
    """Makes addresses of the second origin, at the first one, for who may read what they show.

    Args:
        service: Knows what there is, and who may read it.
        blobs: The bytes.
        origin: Where they are shown.
        signatures: Makes the addresses.
        threads: Where that is done.
    """

    def __init__(
        self, service: Service, blobs: FileBlobs, origin: Origin, signatures: Signatures, threads: Executor
    ) -> None:
        self._service = service
        self._blobs = blobs
        self._origin = origin
        self._signatures = signatures
        self._threads = threads

    def routes(self) -> Iterator[Route]:
        """Return the route."""
        policy = Policy(scope=Right.READ)
        yield Route(method="POST", path=f"{API}/file-links", name="file_link", policy=policy, endpoint=self._link)

    async def _link(self, request: Request, identity: Identity) -> Response:
        wanted = decode(await whole(request, SMALL), Wanted, media_type(request))
        origin = self._origin.seen_from(request.headers["host"])
        if origin is None:
            hint = "start the server with --files-name, a second name by which browsers reach it"
            raise refuse(409, "conflict", "a browser that calls the server so does not reach users' files", hint)
        loop = asyncio.get_running_loop()
        hash, name = await loop.run_in_executor(self._threads, self._find, wanted, identity)
        path, until = self._signatures.path_for(hash, name)
        return answer(Link(url=origin + path, expires=until), accept=request.headers.get("accept", ""))

    def _find(self, wanted: Wanted, identity: Identity) -> tuple[str, str]:
        """Return the blob, and the name of its file."""
        if bool(wanted.model) == bool(wanted.task):
            raise refuse(422, "invalid", "give a task and the name of an artifact, or a model")
        if wanted.model:
            model = self._service.call(GetModel(id=wanted.model), identity)
            hash, url, name = model.hash, model.url, model.facts.get("file_name") or model.name
        else:
            artifact = self._service.call(GetArtifact(task=wanted.task, name=wanted.artifact), identity)
            hash, url, name = artifact.hash, artifact.url, artifact.metadata.get("file_name", "")
            name = name or f"{artifact.name}.{ENDINGS.get(artifact.format, artifact.format)}"
        if not hash or self._blobs.stat(hash) is None:
            raise refuse(404, "not_found", "its bytes are not on this server", f"they are at {url}" if url else None)
        return hash, file_name(name)


def file_name(text: str) -> str:
    """Return a text as the name of a file: one line without folders, which can be sent."""
    sendable = text.encode("utf-8", "replace").decode()
    plain = "".join(one if one.isprintable() and one not in '/\\:"' else "_" for one in sendable).strip(". ")
    return plain[-LONGEST:] or "file"


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
