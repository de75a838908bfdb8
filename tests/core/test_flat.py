"""Nested values under flat names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import BadParameter
from penstock.core.flat import join, leaves, split


def test_keys_are_joined_by_slashes():
    assert [(join(path), value) for path, value in leaves({"a": {"b": 1, "c": {"d": 2}}, "e": 3})] == [
        ("a/b", 1), ("a/c/d", 2), ("e", 3),
    ]  # fmt: skip


def test_an_empty_dict_is_a_value():
    assert list(leaves({"a": {}})) == [(("a",), {})]


def test_a_slash_of_a_key_is_told_from_one_between_keys():
    assert join(("a/b", "c")) == r"a\/b/c"
    assert split(r"a\/b/c") == ("a/b", "c")


@given(st.lists(st.text(alphabet=st.sampled_from("ab/\\ ~.")), min_size=1).map(tuple))
def test_every_path_comes_back_from_its_name(path):
    assert split(join(path)) == path


@given(st.lists(st.lists(st.text(alphabet=st.sampled_from("a/\\")), min_size=1).map(tuple), unique=True))
def test_different_paths_have_different_names(paths):
    assert len({join(path) for path in paths}) == len(paths)


@pytest.mark.parametrize(("tree", "said"), [({1: 2}, "the key 1 is a int"), ({"a": {None: 2}}, "None in 'a'")])
def test_a_key_that_is_no_text_is_refused_by_name(tree, said):
    with pytest.raises(BadParameter, match=said) as caught:
        list(leaves(tree))
    assert "write it as" in caught.value.hint


def test_a_dict_that_holds_itself_is_refused():
    tree = {"a": {}}
    tree["a"]["b"] = tree
    with pytest.raises(BadParameter, match="'a/b' holds itself"):
        list(leaves(tree))


def test_a_dict_may_stand_in_two_places():
    shared = {"x": 1}
    assert [path for path, _ in leaves({"a": shared, "b": {"c": shared}})] == [("a", "x"), ("b", "c", "x")]
