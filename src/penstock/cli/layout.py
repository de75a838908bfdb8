"""Where the nodes of a directed graph go in a drawing of layers: a parent always lies above its children.

    layers      every node lies one below its deepest parent; roots lie just above the first that needs them
    tracks      an edge over several layers passes through one unseen cell in each layer between; the edges of one
                parent share these cells
    order       within a layer the cells are sorted so that few edges cross
    centres     the cells of a layer are moved as near to their neighbours above and below as their widths allow

Pure and in numbers without a unit: columns of a terminal and pixels come out of the same code. Nothing here draws.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

SORTING_ROUNDS = 6
CENTRING_ROUNDS = 8
GRID = 2  # centres are multiples of this


class Cell(Struct, frozen=True, order=True):
    """A place in a layer: a node's own, or one through which its edges to deeper layers pass.

    Args:
        layer: 0 for the topmost.
        node: Name of the node; of a place that is passed through, the parent whose edges pass.
        passed: Whether edges pass through here, and the node itself lies above.
    """

    layer: int
    node: str
    passed: bool = False


class Layers(Struct, frozen=True):
    """A graph in layers.

    Args:
        rows: The cells of each layer, from left to right.
        below: The cells of the next layer that a cell is linked to.
        above: The same in the other direction.
    """

    rows: list[list[Cell]]
    below: dict[Cell, list[Cell]]
    above: dict[Cell, list[Cell]]


def arrange(parents: Mapping[str, Sequence[str]]) -> Layers:
    """Put a graph without cycles in layers and sort each.

    Args:
        parents: The parents of every node; nodes come out in about this order where nothing else decides.
    """
    depth = _depths(parents)
    below: dict[Cell, list[Cell]] = {}
    above: dict[Cell, list[Cell]] = {Cell(depth[name], name): [] for name in parents}
    for name in parents:
        for parent in parents[name]:
            upper = Cell(depth[parent], parent)
            for layer in range(depth[parent] + 1, depth[name] + 1):
                lower = Cell(layer, name) if layer == depth[name] else Cell(layer, parent, passed=True)
                if not (lower.passed and above.get(lower)):
                    above.setdefault(lower, []).append(upper)
                    below.setdefault(upper, []).append(lower)
                upper = lower
    rows: list[list[Cell]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for cell in above:
        below.setdefault(cell, [])
        rows[cell.layer].append(cell)
    return Layers(_sorted(rows, above, below), below, above)


def centres(layers: Layers, width: Callable[[Cell], int], gap: int) -> dict[Cell, int]:
    """Return the centre of every cell, a multiple of GRID; the leftmost cell begins at 0 or just right of it.

    Args:
        width: The width of a cell.
        gap: The least distance between two cells of a layer.
    """
    found: dict[Cell, float] = {}
    apart = {id(row): _distances(row, width, gap) for row in layers.rows}
    for row in layers.rows:
        found |= zip(row, _spread([0.0] * len(row), apart[id(row)]), strict=True)
    for _ in range(CENTRING_ROUNDS):
        _pull(reversed(layers.rows[:-1]), layers.below, apart, found)
        _pull(layers.rows[1:], layers.above, apart, found)
    _pull(reversed(layers.rows[:-1]), layers.below, apart, found)
    whole = {cell: _on_grid(found[cell]) for cell in (layers.rows[0] if layers.rows else [])}
    for row in layers.rows[1:]:
        wanted = [_mean([whole[cell] for cell in layers.above[one]], found[one]) for one in row]
        whole |= zip(row, map(_on_grid, _spread(wanted, apart[id(row)])), strict=True)
    left = min((whole[cell] - width(cell) // 2 for cell in whole), default=0)
    return {cell: centre - left + left % GRID for cell, centre in whole.items()}


def parents_first(parents: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the nodes of a graph without cycles, every parent before its children."""
    children: dict[str, list[str]] = {name: [] for name in parents}
    waiting = {name: len(parents[name]) for name in parents}
    for name in parents:
        for parent in parents[name]:
            children[parent].append(name)
    found = [name for name, count in waiting.items() if not count]
    for name in found:  # grows while it is read
        for child in children[name]:
            waiting[child] -= 1
            if not waiting[child]:
                found.append(child)
    return found


