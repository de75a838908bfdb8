"""A graph as Mermaid text, which many Markdown viewers draw. Names are data in it and never syntax or HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from penstock.cli.palette import COLOURS
from penstock.sdk.wording import GLYPHS, harmless

_SYNTAX = re.compile(r"[!-',/:-@\[-^`{-~]")  # all punctuation of ASCII but ( ) * + - . _


def mermaid(parents: Mapping[str, Sequence[str]], statuses: Mapping[str, str]) -> str:
    """Return the text of a flow chart.

    Args:
        parents: The parents of every node.
        statuses: The status of every node.
    """
    ids = {name: f"s{index}" for index, name in enumerate(parents)}
    lines = ["flowchart TD"]
    for name in parents:
        status = statuses[name]
        lines.append(f'    {ids[name]}["{GLYPHS[status]} {_escaped(name)}"]:::{status}')
    lines += [f"    {ids[parent]} --> {ids[name]}" for name in parents for parent in parents[name]]
    for status in dict.fromkeys(statuses.values()):
        colour = COLOURS[status]
        lines.append(f"    classDef {status} fill:{colour.fill},stroke:{colour.stroke},color:{colour.text}")
    return "\n".join(lines) + "\n"


def _escaped(name: str) -> str:
    return _SYNTAX.sub(lambda match: f"#{ord(match.group())};", harmless(name))
