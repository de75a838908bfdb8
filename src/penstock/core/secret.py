"""A text that nobody sees by accident, in a log, an error, a traceback or a table; who needs it asks for `.text`."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

MASK = "********"


class Secret(Struct, frozen=True):
    """A password, or the secret part of a key or a session.

    It travels as what it is, or the other side could not check it; whoever shows it shows a mask.

    Args:
        text: The secret itself.
    """

    text: str

    def __bool__(self) -> bool:
        return bool(self.text)

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __rich_repr__(self) -> list[tuple[str, Any]]:  # what Rich prints of a struct, otherwise with its fields
        return [("text", MASK)]
