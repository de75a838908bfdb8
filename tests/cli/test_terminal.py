"""Tables and texts for the terminal."""

from __future__ import annotations

import io

from rich.console import Console

from penstock.cli.terminal import console, facts, plain, status, table


def printed(renderable, width=40):
    file = io.StringIO()
    Console(file=file, width=width, color_system=None).print(renderable)
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_nothing_is_cut_where_no_terminal_is(capsys):
    made = table("~NAME")
    made.add_row(plain("x" * 500))
    console().print(made)
    assert "x" * 500 in capsys.readouterr().out


def test_in_a_narrow_terminal_long_texts_are_cut_and_numbers_are_not():
    made = table("~NAME", ">COUNT", "~TEXT")
    made.add_row(plain("a name"), "1234567890", plain("a text that is much longer than all the rest"))
    header, row = printed(made)
    assert header.split() == ["NAME", "COUNT", "TEXT"]
    assert "a name  1234567890  a text" in row
    assert row.endswith("…")
    assert len(row) <= 40


def test_somebodys_text_is_no_markup():
    made = table("~NAME")
    made.add_row(plain("[bold red]x[/] :smile: \x1b[31m"))
    assert printed(made)[1] == "[bold red]x[/] :smile:"


def test_a_status_has_a_mark_and_a_word():
    assert status("failed").plain == "✗ failed"
    assert status("completed").plain == "✓ completed"


def test_facts_stand_below_each_other():
    assert printed(facts([("run", "iris"), ("status", status("queued"))])) == ["run     iris", "status  ◌ queued"]
