"""Files behind http and https. It speaks these two only, wherever a server redirects to, and trusts no length.

A download whose connection is cut goes on where it stopped, if the server vouches that the file is still the same.
"""

from __future__ import annotations

import base64
import re
import ssl
from collections.abc import Callable, Iterator
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar, cast
from urllib import request
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from penstock.core.errors import Invalid, NotFound, RemoteError
from penstock.run.remote.transport import PIECE, Entry, Facts, Passing, persist
from penstock.run.remote.urls import Url

if TYPE_CHECKING:
    from collections.abc import Mapping

_Result = TypeVar("_Result")
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_GONE = frozenset({404, 410})
_NO_HEAD = frozenset({403, 405, 501})  # servers without HEAD, and URLs that are signed for GET alone
_UNFIT_RANGE = 416
_PARTIAL = 206
_REDIRECTS = range(300, 400)
_REFUSED = frozenset({401, 403, 407})
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")


class Http:
    """Files behind http and https.

    Args:
        timeout: Seconds to wait for a connection, and for each piece of an answer.
        tries: How often something is tried that fails in passing: 5xx, a cut connection.
        pause: Seconds before the second try; doubles from then on.
    """

    def __init__(self, timeout: float = 30.0, tries: int = 4, pause: float = 0.5) -> None:
        self._timeout = timeout
        self._tries = tries
        self._pause = pause
        self._opener = request.OpenerDirector()
        for handler in (
            request.ProxyHandler(),
            request.HTTPHandler(),
            request.HTTPSHandler(),
            request.HTTPDefaultErrorHandler(),
            request.HTTPErrorProcessor(),
            _Redirects(),
        ):
            self._opener.add_handler(handler)

    def stat(self, url: Url) -> Facts | None:
        """Return what the server tells about a file; None when there is none."""

        def ask() -> Facts:
            try:
                with self._open(url, "HEAD") as answer:
                    return _facts(answer.headers)
            except _Answered as error:
                if error.status not in _NO_HEAD:
                    raise
            with self._open(url, "GET") as answer:  # closed before its content is read
                return _facts(answer.headers)

        try:
            return self._persist(ask, url, "read")
        except NotFound:
            return None

    def fetch(self, url: Url, sink: IO[bytes]) -> Facts:
        """Download a file."""
        told: list[Facts] = []  # about the bytes that are in the sink

        def download() -> Facts:
            headers = _going_on(told, sink.tell())
            try:
                with self._open(url, "GET", headers) as answer:
                    _receive(answer, sink, told)
            except _Answered as error:
                if error.status == _UNFIT_RANGE:
                    told.clear()
                raise
            size = told[-1].size
            if size is not None and sink.tell() != size:
                raise Passing(f"the connection was cut after {sink.tell():,} of {size:,} bytes")
            return told[-1]

        return self._persist(download, url, "read")

    def send(self, path: Path, url: Url) -> None:
        """Upload a file with PUT."""

        def upload() -> None:
            headers = {"Content-Length": str(path.stat().st_size), "Content-Type": "application/octet-stream"}
            with path.open("rb") as file, self._open(url, "PUT", headers, file):
                pass

        self._persist(upload, url, "written")

    def entries(self, url: Url) -> Iterator[Entry]:
        """Refuse: there is no way to ask a web server for its files."""
        raise Invalid(f"{url} cannot be listed: web servers do not tell which files they have")

    def _persist(self, action: Callable[[], _Result], url: Url, verb: str) -> _Result:
        what = f"{url} cannot be {verb}"

        def once() -> _Result:
            try:
                return action()
            except _Answered as error:
                raise _meaning(error.status, url, what) from error

        return persist(once, what, tries=self._tries, pause=self._pause)

    def _open(
        self, url: Url, method: str, headers: Mapping[str, str] | None = None, data: IO[bytes] | None = None
    ) -> HTTPResponse:
        where = f"{url.scheme}://{url.host}{url.key}" + (f"?{url.query}" if url.query else "")
        asked = request.Request(where, data, dict(headers or {}), method=method)  # noqa: S310 - http(s), and nothing else is spoken
        if url.user:  # for this server only, not for where it redirects to
            asked.add_unredirected_header("Authorization", f"Basic {base64.b64encode(url.user.encode()).decode()}")
        try:
            return cast("HTTPResponse", self._opener.open(asked, timeout=self._timeout))
        except HTTPError as error:
            with error:
                raise _Answered(error.code) from error
        except (OSError, HTTPException) as error:
            reason = error.reason if isinstance(error, URLError) else error
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise RemoteError(f"{url.scheme}://{url.host} is not trusted: {reason.verify_message}") from error
            raise Passing(str(reason) or type(reason).__name__) from error


class _Answered(Exception):
    """The server answered with a status that is no success."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"the server answered {status}")


class _Redirects(request.HTTPRedirectHandler):
    def redirect_request(
        self, req: request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> request.Request | None:
        if urlsplit(newurl).scheme.lower() not in {"http", "https"}:
            raise _Answered(code)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _meaning(status: int, url: Url, what: str) -> Exception:
    if status in _GONE:
        return NotFound(f"there is no file {url}", hint="look for a typing error in the URL")
    if status in _PASSING or status == _UNFIT_RANGE:
        return Passing(f"the server answered {status}")
    if status in _REFUSED:
        return RemoteError(f"{what}: the server answered {status}", hint="it wants credentials, or other ones")
    if status in _REDIRECTS:
        return RemoteError(f"{what}: it redirects in a circle, or to what is not http(s)")
    return RemoteError(f"{what}: the server answered {status}")


def _facts(headers: HTTPMessage) -> Facts:
    length = headers.get("Content-Length", "")
    etag, modified = headers.get("ETag", ""), headers.get("Last-Modified", "")
    return Facts(int(length) if length.isdecimal() else None, etag, modified)


def _going_on(told: list[Facts], at: int) -> dict[str, str]:
    """Return the headers that ask for the rest of a file, if it can be told that it is still the same file."""
    if not told or not at:
        return {}
    facts = told[-1]
    validator = facts.etag if facts.etag and not facts.etag.startswith("W/") else facts.modified
    if not validator or facts.size is None or at >= facts.size:
        return {}
    return {"Range": f"bytes={at}-", "If-Range": validator}


def _receive(answer: HTTPResponse, sink: IO[bytes], told: list[Facts]) -> None:
    if answer.status == _PARTIAL:
        found = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        if not told or found is None or (int(found[1]), int(found[2])) != (sink.tell(), told[-1].size):
            told.clear()
            raise Passing("the server sent another part than was asked for")
    else:
        sink.seek(0)
        sink.truncate()
        told[:] = [_facts(answer.headers)]
    while True:
        try:
            piece = answer.read(PIECE)
        except (OSError, HTTPException) as error:
            raise Passing(f"the connection was cut after {sink.tell():,} bytes") from error
        if not piece:
            return
        sink.write(piece)
