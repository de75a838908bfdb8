"""HTTP/1.1 as uvicorn speaks it with llhttp, with the limit that both leave to others: how long a head may be."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LONGEST_HEAD = 64 << 10
"""Bytes of a request before its body that are held while they come, or between two pieces of a body."""


class Http(HttpToolsProtocol):
    """One connection. What sends a head that does not end is refused, and cut off."""

    _held = 0  # bytes that came since the last thing that was whole

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
