"""A graph as boxes and lines for a terminal, parents above their children.

Between two layers lines that mean the same run together: parents with the same children share one line. All others are
kept apart: each arrives at a port of its own, and where two cross, the level one is interrupted. Lines of one gap that
would overlap get tracks (rows) of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from penstock.cli.layout import Cell, arrange, centres
from penstock.sdk.wording import columns

GAP = 3  # columns between two boxes
BOX = 3  # rows of a box
UP, DOWN, LEFT, RIGHT = 1, 2, 4, 8
UPRIGHT, LEVEL = UP | DOWN, LEFT | RIGHT
LINES = {
    UP: "│",
    DOWN: "│",
    LEFT: "─",
    RIGHT: "─",
    UP | DOWN: "│",
    LEFT | RIGHT: "─",
    DOWN | LEFT: "╮",
    DOWN | RIGHT: "╭",
    UP | LEFT: "╯",
    UP | RIGHT: "╰",
    UP | DOWN | RIGHT: "├",
    UP | DOWN | LEFT: "┤",
    DOWN | LEFT | RIGHT: "┬",
    UP | LEFT | RIGHT: "┴",
    UP | DOWN | LEFT | RIGHT: "┼",
}


class Drawing(Struct, frozen=True):
    """Lines of text, and where in them the label of each node begins: row and position."""

    lines: list[str]
    labels: dict[str, tuple[int, int]]


class Group(Struct, frozen=True):
    """Cells of a layer that are linked to the same cells of the next."""

    above: tuple[Cell, ...]
    below: tuple[Cell, ...]


class Net(Struct, frozen=True):
    """Lines between two layers that hang together.

    Args:
        tops: The columns in which they leave the cells above.
        bottoms: The columns in which they reach the cells below.
    """

    tops: tuple[int, ...]
    bottoms: tuple[int, ...]

    @property
    def is_straight(self) -> bool:
        """Whether it is one upright line."""
        return len(self.tops) == 1 and self.tops == self.bottoms

    @property
    def span(self) -> tuple[int, int]:
        """Its leftmost and rightmost column."""
        return min(*self.tops, *self.bottoms), max(*self.tops, *self.bottoms)


def draw(parents: Mapping[str, Sequence[str]], labels: Mapping[str, str], width: int) -> Drawing | None:
    """Draw a graph without cycles; return None when it is wider than `width` columns.

    Args:
        parents: The parents of every node.
        labels: What stands in the box of each.
    """
    layers = arrange(parents)
    gaps = [group(row, layers.below) for row in layers.rows]
    arriving = Counter(cell for gap in gaps for one in gap for cell in one.below)
    widths = {cell: _width(cell, labels, arriving[cell]) for row in layers.rows for cell in row}
    if any(sum(widths[cell] + GAP for cell in row) - GAP > width for row in layers.rows):
        return None
    centre = centres(layers, widths.__getitem__, GAP)
    if max((centre[cell] + widths[cell] // 2 for cell in centre), default=0) >= width:
        return None
    canvas = _Canvas()
    for row, gap in zip(layers.rows, gaps, strict=True):
        for cell in row:
            if not cell.passed:
                canvas.box(cell.node, labels[cell.node], centre[cell] - widths[cell] // 2, widths[cell])
        canvas.row += BOX
        if gap:
            _wire(canvas, gap, centre)
    return canvas.drawing()


def group(row: Iterable[Cell], below: Mapping[Cell, Sequence[Cell]]) -> list[Group]:
    """Return the cells of a layer in groups with the same cells below; those with none are left out."""
    found: dict[frozenset[Cell], list[Cell]] = {}
    for cell in row:
        if below[cell]:
            found.setdefault(frozenset(below[cell]), []).append(cell)
    return [Group(tuple(cells), tuple(below[cells[0]])) for cells in found.values()]


def tracks(nets: Sequence[Net]) -> list[int] | None:
    """Return the row in which each net runs level, so that no two overlap; None when there is no such choice.

    A net that leaves a box right above the place where another arrives has to turn away before that one comes.
    """
    arrives = {column: index for index, net in enumerate(nets) for column in net.bottoms}
    later: dict[int, set[int]] = {index: set() for index in range(len(nets))}
    waiting = [0] * len(nets)
    for index, net in enumerate(nets):
        for other in {arrives[column] for column in net.tops if column in arrives} - {index}:
            later[index].add(other)
            waiting[other] += 1
    chosen: list[int] = [0] * len(nets)
    taken: list[tuple[int, int, int]] = []
    ready = [index for index, count in enumerate(waiting) if not count]
    for index in ready:  # grows while it is read
        if not nets[index].is_straight:
            chosen[index] = _free_row(nets[index], chosen[index], taken)
        for other in later[index]:
            chosen[other] = max(chosen[other], chosen[index] + 1)
            waiting[other] -= 1
            if not waiting[other]:
                ready.append(other)
    return chosen if len(ready) == len(nets) else None


def _free_row(net: Net, row: int, taken: list[tuple[int, int, int]]) -> int:
    """Return the first row from this one on in which nothing is in the net's way, and take it."""
    left, right = net.span
    blocked = {one for one, start, end in taken if start <= right + 1 and end >= left - 1}
    while row in blocked:
        row += 1
    taken.append((row, left, right))
    return row


