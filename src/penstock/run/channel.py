"""The step's side of its channel: a backend that asks the launcher. A step process never opens the database itself."""

from __future__ import annotations

import os
import socket
import threading
from itertools import count
from typing import TypeVar

import msgspec

from penstock.blobs.files import FileBlobs
from penstock.core.errors import BY_CODE, Conflict, PenstockError
from penstock.ops.base import Op
from penstock.run.attempt import Outcome, Request, decode_reply, encode
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
        with self._turn:
            request = Request(number=next(self._numbers), op=type(op).__name__, body=msgspec.Raw(encode(op)))
            send_frame(self._connection, encode(request))
            reply = decode_reply(receive_frame(self._connection))
        if reply.code:
            raise BY_CODE.get(reply.code, PenstockError)(reply.message, hint=reply.hint)
        result: R = msgspec.msgpack.decode(reply.body, type=op.returns)
        return result

    def end(self, outcome: Outcome) -> None:
        """Say how the attempt went; the last frame on the channel."""
        with self._turn:
            send_frame(self._connection, encode(outcome))

    def close(self) -> None:
        """Close the socket."""
        self._connection.close()
