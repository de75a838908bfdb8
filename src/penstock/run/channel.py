"""The step's side of its channel: a backend that asks the launcher. A step process never opens the database itself."""

from __future__ import annotations

import _thread
import os
import socket
import threading
from itertools import count
from typing import TypeVar

import msgspec
from msgspec import Raw

from penstock.blobs.files import FileBlobs
from penstock.core.errors import BY_CODE, Conflict, Invalid, PenstockError
from penstock.core.outputs import Blob
from penstock.ops.base import Op
from penstock.run.attempt import TRANSFER, Kind, Outcome, Reply, Request, Transfer, decode_reply, encode
from penstock.run.wire import receive_frame, send_frame

R = TypeVar("R")


class Channel:
    """Operations and the outcome, over one socket.

    Args:
        connection: The connected socket; frames go both ways.
        blobs: The blob store, which the step reads and writes itself.
    """

    def __init__(self, connection: socket.socket, blobs: FileBlobs) -> None:
        self.blobs = blobs
        self._connection = connection
        self._turn = threading.Lock()
        self._numbers = count(1)
        self._process = os.getpid()

    def call(self, op: Op[R]) -> R:
        """Ask the launcher to carry out an operation, and wait for its answer."""
        if self._process != os.getpid():
            raise Conflict(
                "a process that the step forked itself cannot record for the step",
                hint="report from the step's own process",
            )
        try:
            body = Raw(encode(op))
        except UnicodeEncodeError as error:
            raise Invalid(
                f"{type(op).__name__} holds half a character ({error.reason}), which cannot be stored"
            ) from None
        result: R = msgspec.msgpack.decode(self._ask(type(op).__name__, body), type=op.returns)
        return result

    def keep_blob(self, blob: Blob) -> None:
        """Have a blob that is stored here stored where the blobs are kept."""
        self._transfer("keep", blob)

    def fetch_blob(self, blob: Blob) -> None:
        """Have a blob brought here."""
        self._transfer("fetch", blob)

    def check_blob(self, blob: Blob) -> None:
        """Raise Damaged unless the blob is whole where it is kept."""
        self._transfer("check", blob)

    def stat_blob(self, hash: str) -> Blob | None:
        """Return the blob if it is kept there."""
        return msgspec.msgpack.decode(self._transfer("stat", Blob(hash, 0)), type=Blob | None)

    def _transfer(self, kind: Kind, blob: Blob) -> Raw:
        return self._ask(TRANSFER, Raw(encode(Transfer(kind=kind, blob=blob))))

    def _ask(self, what: str, body: Raw) -> Raw:
        reply = self._exchange(Request(number=next(self._numbers), op=what, body=body))
        if reply.code:
            raise BY_CODE.get(reply.code, PenstockError)(reply.message, hint=reply.hint)
        return reply.body

    def _exchange(self, request: Request) -> Reply:
        """Send a request and return its reply, in a thread of its own where a signal may interrupt this one.

        Signal handlers of user code run, and raise, in the main thread, between any two lines. A frame that is cut in
        two there would garble everything after it; a thread goes on to the end of its frame.
        """
        if threading.get_ident() != threading.main_thread().ident:
            return self._converse(request)
        replies: list[Reply | BaseException] = []
        waiting = _thread.allocate_lock()  # `threading` itself does not bear being interrupted
        waiting.acquire()

        def converse() -> None:
            try:
                replies.append(self._converse(request))
            except BaseException as error:  # noqa: BLE001 - it is raised where the answer is waited for
                replies.append(error)
            finally:
                waiting.release()

        _thread.start_new_thread(converse, ())
        waiting.acquire()
        if isinstance(replies[0], BaseException):
            raise replies[0]
        return replies[0]

    def _converse(self, request: Request) -> Reply:
        with self._turn:
            send_frame(self._connection, encode(request))
            return decode_reply(receive_frame(self._connection))

    def end(self, outcome: Outcome) -> None:
        """Say how the attempt went; the last frame on the channel."""
        with self._turn:
            send_frame(self._connection, encode(outcome))

    def close(self) -> None:
        """Close the socket."""
        self._connection.close()