def _width(cell: Cell, labels: Mapping[str, str], arriving: int) -> int:
    return 1 if cell.passed else max(columns(labels[cell.node]) + 4, 2 * arriving + 3)


def _wire(canvas: _Canvas, gap: Sequence[Group], centre: Mapping[Cell, int]) -> None:
    """Draw the lines between the layer above the canvas's row and the next."""
    nets = _nets(gap, centre, aside=0)
    rows = tracks(nets)
    if rows is None:  # lines come in one column off the middle, where none leaves
        nets = _nets(gap, centre, aside=1)
        rows = tracks(nets) or [0] * len(nets)
    height = max(rows) + 1
    for number, (net, row) in enumerate(zip(nets, rows, strict=True)):
        owner = f"{canvas.row}:{number}"
        for column in net.tops:
            canvas.add(-1, column, DOWN, "")
            canvas.upright(column, 0, height if net.is_straight else row, owner)
        for column in net.bottoms:
            canvas.add(height, column, UP, "")
            if not net.is_straight:
                canvas.upright(column, row + 1, height, owner)
        if not net.is_straight:
            canvas.level(row, net, owner)
    for one in gap:
        for cell, column in zip(one.below, nets[gap.index(one)].bottoms, strict=True):
            if cell.passed:
                canvas.through(height, column, centre[cell])
    canvas.row += height


def _nets(gap: Sequence[Group], centre: Mapping[Cell, int], *, aside: int) -> list[Net]:
    """Return the nets of the groups: each arrives at a cell in a column of its own, the leftmost group leftmost."""
    arriving: dict[Cell, list[int]] = {}
    middle = [sum(centre[cell] for cell in one.above) / len(one.above) for one in gap]
    for number in sorted(range(len(gap)), key=middle.__getitem__):
        for cell in gap[number].below:
            arriving.setdefault(cell, []).append(number)

    def port(cell: Cell, number: int) -> int:
        count = len(arriving[cell])
        return centre[cell] + 2 * arriving[cell].index(number) - (count - 1) + (aside if count % 2 else 0)

    return [
        Net(tuple(centre[cell] for cell in one.above), tuple(port(cell, number) for cell in one.below))
        for number, one in enumerate(gap)
    ]


class _Canvas:
    """Characters in rows and columns. Places are given from `row` on, which moves down as the drawing grows."""

    def __init__(self) -> None:
        self.row = 0
        self._lines: dict[tuple[int, int], dict[str, int]] = {}
        self._texts: dict[tuple[int, int], str] = {}
        self._labels: dict[str, tuple[int, int]] = {}

    def add(self, row: int, column: int, directions: int, owner: str) -> None:
        """Let the line that passes here go on in these directions. Lines of two owners cross without touching."""
        place = self._lines.setdefault((self.row + row, column), {})
        place[owner] = place.get(owner, 0) | directions

    def upright(self, column: int, start: int, end: int, owner: str) -> None:
        for row in range(start, end):
            self.add(row, column, UPRIGHT, owner)

    def level(self, row: int, net: Net, owner: str) -> None:
        left, right = net.span
        for column in range(left, right + 1):
            self.add(row, column, (LEFT if column > left else 0) | (RIGHT if column < right else 0), owner)
        for column in net.tops:
            self.add(row, column, UP, owner)
        for column in net.bottoms:
            self.add(row, column, DOWN, owner)

    def through(self, row: int, entry: int, leaving: int) -> None:
        """Draw the line through a layer, from the column where it comes in to the one where it goes on."""
        if entry == leaving:
            self.upright(entry, row, row + BOX, "")
            return
        self.add(row, entry, UPRIGHT, "")
        self.add(row + 1, entry, UP | LEFT, "")
        self.add(row + 1, leaving, RIGHT | DOWN, "")
        self.add(row + 2, leaving, UPRIGHT, "")

    def box(self, node: str, label: str, left: int, width: int) -> None:
        right = left + width - 1
        for row, side in ((0, DOWN), (BOX - 1, UP)):
            for column in range(left, right + 1):
                self.add(row, column, LEVEL if left < column < right else side, "")
            self.add(row, left, RIGHT, "")
            self.add(row, right, LEFT, "")
        self.upright(left, 1, BOX - 1, "")
        self.upright(right, 1, BOX - 1, "")
        indent = left + (width - columns(label)) // 2
        self._texts[self.row + 1, indent] = label
        self._labels[node] = (self.row + 1, indent)

    def drawing(self) -> Drawing:
        """Return what was drawn."""
        rows: list[list[str]] = [[] for _ in range(self.row)]
        for (row, column), owners in sorted(self._lines.items()):
            upright = max(owners.values(), key=lambda bits: bits & UPRIGHT)
            _put(rows[row], column, LINES[upright])
        labels: dict[str, tuple[int, int]] = {}
        for (row, column), text in sorted(self._texts.items(), reverse=True):
            _put(rows[row], column, text)
            rows[row][column + 1 : column + columns(text)] = [""] * (columns(text) - 1)
        margin = min((column for _, column in self._lines), default=0)
        for node, (row, column) in self._labels.items():
            labels[node] = (row, len("".join(rows[row][margin:column])))
        return Drawing(["".join(row[margin:]) for row in rows], labels)


def _put(row: list[str], column: int, text: str) -> None:
    row.extend(" " * (column + 1 - len(row)))
    row[column] = text
