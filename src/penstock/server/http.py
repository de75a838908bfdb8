"""HTTP/1.1 as uvicorn speaks it with llhttp, with what both leave to others: how long heads may be, what leaves when.

A head that does not end is refused. An answer leaves in one piece: sent one after the other, as uvicorn does, its head
and its body wake whoever waits for it twice, and cost two calls of the system.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LONGEST_HEAD = 64 << 10
"""Bytes of a request before its body that are held while they come, or between two pieces of a body."""

SMALL = 16 << 10
"""Bytes of an answer up to which a piece waits for the next one."""


class Http(HttpToolsProtocol):
    """One connection. What sends a head that does not end is refused, and cut off."""

    _held = 0  # bytes that came since the last thing that was whole

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to listen."""
        super().connection_made(Gathering(transport, self.loop))

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        self._held += len(data)
        super().data_received(data)
        if self._held > LONGEST_HEAD and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")

    def on_headers_complete(self) -> None:
        """Begin to answer: the head is there."""
        self._held = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._held = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the request is there."""
        self._held = 0
        super().on_message_complete()


class Gathering(asyncio.Transport):
    """A transport that sends what is written without a pause in one piece.

    What is small waits for what comes next, or until the loop has nothing else to do that was due already.

    Args:
        transport: What sends.
        loop: Its event loop.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._waiting = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send, now or in a moment."""
        waiting, self._waiting = self._waiting, b""
        if waiting or len(data) > SMALL:
            self._transport.write(waiting + data if waiting else data)
        elif data:
            self._waiting = bytes(data)
            self._loop.call_soon(self._flush)

    def close(self) -> None:
        """Close when all is sent."""
        self._flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether it is closed, or about to be."""
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        """Let what comes wait."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take what comes again."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what is known of the connection."""
        return self._transport.get_extra_info(name, default)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, b""
        if waiting:
            self._transport.write(waiting)
