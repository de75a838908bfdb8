"""Layers, their order, and where their cells go."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from penstock.cli.layout import GRID, Cell, arrange, centres, crossings, parents_first


@st.composite
def graphs(draw, most=12):
    """Graphs without cycles: a node's parents are among those before it."""
    count = draw(st.integers(0, most))
    names = [f"n{index}" for index in range(count)]
    return {
        name: draw(st.lists(st.sampled_from(names[:index]), unique=True, max_size=4)) if index else []
        for index, name in enumerate(names)
    }


def width(cell):
    return 1 if cell.passed else 3 + 2 * len(cell.node)


@given(graphs())
def test_every_node_has_one_cell_below_all_its_parents(parents):
    layers = arrange(parents)
    own = [cell for row in layers.rows for cell in row if not cell.passed]
    assert sorted(cell.node for cell in own) == sorted(parents)
    layer = {cell.node: cell.layer for cell in own}
    assert all(layer[parent] < layer[name] for name in parents for parent in parents[name])


@given(graphs())
def test_links_join_neighbouring_layers_and_lead_from_each_parent_to_its_children(parents):
    layers = arrange(parents)
    for upper, below in layers.below.items():
        assert all(lower.layer == upper.layer + 1 and upper in layers.above[lower] for lower in below)
    for name in parents:
        found = set()
        waiting = [cell for row in layers.rows for cell in row if cell.node == name and not cell.passed]
        while waiting:
            for lower in layers.below[waiting.pop()]:
                if lower.passed:
                    waiting.append(lower)
                else:
                    found.add(lower.node)
        assert found == {child for child in parents if name in parents[child]}


@given(graphs())
def test_cells_of_a_layer_keep_their_order_and_never_overlap(parents):
    layers = arrange(parents)
    centre = centres(layers, width, gap=3)
    assert set(centre) == {cell for row in layers.rows for cell in row}
    for row in layers.rows:
        for left, right in pairwise(row):
            assert centre[right] - centre[left] >= (width(left) + width(right)) // 2 + 3
    assert all(place % GRID == 0 and place - width(cell) // 2 >= 0 for cell, place in centre.items())


@given(graphs())
def test_parents_come_first(parents):
    order = {name: index for index, name in enumerate(parents_first(parents))}
    assert set(order) == set(parents)
    assert all(order[parent] < order[name] for name in parents for parent in parents[name])


def test_a_chain_stands_in_one_column():
    layers = arrange({"a": [], "a rather long name": ["a"], "c": ["a rather long name"]})
    assert len(set(centres(layers, width, gap=3).values())) == 1


def test_a_fan_is_centred_below_its_root():
    layers = arrange({"root": [], "left": ["root"], "mid": ["root"], "right": ["root"]})
    centre = centres(layers, lambda _: 5, gap=3)
    assert centre[Cell(0, "root")] == centre[Cell(1, "mid")]


def test_a_root_lies_just_above_the_first_node_that_needs_it():
    rows = arrange({"a": [], "b": ["a"], "settings": [], "c": ["b", "settings"]}).rows
    assert Cell(1, "settings") in rows[1]


def test_the_long_edges_of_one_parent_share_their_way():
    rows = arrange({"a": [], "b": ["a"], "c": ["b"], "d": ["a", "c"], "e": ["a", "c"]}).rows
    assert [cell for row in rows for cell in row if cell.passed] == [
        Cell(1, "a", passed=True),
        Cell(2, "a", passed=True),
    ]


def test_sorting_takes_away_crossings_that_need_not_be():
    layers = arrange({"a": [], "b": [], "c": ["b"], "d": ["a"]})
    upper, lower = layers.rows
    position = {cell: index for index, cell in enumerate(lower)}
    assert not crossings([(index, position[one]) for index, cell in enumerate(upper) for one in layers.below[cell]])


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=15))
def test_crossings_are_pairs_of_links_in_opposite_order(pairs):
    slow = sum((a[0] - b[0]) * (a[1] - b[1]) < 0 for index, a in enumerate(pairs) for b in pairs[:index])
    assert crossings(pairs) == slow


def test_a_graph_without_nodes_has_no_layers():
    layers = arrange({})
    assert layers.rows == []
    assert centres(layers, width, gap=3) == {}


def test_ten_thousand_nodes_in_a_chain_are_no_deeper_than_the_stack():
    chain = {f"s{index}": [f"s{index - 1}"] if index else [] for index in range(10_000)}
    assert len(arrange(chain).rows) == 10_000
