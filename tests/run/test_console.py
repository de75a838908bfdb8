"""From bytes to console lines: nothing is lost, and a terminal would show the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.outputs import ConsoleLine, Stream
from penstock.core.secret import Secret
from penstock.run.console import LONGEST_LINE, MANY_CHARACTERS, MANY_LINES, Console

OUT, ERR = Stream.OUT, Stream.ERR


def texts(*pieces, stream=OUT):
    console = Console()
    shown = [line for piece in pieces for line in console.feed(stream, piece, 1.0)]
    shown += console.finish(2.0)
    recorded = [line.text for line in console.take()]
    assert recorded == shown, "what is shown is what is recorded"
    return shown


@pytest.mark.parametrize(
    ("written", "lines"),
    [
        (b"", []),
        (b"one\ntwo\n", ["one", "two"]),
        (b"no end", ["no end"]),
        (b"\n\n", ["", ""]),
        (b"windows\r\nlines\r\n", ["windows", "lines"]),
        (b"10%\r50%\r100%\n", ["100%"]),
        (b"10%\r50%\r", ["50%"]),
        (b"\xff\xfe\n", ["\ufffd\ufffd"]),
        ("tabs\tand \u00e9\u2028\U0001f600\n".encode(), ["tabs\tand \u00e9\u2028\U0001f600"]),
        (b"\0\x1b[1m\n", ["\0\x1b[1m"]),
    ],
)
def test_lines_are_what_a_terminal_leaves(written, lines):
    assert texts(written) == lines


@given(text=st.text(alphabet=st.sampled_from("ab\n\r\u00e9\U0001f600"), max_size=40), data=st.data())
def test_where_the_bytes_are_cut_makes_no_difference(text, data):
    written = text.encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(written)), max_size=5)))
    pieces = [written[start:end] for start, end in zip([0, *cuts], [*cuts, len(written)], strict=True)]
    assert texts(*pieces) == texts(written)


def test_a_character_that_stays_incomplete_is_shown_as_such():
    assert texts(b"caf\xc3") == ["caf\ufffd"]


def test_a_line_without_end_is_cut():
    pieces = texts(*[b"x" * 10_000] * 20)
    assert "".join(pieces) == "x" * 200_000
    assert max(map(len, pieces)) <= LONGEST_LINE


def test_a_long_line_is_cut_and_whole():
    pieces = texts(b"y" * 150_000 + b"\nshort\n")
    assert pieces[-1] == "short"
    assert "".join(pieces[:-1]) == "y" * 150_000
    assert max(map(len, pieces)) <= LONGEST_LINE


def test_streams_do_not_mix():
    console = Console()
    console.feed(OUT, b"one ", 1.0)
    console.feed(ERR, b"error\n", 2.0)
    console.feed(OUT, b"line\n", 3.0)
    assert console.take() == (ConsoleLine(2.0, ERR, "error"), ConsoleLine(3.0, OUT, "one line"))


def test_lines_are_taken_once():
    console = Console()
    assert (console.waiting, console.due(), console.take()) == (False, False, ())
    console.feed(OUT, b"a\n", 1.0)
    assert console.waiting
    assert [line.text for line in console.take()] == ["a"]
    assert (console.waiting, console.take()) == (False, ())


def test_many_lines_are_due_at_once():
    console = Console()
    console.feed(OUT, b"x\n" * MANY_LINES, 1.0)
    assert console.due()


def test_blocks_are_the_same_lines_together():
    console = Console()
    console.feed(OUT, b"a\nb\nhalf", 1.0)
    console.feed(ERR, b"error\n", 2.0)
    assert console.take_blocks() == (ConsoleLine(1.0, OUT, "a\nb"), ConsoleLine(2.0, ERR, "error"))
    assert console.take() == ()


def test_many_characters_are_due_at_once():
    console = Console()
    console.feed(OUT, b"x" * (MANY_CHARACTERS + LONGEST_LINE), 1.0)
    assert console.due()


def test_a_progress_bar_without_end_stays_one_line():
    console = Console()
    for number in range(20_000):
        assert console.feed(OUT, f"\r{number:10}".encode(), 1.0) == []
    assert console.finish(2.0) == [f"{19_999:10}"]


def test_an_encoding_may_be_another_and_may_change():
    console = Console()
    assert console.feed(OUT, "caf\u00e9\n".encode("latin-1"), 1.0, "latin-1") == ["caf\u00e9"]
    assert console.feed(OUT, "caf\u00e9\n".encode(), 1.0) == ["caf\u00e9"]


def test_fifty_megabytes_in_small_pieces_without_a_line_break_take_linear_time():
    console = Console()
    lines = 0
    for _ in range(50_000):
        lines += len(console.feed(OUT, b"z" * 1000, 1.0))
        if console.due():
            console.take()
    lines += len(console.finish(2.0))
    assert lines == -(-50_000_000 // LONGEST_LINE)


def test_a_mask_stands_for_secrets_in_what_is_shown_and_in_what_is_recorded():
    console = Console({"seal": Secret("planted-one")})
    assert console.feed(Stream.OUT, b"with planted-one, and plan", 1.0) == []
    assert console.feed(Stream.OUT, b"ted-one\n", 1.0) == ["with ********, and ********"]
    assert console.feed(Stream.ERR, b"planted-one", 1.0) == []
    assert console.finish(1.0) == ["********"]
    assert b"planted" not in repr(console.take()).encode()
