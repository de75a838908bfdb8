"""Graphs as indented lists."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from penstock.cli.outline import outline


def lines(parents):
    return [f"{entry.prefix}{entry.node}{f' ({entry.after})' if entry.after else ''}" for entry in outline(parents)]


def test_a_chain_is_a_plain_list():
    assert lines({"a": [], "b": ["a"], "c": ["b"]}) == ["a", "b", "c"]


def test_branches_are_drawn_where_there_are_several():
    parents = {"a": [], "b1": ["a"], "c1": ["b1"], "b2": ["a"], "c2": ["b2"]}
    assert lines(parents) == ["a", "├─ b1", "│  c1", "└─ b2", "   c2"]


def test_several_roots_are_branches_of_nothing():
    assert lines({"a": [], "b": [], "c": ["b"]}) == ["├─ a", "└─ b", "   c"]


def test_a_node_with_several_parents_stands_below_the_last_and_names_the_others():
    parents = {"a": [], **{f"b{index}": ["a"] for index in range(5)}, "end": [f"b{index}" for index in range(5)]}
    assert lines(parents)[-2:] == ["└─ b4", "   end (after b0, b1, b2 and 2 more)"]


def test_a_graph_without_nodes_is_an_empty_list():
    assert lines({}) == []


@given(st.integers(0, 30), st.data())
def test_every_node_stands_once_and_below_its_parents(count, data):
    names = [f"n{index}" for index in range(count)]
    parents = {
        name: data.draw(st.lists(st.sampled_from(names[:index]), unique=True, max_size=3)) if index else []
        for index, name in enumerate(names)
    }
    order = [entry.node for entry in outline(parents)]
    assert sorted(order) == sorted(names)
    assert all(order.index(parent) < order.index(name) for name in names for parent in parents[name])
