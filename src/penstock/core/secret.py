"""A text that nobody sees by accident, in a log, an error, a traceback or a table; who needs it asks for `.text`.

Where a secret is a parameter, a seal stands for it in everything that is recorded: a mask with a keyed digest. Equal
secrets have equal seals, and who has only a seal has nothing. The process that needs the secret opens the seal.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from msgspec import Struct

MASK = "********"
SECRET = "secret"  # noqa: S105 - the name of a type
"""The type of parameters whose values are kept apart."""
SHORTEST = 6
"""Characters of a secret, or of a line of one, that is masked where it was printed; a shorter one may be any word."""

_SEAL = re.compile(r"\*{8}-[0-9a-f]{16}")


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


Secrets = Mapping[str, Secret]
"""Secrets by their seals."""


def seal(text: str, key: str) -> str:
    """Return the seal of a secret: without the key nobody can try out which secret it may be that of."""
    digest = hmac.digest(key.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return f"{MASK}-{digest.hex()[:16]}"


def is_seal(value: object) -> bool:
    """Return whether the value is a seal, and nothing beside it."""
    return isinstance(value, str) and _SEAL.fullmatch(value) is not None


def is_masked(value: object) -> bool:
    """Return whether the value shows nothing of a secret: a seal, or the bare mask."""
    return value == MASK or is_seal(value)


def seals(value: object) -> set[str]:
    """Return the seals in a plain value, however deep in lists and dicts.

    Every step's arguments are looked through, and may be long: as one text that takes a tenth of walking them.
    """
    return set(_SEAL.findall(json.dumps(value, default=_nothing, skipkeys=True)))


def opened(value: object, secrets: Secrets) -> object:
    """Return a plain value with the secrets in the place of their seals; what is no plain value stays as it is."""
    if not secrets:
        return value
    if isinstance(value, str):
        return _SEAL.sub(lambda found: secrets[found[0]].text if found[0] in secrets else found[0], value)
    kind = type(value)
    if kind is list or kind is tuple:
        items = [opened(one, secrets) for one in cast("Iterable[object]", value)]
        return items if kind is list else tuple(items)
    if kind is dict:
        return {opened(key, secrets): opened(one, secrets) for key, one in cast("dict[object, object]", value).items()}
    return value


def hidden(text: str, secrets: Secrets) -> str:
    """Return a text that somebody printed, with a mask in the place of each secret, or line of one, in it."""
    for one in secrets.values():
        for line in one.text.splitlines():
            if len(line) >= SHORTEST and line in text:
                text = text.replace(line, MASK)
    return text


def _nothing(value: object) -> None:
    """Stand for what is no plain value: it holds no seal."""
    _ = value
