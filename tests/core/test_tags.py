from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.tags import tag_filter

TAGS = [(), ("a",), ("b",), ("a", "b"), ("c",)]


@pytest.mark.parametrize(
    ("words", "let_through"),
    [
        (["a", "b"], [("a",), ("b",), ("a", "b")]),
        (["a", "-b"], [("a",)]),
        (["-b"], [(), ("a",), ("c",)]),
        (["__$all", "a", "b"], [("a", "b")]),
        (["__$and", "a", "b"], [("a", "b")]),
        (["__$all", "a", "__$or", "b", "c"], [("a", "b")]),
        (["__$not", "b", "a"], [("a",)]),
        (["-"], []),
    ],
)
def test_a_filter_means_what_the_documented_words_say(words, let_through):
    wanted = tag_filter(words)
    assert [tags for tags in TAGS if wanted.accepts(tags)] == let_through


@pytest.mark.parametrize("words", [None, [], ["__$all"], ["__$not"]])
def test_words_that_name_no_tag_are_no_filter(words):
    assert tag_filter(words) is None


@given(st.lists(st.sampled_from("abc"), min_size=1), st.sets(st.sampled_from("abcd")))
def test_without_operators_one_tag_in_common_is_enough(words, tags):
    assert tag_filter(words).accepts(tags) == bool(set(words) & tags)
