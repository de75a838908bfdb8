"""A connection to a server that sends a request in one piece: who reads it is woken once, and not twice.

What the standard library does sends the head and what comes behind it one after the other.
"""

from __future__ import annotations

import http.client
from typing import Any, Final

WHOLE: Final = 256 << 10
"""Bytes of a body up to which it is copied to go out with its head; of a longer one that saves nothing."""


class Whole(http.client.HTTPConnection):
    """A connection without TLS."""

    _behind = b""

    def ask(self, method: str, path: str, body: Any, headers: dict[str, str]) -> http.client.HTTPResponse:
        """Make a request and return its response, of which the body is still to be read.

        Args:
            body: Bytes, or a file that is sent from where it stands; nothing when it is empty.

        Raises:
            OSError, HTTPException: The connection failed.
        """
        if isinstance(body, bytes) and 0 < len(body) <= WHOLE:
            self._behind = body
            self.request(method, path, None, {"Content-Length": str(len(body)), **headers})
        else:
            self.request(method, path, body or None, headers)
        return self.getresponse()

    def send(self, data: Any) -> None:
        """Send bytes, and behind a head what is to go with it."""
        behind, self._behind = self._behind, b""
        super().send(data + behind if behind else data)


class WholeTls(Whole, http.client.HTTPSConnection):
    """A connection with TLS."""
