"""The graph that steps form; what the planner makes of it is tested with the planner."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from penstock.core.errors import BadPipeline
from penstock.core.graph import by_name, children, refuse_cycles


class Knot(Struct, frozen=True):
    """No step at all: the graph knows names and parents, and nothing else."""

    name: str
    parents: tuple[str, ...] = ()


def check(*nodes: Knot) -> dict[str, list[str]]:
    """Return the children of each node, once the nodes are known to form a graph without cycles."""
    named = by_name(nodes)
    below = children(named)
    refuse_cycles(named, below, {node.name: len(node.parents) for node in nodes})
    return below


def test_nodes_keep_their_order() -> None:
    nodes = [Knot("b"), Knot("a"), Knot("c", ("a",))]
    assert list(by_name(nodes).values()) == nodes
    assert list(check(*nodes)) == ["b", "a", "c"]


def test_children_are_parents_read_backwards_in_the_order_of_the_nodes() -> None:
    assert check(Knot("d", ("b", "a")), Knot("a"), Knot("b", ("a",)), Knot("c", ("a", "a"))) == {
        "a": ["d", "b", "c", "c"],
        "b": ["d"],
        "c": [],
        "d": [],
    }


def test_no_nodes_are_a_graph() -> None:
    assert check() == {}


def test_two_nodes_of_one_name_are_refused_by_name() -> None:
    with pytest.raises(BadPipeline, match="two steps are named 'a'") as caught:
        by_name([Knot("a"), Knot("b"), Knot("a", ("b",))])
    assert caught.value.hint == "give each step a name of its own"


def test_an_unknown_parent_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(BadPipeline, match="step 'score' names an unknown parent 'trian'") as caught:
        check(Knot("train"), Knot("score", ("trian",)))
    assert caught.value.hint == "did you mean 'train'?"


def test_the_step_itself_is_not_offered_as_its_parent() -> None:
    with pytest.raises(BadPipeline, match="unknown parent 'trains'") as caught:
        check(Knot("train", ("trains",)))
    assert caught.value.hint == "the pipeline has no other step"


@pytest.mark.parametrize(
    ("nodes", "cycle"),
    [
        ([Knot("a", ("a",))], "a -> a"),
        ([Knot("above"), Knot("a", ("above", "b")), Knot("b", ("a",)), Knot("below", ("b",))], "a -> b -> a"),
    ],
)
def test_a_cycle_is_printed_in_the_order_in_which_its_steps_would_run(nodes: list[Knot], cycle: str) -> None:
    with pytest.raises(BadPipeline) as caught:
        check(*nodes)
    assert caught.value.message == f"the steps form a cycle: {cycle}"


@given(st.integers(1, 12), st.randoms(use_true_random=False), st.booleans())
def test_a_graph_is_refused_exactly_when_somebody_waits_for_itself(size: int, rng, ordered: bool) -> None:
    edges = [tuple({rng.randrange(i if ordered and i else size) for _ in range(rng.randrange(3))}) for i in range(size)]
    edges = [tuple(parent for parent in parents if not ordered or parent < i) for i, parents in enumerate(edges)]
    reach = [set(parents) for parents in edges]
    for _ in range(size):
        reach = [above.union(*(reach[one] for one in above)) for above in reach]
    nodes = [Knot(f"s{i}", tuple(f"s{parent}" for parent in parents)) for i, parents in enumerate(edges)]
    rng.shuffle(nodes)
    if any(i in above for i, above in enumerate(reach)):
        assert not ordered
        with pytest.raises(BadPipeline, match="cycle"):
            check(*nodes)
    else:
        assert set(check(*nodes)) == {node.name for node in nodes}
