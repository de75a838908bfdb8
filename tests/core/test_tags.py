"""Filters on tags, in the documented language."""

from __future__ import annotations

import itertools

import pytest

from penstock.core.errors import Invalid
from penstock.core.tags import TagFilter

LETTERS = "abcdefg"
ALL = [set(chosen) for size in range(8) for chosen in itertools.combinations(LETTERS, size)]


@pytest.mark.parametrize(
    ("wanted", "meaning"),
    [
        ([], lambda t: True),
        (["a", "b", "c"], lambda t: bool(t & {"a", "b", "c"})),
        (["a", "-b"], lambda t: "a" in t and "b" not in t),
        (["-a"], lambda t: "a" not in t),
        (["-a", "-b"], lambda t: not t & {"a", "b"}),
        (["__$all", "a", "b"], lambda t: t >= {"a", "b"}),
        (["__$and", "a", "b", "c"], lambda t: t >= {"a", "b", "c"}),
        (["__$all", "a", "b", "__$not", "c", "__$not", "d"], lambda t: t >= {"a", "b"} and not t & {"c", "d"}),
        (["__$all", "a", "-b"], lambda t: "a" in t and "b" not in t),
        (["__$not", "a", "b", "__$not", "c"], lambda t: "b" in t and not t & {"a", "c"}),
        (["a", "b", "__$and", "c", "d"], lambda t: bool(t & {"a", "b"}) or t >= {"c", "d"}),
        (
            ["__$and", "__$or", "a", "b", "__$and", "c", "d"],
            lambda t: bool(t & {"a", "b"}) and t >= {"c", "d"},
        ),
        (
            ["__$all", "a", "b", "c", "__$or", "d", "__$not", "e", "__$and", "__$or", "f", "g"],
            lambda t: t >= {"a", "b", "c"} and ("d" in t or "e" not in t) and bool(t & {"f", "g"}),
        ),
        (["__$or", "a", "__$not", "b"], lambda t: "a" in t or "b" not in t),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, list) else "",
)
def test_a_filter_lets_through_what_it_says(wanted, meaning):
    found = TagFilter.of(wanted)
    assert [tags for tags in ALL if found.fits(tags)] == [tags for tags in ALL if meaning(tags)]


def test_a_tag_that_begins_with_a_dash_is_excluded_by_the_word():
    assert TagFilter.of(["__$not", "-x"]).fits({"x"})
    assert not TagFilter.of(["__$not", "-x"]).fits({"-x"})
    assert TagFilter.of(["-"]).fits({"-"})


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (["a", "__$not"], "a tag has to follow"),
        (["__$not", "__$all", "a"], "a tag has to follow"),
        (["__$al", "a"], r"no tag operator '__\$al'"),
    ],
)
def test_an_operator_that_makes_no_sense_is_refused(wanted, message):
    with pytest.raises(Invalid, match=message) as caught:
        TagFilter.of(wanted)
    assert caught.value.hint
