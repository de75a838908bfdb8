"""The page of what there is says what the code says."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def load():
    spec = importlib.util.spec_from_file_location("page", ROOT / "tests" / "compat" / "page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGE = load()


def test_the_page_is_what_the_code_says_now():
    """When this fails: run `python tests/compat/page.py`."""
    assert PAGE.FILE.read_text("utf-8") == PAGE.page()


def test_every_name_is_told_with_yes_partly_or_no_and_with_a_reason_where_it_is_not_yes():
    rows = [line.strip("| ").split(" | ") for line in PAGE.page().splitlines() if line.startswith("| `")]
    assert len(rows) > 300
    for row in rows:
        assert row[1].rstrip(" |") in {"yes", "partly", "no"}
        assert row[1].startswith("yes") or len(row[2]) > 10, row


def test_arguments_that_are_only_accepted_are_found_in_docstrings():
    text = "Do it.\n\nArgs:\n    a: One.\n    b, c: Accepted for compatibility; no.\n"
    assert PAGE.accepted(text) == ["b", "c"]


def test_a_documented_name_that_nobody_wrote_or_explained_is_an_error():
    with pytest.raises(LookupError, match="Task"):
        PAGE._member(PAGE.penstock.Task, "Task", "no_such_method")
