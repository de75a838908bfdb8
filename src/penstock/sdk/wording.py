"""How statuses, times, sizes and other people's texts are written for a person at a terminal.

Pure functions: nothing here prints, knows a colour library or asks what time it is.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from penstock.core.steering import unsteered

GLYPHS: Final[dict[str, str]] = {
    "created": "○",
    "queued": "◌",
    "in_progress": "●",
    "stopped": "■",
    "failed": "✗",
    "completed": "✓",
    "published": "★",
    "pending": "○",
    "running": "●",
    "cached": "≡",
    "aborted": "■",
    "skipped": "»",
}
"""A mark of one column for every status of a task or a step."""

STYLES: Final[dict[str, str]] = {
    "created": "dim",
    "queued": "cyan",
    "in_progress": "blue",
    "stopped": "yellow",
    "failed": "red",
    "completed": "green",
    "published": "green",
    "pending": "dim",
    "running": "blue",
    "cached": "green",
    "aborted": "yellow",
    "skipped": "dim",
}
"""The colour of every status, in words of Rich. A colour never says what the word beside it does not."""

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

_PLAIN: Final = re.compile(r"[\x20-\x7e]*")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # controls, invisible marks, lone surrogates, line breaks
_WITHOUT_WIDTH: Final = frozenset({"Mn", "Me", "Cf"})
_JOINING: Final = frozenset("\u200c\u200d")  # invisible, but part of how words and emoji are written


def columns(text: str) -> int:
    """Return how many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(one) in {"W", "F"} for one in text)
    return len(text) + wide - sum(unicodedata.category(one) in _WITHOUT_WIDTH for one in text)


def cut(text: str, most: int) -> str:
    """Return the text in at most this many columns, with an ellipsis where something is left out."""
    if columns(text) <= most:
        return text
    kept = ""
    for character in text:
        if columns(kept + character) >= most:
            break
        kept += character
    return kept + "…"


def labelled(status: str) -> str:
    """Return a status with its mark before it."""
    return f"{GLYPHS.get(status, '?')} {status}"


def harmless(text: str) -> str:
    """Return a text of one line that does nothing to a terminal: colours go, other control characters are spelt out."""
    if _PLAIN.fullmatch(text):
        return text
    return unsteered(text).replace("\t", "    ").translate(_spelling)


def harmless_lines(text: str) -> list[str]:
    """Return the lines of a text, each harmless."""
    return [harmless(line) for line in text.split("\n")]


def first_line(text: str) -> str:
    """Return the first line of a text that says something, harmless."""
    return next((harmless(line.strip()) for line in text.splitlines() if line.strip()), "")


def duration(seconds: float) -> str:
    """Return a length of time, in at most two units."""
    seconds = max(seconds, 0.0)
    if seconds < 0.0995:  # noqa: PLR2004 - below, two digits after the point would be rounded to none
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.995:  # noqa: PLR2004 - likewise
        return f"{seconds:.2f} s"
    if seconds < MINUTE - 0.05:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE:02} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE:02} min"
    return f"{whole // DAY} d {whole % DAY // HOUR:02} h"


def age(seconds: float) -> str:
    """Return how long ago something was."""
    if seconds < 5:  # noqa: PLR2004 - what is that new needs no number
        return "just now"
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= unit:
            return f"{int(seconds // unit)} {name} ago"
    return f"{int(seconds)} s ago"


def size(count: int) -> str:
    """Return a number of bytes in decimal units, as disks are sold."""
    amount, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    while amount >= 999.5 and len(units) > 1:  # noqa: PLR2004 - 999.5 is shown as 1.0 of the next unit
        amount /= 1000
        units.pop(0)
    return f"{amount:.0f} {units[0]}" if amount >= 100 or units[0] == "B" else f"{amount:.1f} {units[0]}"  # noqa: PLR2004 - three digits are enough


def number(value: float | None) -> str:
    """Return a measured number in six digits at most."""
    return "nan" if value is None else f"{value:.6g}"


def count(amount: int, thing: str) -> str:
    """Return a number of things: `1 step`, `1,200 steps`."""
    return f"{amount:,} {thing}" if amount == 1 else f"{amount:,} {thing}s"


class _Spelling(dict[int, str]):
    """How each character is shown, found out when it comes for the first time: a long line is translated by C code."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        seen = character in _JOINING or unicodedata.category(character) not in _UNSEEN
        return self.setdefault(code, character if seen else character.encode("unicode_escape").decode("ascii"))


_spelling = _Spelling()
