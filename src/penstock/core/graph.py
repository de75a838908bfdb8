"""The graph that steps form: who waits for whom. It knows names and parents, and nothing else of a step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Protocol, TypeVar

from penstock.core.errors import BadPipeline
from penstock.core.names import did_you_mean


class Child(Protocol):
    """Something with a name that waits for others."""

    @property
    def name(self) -> str: ...
    @property
    def parents(self) -> tuple[str, ...]: ...


Named = TypeVar("Named", bound=Child)


def by_name(nodes: Iterable[Named]) -> dict[str, Named]:
    """Return the nodes by name; raise BadPipeline when two share one."""
    found: dict[str, Named] = {}
    for node in nodes:
        if node.name in found:
            raise BadPipeline(f"two steps are named {node.name!r}", hint="give each step a name of its own")
        found[node.name] = node
    return found


def children(nodes: Mapping[str, Child]) -> dict[str, list[str]]:
    """Return the children of each node; raise BadPipeline when a parent is not there."""
    found: dict[str, list[str]] = {name: [] for name in nodes}
    for node in nodes.values():
        for parent in node.parents:
            if parent not in found:
                known = [name for name in nodes if name != node.name]
                hint = did_you_mean(parent, known, "the pipeline has no other step")
                raise BadPipeline(f"step {node.name!r} names an unknown parent {parent!r}", hint=hint)
            found[parent].append(node.name)
    return found


def refuse_cycles(nodes: Mapping[str, Child], children: Mapping[str, list[str]], waiting: dict[str, int]) -> None:
    """Settle all steps on paper, counting `waiting` down; those that never become ready are on a cycle or below one."""
    ready = [name for name, count in waiting.items() if not count]
    while ready:
        for child in children[ready.pop()]:
            waiting[child] -= 1
            if not waiting[child]:
                ready.append(child)
    stuck = {name: nodes[name].parents for name, count in waiting.items() if count}
    try:
        TopologicalSorter(stuck).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1]  # in the order the steps would run, the first one again at the end
        hint = "each of these waits for the one before it: take one out of the parents of the next"
        raise BadPipeline(f"the steps form a cycle: {' -> '.join(cycle)}", hint=hint) from None
