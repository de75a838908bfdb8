"""Chunks of points become bytes and come back, also those of older databases."""

from __future__ import annotations

from math import nan

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import Invalid
from penstock.core.outputs import ScalarPoint
from penstock.store.points import FEW, compress, decompress, joined, pack, thinned

INTEGERS = st.integers(-(2**63), 2**63 - 1)


def even(count: int, first: int = 0, distance: int = 1) -> tuple[ScalarPoint, ...]:
    return tuple(ScalarPoint(first + distance * one, one * 0.5, one * 1.5) for one in range(count))


@given(
    iterations=st.lists(INTEGERS, max_size=40) | st.lists(INTEGERS | st.none(), max_size=40),
    value=st.floats(),
)
def test_points_come_back_as_they_were(iterations: list[int | None], value: float) -> None:
    points = tuple(ScalarPoint(one, value, 0.1 * place) for place, one in enumerate(iterations))
    assert repr(joined([pack(points)])) == repr(points)


@pytest.mark.parametrize(("first", "distance"), [(0, 1), (5, 100), (10, -1), (2**63 - 101, 1)])
def test_iterations_that_count_up_evenly_take_no_room(first: int, distance: int) -> None:
    points = even(100, first, distance)
    assert joined([pack(points)]) == points
    assert len(pack(points)) < 100 * 16 + 70


@pytest.mark.parametrize("iteration", [None, 7])
def test_points_of_one_iteration_come_back(iteration: int | None) -> None:
    points = tuple(ScalarPoint(iteration, float(one), 0.0) for one in range(50))
    assert joined([pack(points)]) == points


@pytest.mark.parametrize("count", [1, 50, 3000])
def test_chunks_of_older_databases_are_read(count: int) -> None:
    """They were msgpack of the points, compressed where that was worth it."""
    points = even(count)
    old = compress(msgspec.msgpack.encode(points))
    assert joined([old, pack(points)]) == points * 2
    assert len(thinned([old, pack(points)], 10)) == min(10, 2 * count)


@pytest.mark.parametrize("count", [1, FEW + 1])
@pytest.mark.parametrize("iteration", [2**64, -(2**63) - 1])
def test_an_iteration_that_does_not_fit_is_refused(count: int, iteration: int) -> None:
    with pytest.raises(Invalid, match="64 bits"):
        pack([ScalarPoint(iteration, 1.0, 0.0)] * count)


def test_a_drawing_takes_its_points_from_all_chunks() -> None:
    points = [
        *even(1000),
        ScalarPoint(1000, 9e9, 1.0),
        *even(1000, 1001),
        ScalarPoint(2001, nan, 2.0),
        *even(500, 2002),
    ]
    chunks = [pack(points[start : start + 300]) for start in range(0, len(points), 300)]
    found = thinned(chunks, 40)
    assert len(found) <= 40
    assert (found[0], found[-1]) == (points[0], points[-1])
    assert points[1000] in found
    assert repr(points[2001]) in map(repr, found)
    assert [one.iteration for one in found] == sorted(one.iteration or 0 for one in found)


def test_what_is_compressed_comes_back() -> None:
    packed = msgspec.msgpack.encode(["x" * 1000])
    assert decompress(compress(packed)) == packed
    assert len(compress(packed)) < 100


@pytest.mark.parametrize("most", [10, 40, 400])
def test_a_drawing_shows_what_stands_out_whether_it_looks_at_all_points_or_at_the_outline(most: int) -> None:
    points = list(even(20_000))
    for place, value in ((7001, 9e9), (12_003, -9e9), (15_000, nan)):
        points[place] = ScalarPoint(place, value, 0.0)
    chunks = [pack(points[start : start + 2000]) for start in range(0, len(points), 2000)]
    found = thinned(chunks, most)
    assert len(found) <= most
    assert {0, 7001, 12_003, 15_000, 19_999} <= {one.iteration for one in found}
