from __future__ import annotations

import math
from collections import OrderedDict, namedtuple
from enum import IntEnum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.run.formats.plain import is_plain

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
PLAIN = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=30,
)


def same(one: object, other: object) -> bool:
    """Whether two values are equal in every type, sign of zero and order of keys."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return (math.isnan(one) and math.isnan(other)) or (
            one == other and math.copysign(1, one) == math.copysign(1, other)
        )
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


@settings(max_examples=150, deadline=None)
@given(PLAIN)
def test_every_json_value_comes_back_the_same(shelf, value) -> None:
    kept = shelf.keep(value)
    assert kept.stored.format == ("text" if type(value) is str else "json")
    assert same(kept.value, value)
    assert len(kept.stored.preview) <= 2_000
    kept.stored.preview.encode()


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -0.0,
        1e308,
        math.inf,
        -math.inf,
        math.nan,
        10**3000,
        [],
        {},
        [[]],
        {"": None},
        {"b": 1, "a": 2},
    ],
    ids=lambda value: repr(value)[:20],
)
def test_plain_values_come_back_the_same(shelf, value) -> None:
    kept = shelf.keep(value)
    assert kept.stored.format == "json"
    assert kept.stored.type == type(value).__name__
    assert same(kept.value, value)


Point = namedtuple("Point", "x y")  # noqa: PYI024 - an old one, as users have them


class Colour(IntEnum):
    RED = 1


@pytest.mark.parametrize(
    "value",
    [
        (1, 2),
        [(1, 2)],
        {1: "a"},
        {"a": {None: 1}},
        {1, 2},
        OrderedDict(a=1),
        Point(1, 2),
        Colour.RED,
        [Colour.RED],
        {"deep": [{"er": (1,)}]},
        b"x".join,
        1j,
        [b"bytes"],
        frozenset(),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_json_would_change_is_pickled_and_comes_back_the_same(shelf, value) -> None:
    kept = shelf.keep(value)
    assert kept.stored.format == "pickle"
    assert type(kept.value) is type(value)
    assert repr(kept.value) == repr(value) or callable(value)


def test_a_number_of_more_digits_than_python_reads_is_pickled(shelf) -> None:
    kept = shelf.keep([10**5000])
    assert kept.stored.format == "pickle"
    assert kept.value == [10**5000]


def test_a_list_in_itself_is_pickled(shelf) -> None:
    value: list = [1]
    value.append(value)
    kept = shelf.keep(value)
    assert kept.stored.format == "pickle"
    assert kept.value[1] is kept.value


def test_a_small_value_that_json_would_blow_up_is_pickled(shelf) -> None:
    value: list = ["x"]
    for _ in range(60):
        value = [value, value]
    kept = shelf.keep(value)
    assert kept.stored.format == "pickle"
    assert kept.path.stat().st_size < 10_000


def test_nesting_deeper_than_a_reader_could_follow_is_not_json() -> None:
    value: list = []
    for _ in range(300):
        value = [value]
    assert not is_plain(value)


def test_a_list_of_a_million_numbers_is_plain(shelf) -> None:
    value = [float(number) for number in range(1_000_000)]
    assert shelf.keep(value).value == value


@pytest.mark.parametrize(
    "text",
    ["a\r\nb\rc\n", "\0", "ü€𐍈", "\ud800", "\ud83d\ude00", "\udc80 odd file name", "\ufeff", "x" * 1_000_000],
    ids=lambda text: ascii(text)[:20],
)
def test_text_comes_back_to_the_last_character(shelf, text: str) -> None:
    kept = shelf.keep(text)
    assert (kept.stored.format, kept.stored.type) == ("text", "str")
    assert kept.value == text
    assert kept.stored.metadata == {"length": str(len(text))}
    assert shelf.keep([text]).value == [text]


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(exclude_categories=[])))
def test_text_with_lone_surrogates_comes_back(shelf, text: str) -> None:
    assert shelf.keep(text).value == text
    assert shelf.keep({"inside": [text]}).value == {"inside": [text]}


def test_text_in_utf_8_is_stored_as_it_is(shelf) -> None:
    assert shelf.keep("grün\n").path.read_bytes() == "grün\n".encode()


@pytest.mark.parametrize("value", [b"", b"\0\xff", bytearray(b"abc"), bytearray()])
def test_bytes_and_bytearray_keep_their_type(shelf, value) -> None:
    kept = shelf.keep(value)
    assert (kept.stored.format, kept.stored.type) == ("bytes", type(value).__name__)
    assert kept.value == value
    assert type(kept.value) is type(value)
    assert kept.path.read_bytes() == value


def test_a_preview_of_a_long_value_is_its_head(shelf) -> None:
    preview = shelf.keep(["word"] * 10_000).stored.preview
    assert preview.startswith('["word","word",')
    assert len(preview) == 2_000
    assert preview.endswith("...")
