"""What a server and its clients have in common: where things are, what they are called, how an error travels."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

API: Final = "/api/v1"
BLOBS: Final = f"{API}/blobs"
STREAM: Final = f"{API}/changes/stream"

JSON: Final = "application/json"
MSGPACK: Final = "application/msgpack"
BYTES: Final = "application/octet-stream"

IDEMPOTENCY_KEY: Final = "Idempotency-Key"
"""A text that a client makes up for each request that changes something, and gives again when it repeats that one."""

HELD: Final = "Penstock-Held"
"""What whoever carries a claimed task out has to show, as `TASK:FENCE`: nothing is written once it went to another."""

UPLOAD_OFFSET: Final = "Upload-Offset"
"""How many bytes of a blob the server has."""

LONGEST_WAIT: Final = 30.0
"""Seconds that one request may wait for something to happen: less than what proxies cut off."""


def blobs_address(url: str) -> str:
    """Return what the URLs of the blobs of a server begin with; nothing where there is no server."""
    return f"{url}{BLOBS}" if url else ""


class Problem(Struct, frozen=True, kw_only=True):
    """An error, as it travels.

    Args:
        code: Tells the class of the error; see `core.errors`.
        message: What happened, and to what.
        hint: What to do about it.
    """

    code: str
    message: str
    hint: str | None = None
