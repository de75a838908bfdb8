"""Rows from lists and files; frames are tested with the logger."""

from __future__ import annotations

import pytest

from penstock.core.errors import Invalid
from penstock.sdk import tables


def test_rows_are_those_of_the_list():
    assert tables.rows([("a", "b"), [1, 2]]) == [["a", "b"], [1, 2]]


@pytest.mark.parametrize("table", [None, 3, [1], {"a": [1]}])
def test_what_has_no_rows_is_refused(table):
    with pytest.raises(Invalid, match="is not a table"):
        tables.rows(table)


def test_a_file_is_read_with_its_quotes(tmp_path):
    (tmp_path / "t.csv").write_text('a,b\n1,"x,y"\n', encoding="utf-8")
    assert tables.read_csv(tmp_path / "t.csv") == [["a", "b"], ["1", "x,y"]]
