"""How things are written for people."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.progress import StepStatus
from penstock.core.task import Status
from penstock.sdk.wording import (
    GLYPHS,
    STYLES,
    age,
    columns,
    count,
    cut,
    duration,
    first_line,
    harmless,
    harmless_lines,
    labelled,
    number,
    size,
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0123, "12 ms"),
        (0.0996, "0.10 s"),
        (1.234, "1.23 s"),
        (9.999, "10.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3599.7, "1 h 00 min"),
        (7260, "2 h 01 min"),
        (86_400 * 3 + 3600, "3 d 01 h"),
        (-1, "0 ms"),
    ],
)
def test_durations_are_short(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "just now"), (59, "59 s ago"), (90, "1 min ago"), (7300, "2 h ago"), (200_000, "2 d ago")]
)
def test_ages_are_rough(seconds, text):
    assert age(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (99_949, "99.9 kB"), (250_000, "250 kB"), (999_600, "1.0 MB"),
     (12_000_000_000, "12.0 GB"), (5 * 10**15, "5000 TB")],
)  # fmt: skip
def test_sizes_have_three_digits(count, text):
    assert size(count) == text


def test_numbers_have_six_digits_and_none_is_no_number():
    assert [number(value) for value in (0.1 + 0.2, 1e-12, 3.0, None)] == ["0.3", "1e-12", "3", "nan"]


def test_one_thing_is_not_several():
    assert [count(amount, "run") for amount in (0, 1, 1200)] == ["0 runs", "1 run", "1,200 runs"]


@pytest.mark.parametrize("word", [*Status, *StepStatus])
def test_every_status_has_a_mark_a_word_and_a_colour(word):
    assert columns(GLYPHS[word]) == 1
    assert labelled(word) == f"{GLYPHS[word]} {word}"
    assert STYLES[word]


def test_marks_that_stand_in_one_column_of_a_table_differ():
    for statuses in (Status, StepStatus):
        ends = [one for one in statuses if one != "published"]
        assert len({GLYPHS[one] for one in ends}) == len(ends)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("a\x1b[2Kb\x1b[1Ac", "abc"),
        ("\x1b]0;title\x07x\x1b]8;;http://a\x1b\\link\x1b]8;;\x1b\\", "xlink"),
        ("\x9b31mx", "x"),
        ("bell\x07", "bell\\x07"),
        ("a\x1b", "a\\x1b"),
        ("a\tb", "a    b"),
        ("line\nbreak\r", "line\\nbreak\\r"),
        ("\u202eevil", "\\u202eevil"),
        ("\udc80", "\\udc80"),
        ("família 数据 👩\u200d🔬", "família 数据 👩\u200d🔬"),
    ],
)
def test_what_steers_a_terminal_is_taken_away_or_spelt_out(text, shown):
    assert harmless(text) == shown


@given(st.text())
def test_nothing_that_steers_a_terminal_is_left(text):
    shown = harmless(text)
    assert all(unicodedata.category(one) not in {"Cc", "Cs", "Zl", "Zp"} for one in shown)
    shown.encode("utf-8")


def test_lines_stay_lines():
    assert harmless_lines("a\n\x1b[31mb") == ["a", "b"]


def test_the_first_line_is_the_first_that_says_something():
    assert first_line("\n  \n  Error: x\nmore") == "Error: x"
    assert first_line("") == ""


@given(st.text(max_size=20), st.integers(1, 30))
def test_a_cut_text_fits(text, most):
    shown = cut(harmless(text), most)
    assert columns(shown) <= most
    assert shown == harmless(text) or shown.endswith("…")


def test_columns_count_wide_and_combining_characters():
    assert [columns(text) for text in ("abc", "数据", "e\u0301", "é")] == [3, 4, 1, 1]
