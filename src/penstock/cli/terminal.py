"""Tables and coloured text on standard output, by Rich. Imported by commands that draw, when they do.

Everything that people named or printed passes `penstock.sdk.wording.harmless` and goes into `Text`, which knows no
markup. Where standard output is no terminal nothing is cut and nothing is coloured.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from penstock.sdk.wording import STYLES, harmless, labelled

ENDLESS = 100_000  # columns: where nobody looks, nothing is cut


def console() -> Console:
    """Return the console of standard output."""
    width = None if sys.stdout.isatty() else ENDLESS
    return Console(file=sys.stdout, width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)


def table(*names: str) -> Table:
    """Return a table with these columns.

    Args:
        names: `~NAME` is cut where the terminal is too narrow, the widest first; `>NAME` is for numbers.
    """
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in names:
        justify: Literal["left", "right"] = "right" if name.startswith(">") else "left"
        header = Text(name.lstrip(">~"), no_wrap=True, overflow="ellipsis")
        made.add_column(header, justify=justify, no_wrap=not name.startswith("~"), overflow="ellipsis")
    return made


def plain(text: str, style: str = "") -> Text:
    """Return somebody's text."""
    return Text(harmless(text), style=style, no_wrap=True, overflow="ellipsis")


def status(word: str) -> Text:
    """Return a status with its mark and colour."""
    return Text(labelled(word), style=STYLES.get(word, ""), no_wrap=True)


def facts(pairs: Sequence[tuple[str, str | Text]]) -> Table:
    """Return names and values below each other, without those that have no value."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in pairs:
        if not value:
            continue
        made.add_row(name, value if isinstance(value, Text) else Text(harmless(value)))
    return made
