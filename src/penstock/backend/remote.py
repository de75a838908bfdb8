"""The backend of a server: operations over HTTP, blobs through a folder of copies."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from penstock.backend.client import Client
from penstock.backend.protocol import API, HELD, IDEMPOTENCY_KEY, LONGEST_WAIT, MSGPACK, blobs_address
from penstock.backend.token import read_token
from penstock.backend.transfers import Transfers
from penstock.blobs.cached import CachedBlobs
from penstock.blobs.files import FileBlobs
from penstock.core.errors import Invalid
from penstock.core.lease import Held
from penstock.core.secret import Secret
from penstock.ops.base import Op
from penstock.ops.runs import EndRun, ResumeRun, StartRun
from penstock.settings import Settings

R = TypeVar("R")

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Remote:
    """The operations of a server.

    Args:
        client: Makes the requests.
        copies: The folder for copies of blobs.
        held: Of who carries a claimed task out, what is shown with each operation.
    """

    def __init__(self, client: Client, copies: Path, held: Held | None = None) -> None:
        self._client = client
        self._copies = copies
        self._held = held
        self.blobs = CachedBlobs(copies, Transfers(client, FileBlobs(copies, durable=False)), blobs_address(client.url))

    def known_by(self, key: Secret) -> Remote:
        """Return the backend of who carries a claimed task out, and shows another key; it uses the same connections."""
        return Remote(self._client.known_by(key), self._copies)

    def holding(self, held: Held) -> Remote:
        """Return the backend of who carries a claimed task out; it uses the same connections."""
        return Remote(self._client, self._copies, held)

    def call(self, op: Op[R]) -> R:
        """Carry out one operation there; an error is raised here as it was there.

        Raises:
            Unreachable: The server does not answer.
        """
        wait = float(getattr(op, "wait", 0.0))
        until = time.monotonic() + wait
        while wait > LONGEST_WAIT:  # no request takes so long that something on the way loses patience
            if found := self._ask(replace(op, wait=LONGEST_WAIT), LONGEST_WAIT):
                return found
            wait = until - time.monotonic()
            op = replace(op, wait=max(wait, 0.0))
        return self._ask(op, wait)

    def call_once(self, op: Op[R], key: str) -> R:
        """Carry out one operation, once however often it comes with this key."""
        return self._ask(op, 0.0, key)

    def forget_answers(self, older_than: float) -> None:
        """Do nothing: the server sees to that."""

    def hurry(self) -> None:
        """Wait no more for a server that does not answer."""
        self._client.hurries = True

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _ask(self, op: Op[R], wait: float, key: str = "") -> R:
        headers = {"Content-Type": MSGPACK}
        if not op.reads:
            headers[IDEMPOTENCY_KEY] = key or uuid.uuid4().hex
        if self._held is not None:
            headers[HELD] = f"{self._held.task}:{self._held.fence}"
        answer = self._client.ask("POST", f"{API}/{type(op).__name__}", _encoded(op), headers, wait)
        result: R = msgspec.msgpack.decode(answer.body, type=op.returns)
        if isinstance(op, StartRun | ResumeRun | EndRun):
            self._client.leads = not isinstance(op, EndRun)
        return result


def open_remote(settings: Settings) -> Remote:
    """Return the backend of the server that the settings name; it is not asked anything yet.

    Whoever holds a task got it from this server, and waits for it from the start.
    """
    client = Client(settings.url, key_of(settings), settings.authorities, holds=settings.held is not None)
    return Remote(client, settings.blobs)


def key_of(settings: Settings) -> Callable[[], str]:
    """Return what returns the key for the server of these settings.

    That is the one that is set; else, of a server on this machine, the token of the home.
    """
    known = settings.key

    def key() -> str:
        nonlocal known
        if not known and urlsplit(settings.url).hostname in LOOPBACK:
            known = Secret(read_token(settings.home))
        return known.text

    return key


def _encoded(op: Op[R]) -> bytes:
    try:
        return msgspec.msgpack.encode(op)
    except UnicodeEncodeError as error:
        message = f"{type(op).__name__} holds half a character ({error.reason}), which cannot be stored"
        raise Invalid(message) from None
    except OverflowError:
        raise Invalid(f"{type(op).__name__} holds a whole number beyond 64 bits, which cannot be sent") from None
