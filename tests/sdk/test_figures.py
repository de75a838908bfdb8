"""Figures from numbers. What methods of the logger make of them is tested beside these."""

from __future__ import annotations

import pytest

from penstock.core.errors import Invalid
from penstock.sdk import figures


def test_what_is_given_on_top_of_a_figure_replaces_only_what_it_names():
    found = figures.merged({"xaxis": {"title": "x", "type": "log"}, "a": 1}, {"xaxis": {"type": "date"}, "b": 2})
    assert found == {"xaxis": {"title": "x", "type": "date"}, "a": 1, "b": 2}
    assert figures.merged({"a": 1}, None) == {"a": 1}


def test_rows_of_different_length_are_refused_by_their_place():
    assert figures.rows([[1, 2], [3, 4]], "matrix") == [[1.0, 2.0], [3.0, 4.0]]
    assert figures.rows([], "matrix") == []
    with pytest.raises(Invalid, match=r"matrix\[1\] has 1 numbers, not 2"):
        figures.rows([[1, 2], [3]], "matrix")


@pytest.mark.parametrize("values", ["12", b"12", {"a": 1}, 3, None])
def test_what_is_no_list_is_refused_by_its_name(values):
    with pytest.raises(Invalid, match="values must be a list"):
        figures.listed(values, "values")


def test_a_comment_stands_below_the_title():
    assert figures.layout("title", {"xaxis": None}, None, "comment") == {
        "title": {"text": "title\ncomment"},
        "xaxis": {},
    }
