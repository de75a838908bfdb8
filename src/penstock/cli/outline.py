"""A graph as an indented list, for graphs too wide to be drawn: every node once, below the last of its parents.

    prepare
    ├─ train_1
    │  score_1
    └─ train_2
       score_2
       compare    after score_1, score_2

What stands in the same column right below another node is its child; branches are drawn only where there are several.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

NAMED = 3  # parents that are named behind a node


class Entry(Struct, frozen=True):
    """A line of the list.

    Args:
        prefix: The branches before the node.
        after: What to say of its parents; empty when its place says it all.
    """

    node: str
    prefix: str
    after: str = ""


def outline(parents: Mapping[str, Sequence[str]]) -> list[Entry]:
    """Return the lines of the list for a graph without cycles."""
    children: dict[str, list[str]] = {name: [] for name in parents}
    for name in parents:
        for parent in parents[name]:
            children[parent].append(name)
    missing = {name: len(parents[name]) for name in parents}  # parents that do not stand in the list yet
    lines: list[Entry] = []
    waiting = _branches([name for name in parents if not parents[name]], "")
    while waiting:
        name, prefix, indent = waiting.pop()
        lines.append(Entry(name, prefix, _after(parents[name])))
        for child in children[name]:
            missing[child] -= 1
        waiting += _branches([child for child in children[name] if not missing[child]], indent)
    return lines


def _branches(nodes: Sequence[str], indent: str) -> list[tuple[str, str, str]]:
    """Return nodes of one parent, last first, with what stands before each and what before its own children."""
    if len(nodes) == 1:
        return [(nodes[0], indent, indent)]
    middle = [(name, f"{indent}├─ ", f"{indent}│  ") for name in nodes[:-1]]
    last = [(name, f"{indent}└─ ", f"{indent}   ") for name in nodes[-1:]]
    return [*last, *reversed(middle)]


def _after(parents: Sequence[str]) -> str:
    if len(parents) < 2:  # noqa: PLR2004 - one parent is the one above
        return ""
    rest = f" and {len(parents) - NAMED} more" if len(parents) > NAMED else ""
    return f"after {', '.join(parents[:NAMED])}{rest}"
