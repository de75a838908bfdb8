"""Requests to one server: connections that are kept, errors as the classes that were raised, and patience.

A request that the server did not answer is made again, after pauses of random length, until the time is over. Whoever
makes requests that change something gives each a key, by which the server knows that it comes again. Connections are
never used across a fork.
"""

from __future__ import annotations

import http.client
import logging
import os
import random
import ssl
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from copy import copy
from typing import IO, Any, Final, Self
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from penstock.backend.connection import Whole, WholeTls
from penstock.backend.protocol import JSON, MSGPACK, Problem
from penstock.core.errors import BY_CODE, Invalid, PenstockError, StoreBusy, Unreachable
from penstock.core.secret import Secret

log = logging.getLogger("penstock")

FIRST: Final = 3.0
"""Seconds for which a server is tried that has not answered yet: whoever waits for it wants to know."""

LATER: Final = 900.0
"""Seconds for which a server is tried that has answered before: it may be on its way back."""

HOLDING: Final = 86_400.0
"""Seconds for which it is tried by who carries work out for it: so long it knows which requests come again."""

TOLD: Final = 5.0  # seconds after which it is said once that the server is waited for

CONNECT: Final = 5.0  # seconds
ANSWER: Final = 60.0  # seconds; of a request that waits for something, besides
SHORTEST, LONGEST = 0.05, 5.0  # seconds of a pause
BLOCK: Final = 1 << 20  # bytes of a file that are sent at once
KEPT: Final = 16  # connections that nobody uses just now
AGAIN: Final = frozenset({502, 503, 504})

BROKEN: Final = (OSError, http.client.HTTPException)
"""What is raised when a connection fails, at whatever point."""


