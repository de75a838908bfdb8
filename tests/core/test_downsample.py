"""A drawing has few points, and shows every peak, both ends and every gap that a bucket has."""

from __future__ import annotations

from array import array
from math import inf, isnan, nan

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from penstock.core.downsample import BLOCK, choose, outline

VALUES = st.lists(st.floats() | st.sampled_from([nan, inf, -inf, 0.0]), max_size=200)


@given(values=VALUES, most=st.integers(2, 60))
def test_it_keeps_the_ends_the_order_and_the_limit(values, most):
    found = choose(array("d", values), most)
    assert found == sorted(set(found))
    assert len(found) <= most
    if len(values) <= most:
        assert found == list(range(len(values)))
    else:
        assert (found[0], found[-1]) == (0, len(values) - 1)


@example(values=[0.0] * 5 + [inf, -inf, 0.0], most=4)
@given(values=st.lists(st.floats(allow_nan=False), min_size=8, max_size=300), most=st.integers(4, 60))
def test_the_extremes_are_drawn(values, most):
    drawn = [values[place] for place in choose(array("d", values), most)]
    assert (min(drawn), max(drawn)) == (min(values), max(values))


@given(values=VALUES, most=st.integers(5, 60))
def test_the_extremes_are_drawn_beside_gaps(values, most):
    drawn = [values[place] for place in choose(array("d", values), most)]
    numbers = [value for value in values if not isnan(value)]
    if numbers:
        assert (min(one for one in drawn if not isnan(one)), max(one for one in drawn if not isnan(one))) == (
            min(numbers),
            max(numbers),
        )
    assert any(map(isnan, drawn)) == any(map(isnan, values))


@pytest.mark.parametrize("place", [1, 499, 500, 998])
def test_a_single_peak_or_gap_among_many_points_is_drawn(place):
    for value in (5.0, -5.0, nan, inf):
        values = array("d", [0.0] * 1000)
        values[place] = value
        assert place in choose(values, 20)


def test_opposite_infinities_are_numbers():
    values = array("d", [0.0, inf, -inf, *[0.0] * 100])
    assert {1, 2} <= set(choose(values, 10))


@given(values=VALUES)
def test_an_outline_has_what_stands_out_anywhere(values):
    found = outline(array("d", values))
    assert found == sorted(set(found))
    numbers = [values[place] for place in found if not isnan(values[place])]
    if numbers:
        assert (min(numbers), max(numbers)) == (
            min(one for one in values if not isnan(one)),
            max(one for one in values if not isnan(one)),
        )
    assert any(isnan(values[place]) for place in found) == any(map(isnan, values))
    assert len(found) <= 2 + 3 * (len(values) // BLOCK + 1)