def crossings(pairs: Sequence[tuple[int, int]]) -> int:
    """Return how many of the links between two layers cross; a link is the positions of its two ends."""
    seen: list[int] = []
    count = 0
    for _, lower in sorted(pairs):
        count += len(seen) - bisect_left(seen, lower + 1)
        insort(seen, lower)
    return count


def _depths(parents: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return the layer of every node."""
    depth: dict[str, int] = {}
    highest_child: dict[str, int] = {}
    for name in parents_first(parents):
        depth[name] = max((depth[parent] + 1 for parent in parents[name]), default=0)
        for parent in parents[name]:
            highest_child[parent] = min(highest_child.get(parent, depth[name]), depth[name])
    return depth | {name: highest_child[name] - 1 for name in parents if not parents[name] and name in highest_child}


def _sorted(
    rows: list[list[Cell]], above: Mapping[Cell, list[Cell]], below: Mapping[Cell, list[Cell]]
) -> list[list[Cell]]:
    """Sort every row by the mean position of what its cells are linked to, downwards and upwards; keep the best."""
    best, fewest = rows, _count(rows, below)
    for turn in range(SORTING_ROUNDS):
        if not fewest:
            break
        links, order = (above, rows[1:]) if turn % 2 == 0 else (below, rows[-2::-1])
        position = {cell: index for row in rows for index, cell in enumerate(row)}
        changed = {id(row): row for row in rows}
        for row in order:
            key = {cell: _mean([position[one] for one in links[cell]], position[cell]) for cell in row}
            changed[id(row)] = sorted(row, key=key.__getitem__)
            position |= {cell: index for index, cell in enumerate(changed[id(row)])}
        rows = [changed[id(row)] for row in rows]
        if (count := _count(rows, below)) < fewest:
            best, fewest = rows, count
    return best


def _count(rows: Sequence[Sequence[Cell]], below: Mapping[Cell, list[Cell]]) -> int:
    total = 0
    for upper, lower in pairwise(rows):
        position = {cell: index for index, cell in enumerate(lower)}
        total += crossings([(index, position[one]) for index, cell in enumerate(upper) for one in below[cell]])
    return total


def _pull(
    rows: Iterable[list[Cell]],
    links: Mapping[Cell, list[Cell]],
    apart: Mapping[int, list[int]],
    found: dict[Cell, float],
) -> None:
    """Move the cells of each row towards what they are linked to."""
    for row in rows:
        wanted = [_mean([found[one] for one in links[cell]], found[cell]) for cell in row]
        found |= zip(row, _spread(wanted, apart[id(row)]), strict=True)


def _distances(row: Sequence[Cell], width: Callable[[Cell], int], gap: int) -> list[int]:
    """Return how far apart the centres of neighbours must be at least: multiples of GRID."""
    return [-(-((width(one) + width(two) + 1) // 2 + gap) // GRID) * GRID for one, two in pairwise(row)]


def _spread(wanted: Sequence[float], apart: Sequence[int]) -> list[float]:
    """Return the positions nearest to those wanted (least squares) that keep their order and distances.

    Cells that would come too near to each other form a block, which moves to where its cells want it on the average.
    """
    offsets = [0]
    for distance in apart:
        offsets.append(offsets[-1] + distance)
    blocks: list[tuple[float, int]] = []  # sum of what the cells want, without their offsets, and how many they are
    for want, offset in zip(wanted, offsets, strict=False):
        total, count = want - offset, 1
        while blocks and blocks[-1][0] * count >= total * blocks[-1][1]:
            before = blocks.pop()
            total, count = total + before[0], count + before[1]
        blocks.append((total, count))
    places = [total / count for total, count in blocks for _ in range(count)]
    return [place + offset for place, offset in zip(places, offsets, strict=False)]


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _on_grid(value: float) -> int:
    return int((value / GRID + 0.5) // 1) * GRID
