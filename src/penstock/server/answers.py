"""What is answered: a value in the form that the client reads, or an error with its status. Never a trace."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from starlette.responses import Response

from penstock.backend.protocol import JSON, MSGPACK, Problem
from penstock.core.errors import (
    ArtifactError,
    Conflict,
    DiskFull,
    Forbidden,
    Invalid,
    NotFound,
    PenstockError,
    StoreBusy,
    TooManyAttempts,
    Unauthenticated,
)

log = logging.getLogger("penstock.server")

# The first that fits counts.
STATUSES: Final[tuple[tuple[type[PenstockError], int], ...]] = (
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (Invalid, 422),
    (ArtifactError, 422),
    (TooManyAttempts, 429),
    (StoreBusy, 503),
    (DiskFull, 507),
)
UNEXPECTED: Final = 500


class Refused(Exception):
    """A request that is not let through, with the status that says so.

    Args:
        status: The status of the answer.
        problem: What the client is told.
        headers: Sent beside it.
    """

    def __init__(self, status: int, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(problem.message)
        self.status = status
        self.problem = problem
        self.headers = dict(headers or {})


def refuse(status: int, code: str, message: str, hint: str | None = None, **headers: str) -> Refused:
    """Return the refusal; underscores in the names of headers stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Refused(status, Problem(code=code, message=message, hint=hint), named)


def packed(accept: str) -> bool:
    """Return whether a client that accepts this reads MessagePack."""
    return MSGPACK in accept


def answer(value: Any, *, accept: str = "", status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response with a value in the form that the client accepts."""
    is_packed = packed(accept)
    body = msgspec.msgpack.encode(value) if is_packed else msgspec.json.encode(value)
    return Response(body, status, headers, MSGPACK if is_packed else JSON)


def problem(error: BaseException, accept: str = "") -> Response:
    """Return the response that tells of an error. One that nobody expected is logged, and told by a number alone."""
    if isinstance(error, Refused):
        return answer(error.problem, accept=accept, status=error.status, headers=error.headers)
    if isinstance(error, PenstockError):
        status = next((status for kind, status in STATUSES if isinstance(error, kind)), UNEXPECTED)
        told = Problem(code=error.code, message=_sendable(error.message), hint=error.hint and _sendable(error.hint))
        wait = "1" if isinstance(error, StoreBusy) else "60" if isinstance(error, TooManyAttempts) else ""
        headers = {"Retry-After": wait} if wait else {}
        return answer(told, accept=accept, status=status, headers=headers)
    number = secrets.token_hex(4)
    log.error("error %s", number, exc_info=error)
    message = f"the server met an error that it did not expect: number {number}"
    told = Problem(code="error", message=message, hint="the server's log tells what happened, under this number")
    return answer(told, accept=accept, status=UNEXPECTED)


def _sendable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
