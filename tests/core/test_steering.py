"""Texts without what they tell a terminal to do."""

from __future__ import annotations

import pytest

from penstock.core.steering import unsteered


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain, with [brackets] and ümlauts", "plain, with [brackets] and ümlauts"),
        ("a \x1b[1;31mred\x1b[0m word", "a red word"),
        ("\x1b]0;title\x07\x1b[2K\x1b[1Gdone", "done"),
        ("\x1b]8;;https://example.org\x1b\\here\x1b]8;;\x1b\\", "here"),
        ("\x9b31mred", "red"),
        ("\x1b(Bletters", "letters"),
    ],
)
def test_only_what_is_read_stays(text, expected):
    assert unsteered(text) == expected


def test_a_text_of_many_beginnings_is_read_once():
    text = "\x1b]" * 200_000
    assert unsteered(text) == text, "nothing of it ends, so that nothing of it is one"
