"""In which items two small JSON texts differ, for sentences about inputs that have other content.

It looks at texts alone, and must never know where they come from or what is said of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final, cast

from msgspec import Struct

LARGEST: Final = 4096  # bytes of a text that is kept to be compared
_MISSING: Final = object()  # None is a value


class Item(Struct, frozen=True):
    """One item that differs.

    Args:
        path: Where it is, as Python writes it: `['rates'][3]`; empty for the whole.
        now, before: What it is in the two texts, as Python writes it; None where it is not there.
    """

    path: str
    now: str | None
    before: str | None


def differing(now: str, before: str) -> list[Item]:
    """Return the items that differ, in their order; none when the texts cannot be read, or differ in order alone.

    `1`, `1.0`, `True` and `'1'` are four values, here as in cache keys.
    """
    try:
        return list(_compare(json.loads(now), json.loads(before)))
    except (ValueError, RecursionError):
        return []


def _compare(now: object, before: object, path: str = "") -> Iterator[Item]:
    new, old = _inside(now), _inside(before)
    if new is not None and old is not None and type(now) is type(before):
        for name in {**new, **old}:
            yield from _compare(new.get(name, _MISSING), old.get(name, _MISSING), f"{path}[{name!r}]")
    elif repr(now) != repr(before):
        yield Item(path, _text(now), _text(before))


def _inside(value: object) -> dict[object, object] | None:
    """Return the items of a list or dict, each under what stands for it in brackets; None for other values."""
    if isinstance(value, list):
        return dict(enumerate(cast("list[object]", value)))
    return cast("dict[object, object]", value) if isinstance(value, dict) else None


def _text(value: object) -> str | None:
    return None if value is _MISSING else repr(value)
