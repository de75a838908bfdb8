"""URLs of files, taken apart once. This does no I/O, and must never make a path of this machine from a remote URL.

A plain path and `file://` name files here; `http(s)://`, `s3://`, `gs://` and `az://` name files elsewhere. The keys
of object storage are taken as they stand: a `%20` in one is three characters of its name.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from msgspec import Struct

from penstock.core.errors import Invalid

_SCHEMES = {"azure": "az", "file": "file", "http": "http", "https": "https", "s3": "s3", "gs": "gs", "az": "az"}
_AZURE = re.compile(r"([a-z0-9]{3,24})\.blob\.core\.windows\.net")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_IS_HTTP_SAFE = "/%:@!$&'()*+,;=~-._"
_LONGEST = 60  # letters of a file name: four bytes each fit into what file systems take


class Url(Struct, frozen=True):
    """Where a file lies.

    Args:
        text: The URL, or for a file of this machine its path, as it was given.
        scheme: `file`, `http`, `https`, `s3`, `gs` or `az`.
        host: The server with its port, or the bucket, or the container.
        key: The path: on the server (quoted, beginning with a slash), in the bucket, or on this machine.
        query: What follows the question mark of an http URL.
        user: `name:password` of an http URL.
        account: The storage account, where an az URL names it.
    """

    text: str
    scheme: str
    host: str
    key: str
    query: str = ""
    user: str = ""
    account: str = ""

    def __str__(self) -> str:
        """Return it as it may be shown: without password and query, which may hold a signature."""
        if self.scheme == "file":
            return self.text
        return f"{self.scheme}://{self.host}{self.key if self.key.startswith('/') else '/' + self.key}"

    @property
    def is_local(self) -> bool:
        """Whether it names a file of this machine."""
        return self.scheme == "file"

    @property
    def names(self) -> str:
        """The path in words: unquoted, without a slash at its beginning."""
        key = unquote(self.key, errors="surrogateescape") if self.scheme.startswith("http") else self.key
        return key.lstrip("/")

    def child(self, name: str) -> Url:
        """Return the URL of a file below this one, taken for a folder."""
        if self.scheme.startswith("http"):
            name = quote(name)
        key = f"{self.key.rstrip('/')}/{name}" if self.key.strip("/") or self.is_local else name
        key = key if not self.scheme.startswith("http") or key.startswith("/") else f"/{key}"
        head, mark, query = self.text.partition("?") if self.scheme.startswith("http") else (self.text, "", "")
        return _but(self, text=f"{head.rstrip('/')}/{name}{mark}{query}", key=key)

    @property
    def folder(self) -> Url:
        """The same as a folder: with a slash at its end, so that `data` does not mean `data2` too."""
        return self if not self.key or self.key.endswith("/") else _but(self, text=f"{self.text}/", key=f"{self.key}/")

    def at(self, key: str) -> Url:
        """Return the URL of another key in the same bucket."""
        return _but(self, text=f"{self.text[: len(self.text) - len(self.key)].rstrip('/')}/{key}", key=key)


def parse(url: str | os.PathLike[str]) -> Url:
    """Take a URL or a path apart.

    Raises:
        Invalid: It is none that can be read here.
    """
    text = os.fspath(url)
    if not text or "\0" in text:
        raise Invalid(f"{text!r} is no URL", hint="give a path, or a URL such as s3://bucket/folder/file")
    scheme, mark, rest = text.partition("://")
    if not mark:
        return Url(text, "file", "", str(Path(text).expanduser()))
    known = _SCHEMES.get(scheme.lower())
    if known is None:
        raise Invalid(f"no URL of the kind {scheme[:50]!r} can be read", hint="the kinds are file, http(s), s3, gs, az")
    if _CONTROL.search(text):
        raise Invalid(f"{text[:200]!r} is no URL: there are control characters in it")
    if known == "file":
        return _file(text, rest)
    return _web(text, known) if known.startswith("http") else _bucket(text, known, rest)


def safe_name(name: str) -> str:
    """Return a name for a file from text of anybody: letters, digits and `-_. `, never a path, never hidden."""
    last = name.rstrip("/").rpartition("/")[2]
    kept = "".join(letter if letter.isalnum() or letter in "-_. " else "_" for letter in last[-_LONGEST:])
    return kept.strip(". ") or "file"


def _but(url: Url, *, text: str, key: str) -> Url:
    return Url(text, url.scheme, url.host, key, url.query, url.user, url.account)


def _file(text: str, rest: str) -> Url:
    host, slash, path = rest.partition("/")
    if host.lower() not in {"", "localhost"} or not slash:
        raise Invalid(f"{text!r} names a file of another machine", hint="write file:///folder/file, with three slashes")
    path = unquote(path, errors="surrogateescape")
    if "\0" in path:
        raise Invalid(f"{text!r} is no URL: there is a zero in its path")
    return Url(text, "file", "", f"/{path}")


def _web(text: str, scheme: str) -> Url:
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").encode("ascii" if ":" in (parts.hostname or "") else "idna").decode()
        port = parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    if not host or re.search(r"[\s\\<>]", host):
        raise Invalid(f"{text.partition('?')[0].rpartition('@')[2]!r} is no URL of a server")
    host = f"[{host}]" if ":" in host else host
    user = parts.netloc.rpartition("@")[0]
    where = host if port is None else f"{host}:{port}"
    query = quote(parts.query, safe=_IS_HTTP_SAFE + "?")
    return Url(text, scheme, where, quote(parts.path or "/", safe=_IS_HTTP_SAFE), query, unquote(user))


def _bucket(text: str, scheme: str, rest: str) -> Url:
    bucket, _, key = rest.partition("/")
    account = ""
    if scheme == "az" and (found := _AZURE.fullmatch(bucket)):
        account = found[1]
        bucket, _, key = key.partition("/")
    if ":" in bucket:
        hint = f"write {scheme}://bucket/file, and name the server in the environment: AWS_ENDPOINT_URL for s3"
        raise Invalid(f"{text!r} names a server, not a bucket", hint=hint)
    if not re.fullmatch(r"[A-Za-z0-9$][A-Za-z0-9._-]{0,221}", bucket):
        raise Invalid(f"{text!r} names no bucket", hint=f"write {scheme}://bucket/folder/file")
    return Url(text, scheme, bucket, key, account=account)
