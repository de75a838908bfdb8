"""A graph as an SVG picture that needs nothing else: no script, no font file, no style sheet.

Names are text in it, never markup.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from penstock.cli.layout import Cell, arrange, centres
from penstock.cli.palette import COLOURS
from penstock.sdk.wording import columns, cut, harmless, labelled

# Pixels.
CHARACTER = 7.3
PADDING = 24
BOX = 44
BETWEEN_ROWS = 46
BETWEEN_BOXES = 26
MARGIN = 20
CAPTION = 30
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
LINE = "#868e96"

LONGEST = 40  # characters of a name that are shown in its box; the rest is in the tooltip


def svg(
    parents: Mapping[str, Sequence[str]], statuses: Mapping[str, str], tooltips: Mapping[str, str], caption: str
) -> str:
    """Return the picture.

    Args:
        parents: The parents of every node.
        statuses: The status of every node.
        tooltips: What is shown where the pointer rests on a node.
        caption: Stands above the picture.
    """
    layers = arrange(parents)
    names = {name: cut(harmless(name), LONGEST) for name in parents}
    texts = {name: (names[name], labelled(statuses[name])) for name in parents}

    def width(cell: Cell) -> int:
        return 2 if cell.passed else int(max(map(columns, texts[cell.node])) * CHARACTER) + PADDING

    centre = {cell: MARGIN + x for cell, x in centres(layers, width, BETWEEN_BOXES).items()}
    right = max((centre[cell] + width(cell) // 2 for cell in centre), default=0)
    total_width = max(right, MARGIN + int(columns(harmless(caption)) * CHARACTER * 1.2)) + MARGIN
    total_height = CAPTION + 2 * MARGIN + max(len(layers.rows) * (BOX + BETWEEN_ROWS) - BETWEEN_ROWS, 0)
    parts = [_head(total_width, total_height), _text(MARGIN, MARGIN + 6, harmless(caption), 14, "#212529", "start")]
    parts += [_line(cell, lower, centre) for cell in centre for lower in layers.below[cell]]
    parts += [_pass(cell, x) for cell, x in centre.items() if cell.passed]
    for cell, x in centre.items():
        if not cell.passed:
            tooltip = tooltips.get(cell.node, cell.node)
            parts.append(_box(cell, x, width(cell), texts[cell.node], (statuses[cell.node], tooltip)))
    return "\n".join([*parts, "</svg>", ""])


def _head(width: int, height: int) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        f' font-family="{FONT}">\n<rect width="100%" height="100%" fill="#ffffff"/>\n'
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        f'<path d="M0 0.5 L8 4 L0 7.5 z" fill="{LINE}"/></marker></defs>'
    )


def _top(cell: Cell) -> int:
    return CAPTION + MARGIN + cell.layer * (BOX + BETWEEN_ROWS)


def _line(upper: Cell, lower: Cell, centre: Mapping[Cell, int]) -> str:
    start, end = _top(upper) + BOX, _top(lower)
    middle = (start + end) // 2
    arrow = "" if lower.passed else ' marker-end="url(#arrow)"'
    return (
        f'<path d="M{centre[upper]} {start} C{centre[upper]} {middle} {centre[lower]} {middle} {centre[lower]} {end}"'
        f' fill="none" stroke="{LINE}" stroke-width="1.5"{arrow}/>'
    )


def _pass(cell: Cell, x: int) -> str:
    return f'<path d="M{x} {_top(cell)} V{_top(cell) + BOX}" stroke="{LINE}" stroke-width="1.5"/>'


def _box(cell: Cell, x: int, width: int, texts: tuple[str, str], shown: tuple[str, str]) -> str:
    status, tooltip = shown
    colour, top = COLOURS[status], _top(cell)
    return (
        f"<g><title>{escape(harmless(tooltip))}</title>"
        f'<rect x="{x - width // 2}" y="{top}" width="{width}" height="{BOX}" rx="7"'
        f' fill="{colour.fill}" stroke="{colour.stroke}" stroke-width="1.5"/>'
        f"{_text(x, top + 19, texts[0], 12, colour.text, 'middle')}"
        f"{_text(x, top + 35, texts[1], 11, colour.text, 'middle')}</g>"
    )


def _text(x: int, y: int, text: str, size: int, colour: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" font-size="{size}" fill="{colour}" text-anchor="{anchor}">{escape(text)}</text>'
