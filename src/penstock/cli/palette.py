"""The colours of statuses in pictures: dark text on a light ground, told apart in grey as well by their marks."""

from __future__ import annotations

from typing import Final

from msgspec import Struct


class Colour(Struct, frozen=True):
    """Colours of a box, as `#rrggbb`."""

    fill: str
    stroke: str
    text: str


_GREEN: Final = Colour("#e3f4e6", "#2b8a3e", "#14431f")
_RED: Final = Colour("#fde5e5", "#c92a2a", "#6b1414")
_AMBER: Final = Colour("#fdf1d6", "#b7791f", "#5c3d0d")
_BLUE: Final = Colour("#e2edfb", "#1c6dd0", "#0c3566")
_GREY: Final = Colour("#f3f4f6", "#868e96", "#3b4148")

COLOURS: Final[dict[str, Colour]] = {
    "pending": _GREY,
    "queued": _BLUE,
    "running": _BLUE,
    "completed": _GREEN,
    "cached": _GREEN,
    "failed": _RED,
    "aborted": _AMBER,
    "skipped": _GREY,
}
"""The colours of every status of a step."""