class Answer(Struct, frozen=True, kw_only=True):
    """What the server said."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes = b""


class Patience:
    """Pauses between tries, each of random length up to one that grows; and when it is over.

    Args:
        seconds: How long it lasts.
        tell: Called when it has lasted for a while.
        hurries: Returns whether it is to be over at once.
    """

    def __init__(
        self, seconds: float, tell: Callable[[], object] = lambda: None, hurries: Callable[[], bool] = lambda: False
    ) -> None:
        self._seconds = seconds
        self._tell = tell
        self._hurries = hurries
        self.renew()

    def renew(self) -> None:
        """Begin anew: something went well."""
        self._until = time.monotonic() + self._seconds
        self._longest = SHORTEST

    def pause(self) -> bool:
        """Wait a little; return False, at once, when it is over."""
        left = self._until - time.monotonic()
        if left <= 0 or self._hurries():
            return False
        if self._seconds - left > TOLD:
            self._tell()
        time.sleep(min(left, random.uniform(0, self._longest)))  # noqa: S311 - no secret is made of it
        self._longest = min(self._longest * 2, LONGEST)
        return True


class Client:
    """Makes requests to one server.

    Args:
        url: Its address.
        key: Returns what it knows us by; nothing when there is no key.
        authorities: PEM file with the certificates of those who may say who the server is; empty for those of this
            machine.
        holds: Whether a task of this server is carried out here.

    Attributes:
        leads: Whether a run is.
        hurries: Whether a server that does not answer is waited for no more.
    """

    def __init__(self, url: str, key: Callable[[], str], authorities: str = "", *, holds: bool = False) -> None:
        parts = urlsplit(url)
        self.url = url
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname or "", parts.port
        self._path = parts.path.rstrip("/")
        self._key = key
        self._authorities = authorities
        self._context: ssl.SSLContext | None = None
        self._met = False
        self._told = False
        self._holds = holds
        self.leads = False
        self.hurries = False
        self._begin_anew()

    def known_by(self, key: Secret) -> Self:
        """Return a client of who shows another key, and holds a task; both use the same connections."""
        other = copy(self)
        other._key = lambda: key.text  # noqa: SLF001 - it is one of ours
        other._holds = True  # noqa: SLF001 - as above
        return other

    def patience(self, seconds: float | None = None) -> Patience:
        """Return the patience that this server deserves.

        Args:
            seconds: How long it lasts, of somebody who has another way.
        """
        if seconds is None:
            seconds = HOLDING if self._holds or self.leads else LATER if self._met else FIRST
        return Patience(seconds, self._tell, lambda: self.hurries)

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None, wait: float = 0.0
    ) -> Answer:
        """Make a request, again and again until it is answered; return the answer when it is no error.

        Args:
            wait: Seconds for which the server may wait itself before it answers.

        Raises:
            Unreachable: There is no answer.
            PenstockError: The answer is an error: of the class that was raised there.
        """
        patience = self.patience()
        while True:
            try:
                with self.exchange(method, path, body, headers, wait) as response:
                    answer = Answer(status=response.status, headers=response.headers, body=response.read())
                return self.checked(answer)
            except (*BROKEN, StoreBusy) as error:
                if not patience.pause():
                    raise self.unreachable(error) from None

    @contextmanager
    def exchange(
        self,
        method: str,
        path: str,
        body: bytes | IO[bytes] = b"",
        headers: dict[str, str] | None = None,
        wait: float = 0.0,
    ) -> Generator[http.client.HTTPResponse]:
        """Make a request once, and give its response out to be read.

        Raises:
            OSError, HTTPException: The connection failed.
        """
        connection, response = self._respond(method, path, body, headers or {}, wait)
        if response.status not in AGAIN:
            self._met, self._told = True, False
        whole = False
        try:
            yield response
            whole = response.isclosed()
        finally:
            if whole and not response.will_close and len(self._idle) < KEPT:
                self._idle.append(connection)
            else:
                connection.close()

    def checked(self, answer: Answer) -> Answer:
        """Return an answer that is no error; raise what it tells of when it is one.

        Raises:
            OSError: What is between us and the server says that it is away.
        """
        if answer.status < 300:  # noqa: PLR2004 - the classes of HTTP's statuses
            return answer
        found = _problem(answer)
        if found is not None:
            raise BY_CODE.get(found.code, PenstockError)(found.message, hint=found.hint)
        if answer.status in AGAIN:
            raise ConnectionError(f"it answers {answer.status}")
        raise Unreachable(
            f"what answers at {self.url} is no Penstock server: it says {answer.status}",
            hint="correct PENSTOCK_URL",
        )

    def unreachable(self, error: BaseException) -> PenstockError:
        """Return what to raise when patience is over."""
        if isinstance(error, PenstockError):
            return error
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or type(error).__name__
        return Unreachable(
            f"the server at {self.url} does not answer: {reason[:1].lower()}{reason[1:]}",
            hint="see whether it runs (penstock server); without PENSTOCK_URL, everything is kept on this machine",
        )

    def _tell(self) -> None:
        """Say, once until it answers again, that it does not, to who may be sitting there."""
        if not self._told:
            self._told = True
            log.warning("penstock: the server at %s does not answer; it is waited for", self.url)

    def close(self) -> None:
        """Close the connections."""
        while self._idle:
            self._idle.pop().close()

    def _respond(
        self, method: str, path: str, body: Any, headers: dict[str, str], wait: float
    ) -> tuple[Whole, http.client.HTTPResponse]:
        """Send a request on a connection that was kept; on a new one when the server has closed that meanwhile."""
        if self._process != os.getpid():
            self.close()  # the parent's: only our copies of the descriptors
            self._begin_anew()
        headers = {"Accept": MSGPACK, "User-Agent": "penstock", **headers}
        if key := self._key():
            headers["Authorization"] = f"Bearer {key}"
        begin = body.tell() if body and not isinstance(body, bytes) else 0
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return self._send(self._connect(), method, path, body, headers, wait)
            try:
                return self._send(connection, method, path, body, headers, wait)
            except (ConnectionError, http.client.BadStatusLine):  # it was closed while nobody used it
                if body and not isinstance(body, bytes):
                    body.seek(begin)

    def _send(
        self,
        connection: Whole,
        method: str,
        path: str,
        body: Any,
        headers: dict[str, str],
        wait: float,
    ) -> tuple[Whole, http.client.HTTPResponse]:
        try:
            connection.sock.settimeout(ANSWER + wait)
            response = connection.ask(method, self._path + path, body, headers)
            number_in(response.headers, "Content-Length")
            return connection, response
        except BaseException:
            connection.close()
            raise

    def _connect(self) -> Whole:
        connection = self._connection()
        try:
            connection.connect()
        except ssl.SSLCertVerificationError as error:
            connection.close()
            raise Unreachable(
                f"the server at {self.url} cannot show that it is the one: {error.verify_message}",
                hint="correct PENSTOCK_URL, or name the certificate of who vouches for the server with PENSTOCK_CA",
            ) from None
        except BaseException:
            connection.close()
            raise
        return connection

    def _connection(self) -> Whole:
        if not self._secure:
            return Whole(self._host, self._port, timeout=CONNECT, blocksize=BLOCK)
        if self._context is None:
            try:
                self._context = ssl.create_default_context(cafile=self._authorities or None)
            except OSError as error:  # a file that holds none is one, too
                reason = error.strerror or str(error)
                raise Invalid(
                    f"PENSTOCK_CA is {self._authorities!r}, which cannot be used: {reason}",
                    hint="give a PEM file with the certificate of the authority that vouches for the server",
                ) from None
        return WholeTls(self._host, self._port, timeout=CONNECT, blocksize=BLOCK, context=self._context)

    def _begin_anew(self) -> None:
        self._process = os.getpid()
        self._idle: deque[Whole] = deque()


def number_in(headers: http.client.HTTPMessage, name: str) -> int:
    """Return the number that a header has which every answer of ours has.

    Raises:
        ConnectionError: It has none: the connection broke in the middle of the headers, which looks like their end.
    """
    try:
        return int(headers.get(name, ""))
    except ValueError:
        raise ConnectionError("the answer ended too early") from None


def _problem(answer: Answer) -> Problem | None:
    """Return the error that an answer tells of; None when it is not one of ours."""
    media = (answer.headers.get("content-type") or "").partition(";")[0]
    try:
        if media == MSGPACK:
            return msgspec.msgpack.decode(answer.body, type=Problem)
        return msgspec.json.decode(answer.body, type=Problem) if media == JSON else None
    except msgspec.DecodeError:
        return None
