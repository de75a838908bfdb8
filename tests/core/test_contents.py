"""In which items two small JSON texts differ; how that is said: test_cachekey.py."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.contents import Item, differing

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=2), inside, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        ([1, 2, 5], [1, 2, 4], [Item("[2]", "5", "4")]),
        ([1, 2], [1], [Item("[1]", "2", None)]),
        ([1], [1, None], [Item("[1]", None, "None")]),
        ({"a": {"b": [1]}}, {"a": {"b": [2]}}, [Item("['a']['b'][0]", "1", "2")]),
        ({"b": 1}, {"a": 1}, [Item("['b']", "1", None), Item("['a']", None, "1")]),
        ([1, True, "1", 0.0], [1.0, 1, 1, -0.0], [
            Item("[0]", "1", "1.0"), Item("[1]", "True", "1"), Item("[2]", "'1'", "1"), Item("[3]", "0.0", "-0.0"),
        ]),
        ([[1]], [{"0": 1}], [Item("[0]", "[1]", "{'0': 1}")]),
        (7, [7], [Item("", "7", "[7]")]),
        ({"it's": 1}, {"it's": 2}, [Item('["it\'s"]', "1", "2")]),
        ([float("nan")], [float("nan")], []),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
    ],
)  # fmt: skip
def test_each_item_that_differs_is_told_with_its_place(now, before, expected):
    assert differing(json.dumps(now), json.dumps(before)) == expected


@pytest.mark.parametrize("text", ["", "[1", "\ud800", "[" * 4000 + "]" * 4000])
def test_of_what_cannot_be_read_nothing_is_told(text):
    assert differing(text, "[1]") == differing("[1]", text) == []


@given(now=VALUES, before=VALUES)
def test_whatever_differs_is_found_and_what_is_equal_is_not(now, before):
    def sorted_text(value):
        return json.dumps(value, sort_keys=True)

    assert differing(json.dumps(now), json.dumps(now)) == []
    assert bool(differing(json.dumps(now), json.dumps(before))) is (sorted_text(now) != sorted_text(before))
