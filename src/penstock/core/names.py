"""Names: the nearest one to a misspelt one, for error messages."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that looks most like `name`, or None when none does."""
    found = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """Return a hint: the nearest known name; else the known names; else `otherwise` when there are none."""
    known = list(known)
    if match := nearest(name, known):
        return f"did you mean {match!r}?"
    if known:
        shown = ", ".join(repr(one) for one in known[:10])
        return f"known: {shown}{', ...' if len(known) > 10 else ''}"  # noqa: PLR2004 - ten names fit on a line
    return otherwise
