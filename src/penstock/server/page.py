"""The web page: the files that the build of `ui/` left in `_ui`, and its first document for every address in the page.

It must never know what the page shows: all of that comes by operations. The files hold nothing that is secret, so they
are handed to everybody; who is not logged in learns so from the first operation that the page asks for.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Final

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from penstock.core.access import Identity
from penstock.server.answers import refuse
from penstock.server.files import Origin
from penstock.server.routes import OPEN, Route

FOLDER: Final = Path(__file__).parents[1] / "_ui"
DOCUMENT: Final = "index.html"
TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
FOREVER: Final = "public, max-age=31536000, immutable"
PREFIX: Final = "x-forwarded-prefix"
"""The header by which a proxy says under which prefix it shows this server."""

_PREFIX: Final = re.compile(r"(/[A-Za-z0-9._~-]{1,100}){1,10}")
_BASE: Final = '<base href="/" />'
_AGENTS: Final = '<meta name="agents" content="" />'
_NONCE: Final = '<meta name="csp-nonce" content="" />'

MISSING: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Penstock: the page is not built</title>
<link rel="stylesheet" href="{base}pages/style.css">
<main>
  <h1>The web page is not built</h1>
  <p>This Penstock was installed from its sources, without the page. The server itself works.</p>
  <p>On its machine, with Node.js 20.19 or newer, in the folder of the sources:</p>
  <pre>penstock ui build</pre>
  <p>Then load this page again. Packages that are released always hold the page.</p>
  <p>Meanwhile: <a href="{base}reference">the API</a>.</p>
</main>
</html>
"""


class File(Struct, frozen=True):
    """A file of the page, as it is and compressed."""

    content: bytes
    packed: bytes | None
    media: str


class Page:
    """Answers with the page.

    Args:
        files: Where users' bytes are shown: the only other place that the page may show something of.
        folder: Where the build is.
        attended: Whether an agent starts by itself on this machine when something waits.
    """

    def __init__(self, files: Origin, folder: Path = FOLDER, *, attended: bool = False) -> None:
        self._origin = files
        self._attended = attended
        self._folder = folder
        self._known: dict[str, File] = {}

    def routes(self) -> Iterator[Route]:
        """Return the routes; the last one stands for every address in the page."""
        yield Route(method="GET", path="/icon.svg", name="page", policy=OPEN, endpoint=self._icon)
        yield Route(method="GET", path="/assets/{file}", name="page", policy=OPEN, endpoint=self._asset)
        yield Route(method="GET", path="/", name="page", policy=OPEN, endpoint=self._document)

    def fallback(self) -> Route:
        """Return what answers a path that is nothing else: an address in the page."""
        return Route(method="GET", path="", name="page", policy=OPEN, endpoint=self._document)

    async def _document(self, request: Request, identity: Identity) -> Response:
        _ = identity
        base = f"{prefix_of(request)}/"
        nonce = secrets.token_urlsafe(16)
        headers = {"Content-Security-Policy": self._policy(request, nonce), "Cache-Control": "no-cache"}
        try:
            text = (self._folder / DOCUMENT).read_text("utf-8")
        except FileNotFoundError:
            return Response(MISSING.format(base=escape(base)), 503, headers, "text/html")
        text = text.replace(_BASE, f'<base href="{escape(base)}" />')
        if self._attended:
            text = text.replace(_AGENTS, '<meta name="agents" content="start" />')
        text = text.replace(_NONCE, f'<meta name="csp-nonce" content="{nonce}" />')
        return Response(text, 200, headers, "text/html")

    def _policy(self, request: Request, nonce: str) -> str:
        """Return what the page may do: nothing but with this server, and showing users' bytes from the other origin."""
        shown = self._origin.seen_from(request.headers.get("host", "")) or ""
        framed = shown or "'none'"
        return (
            f"default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; connect-src 'self'; "
            f"img-src 'self' data: blob: {shown}; media-src 'self' blob: {shown}; frame-src {framed}; "
            "worker-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'"
        )

    async def _icon(self, request: Request, identity: Identity) -> Response:
        _ = identity
        return self._file(request, "icon.svg", "no-cache")

    async def _asset(self, request: Request, identity: Identity) -> Response:
        _ = identity
        return self._file(request, f"assets/{request.scope['path_params']['file']}", FOREVER)

    def _file(self, request: Request, name: str, cached: str) -> Response:
        found = self._known.get(name) or self._read(name)
        if found is None:
            raise refuse(404, "not_found", "the page has no such file", "load the page again")
        headers = {"Cache-Control": cached, "Vary": "Accept-Encoding"}
        if found.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            return Response(found.packed, 200, headers | {"Content-Encoding": "gzip"}, found.media)
        return Response(found.content, 200, headers, found.media)

    def _read(self, name: str) -> File | None:
        """Return a file of the build, and keep those whose names change with their content."""
        path = self._folder / name
        media = TYPES.get(path.suffix)
        try:
            content = path.read_bytes()
        except (FileNotFoundError, IsADirectoryError):
            return None
        if media is None:
            return None
        packed = path.with_name(f"{path.name}.gz")
        found = File(content, packed.read_bytes() if packed.exists() else None, media)
        if name.startswith("assets/"):
            self._known[name] = found
        return found


def prefix_of(request: Request) -> str:
    """Return the prefix under which a proxy shows this server: nothing, or `/penstock`."""
    found = request.headers.get(PREFIX, "").rstrip("/")
    return found if _PREFIX.fullmatch(found) else ""
