"""`--secret`: where a secret is read from that no command line shows."""

from __future__ import annotations

import io

import click
import pytest

from penstock.cli import secret


class Typed(io.StringIO):
    """A terminal."""

    def isatty(self):
        return True


def read(*given):
    return {name: one.text for name, one in secret.read(given).items()}


def test_a_variable_is_read_and_standard_input_line_by_line(monkeypatch):
    monkeypatch.setenv("PLANTED", "from the variable")
    monkeypatch.setattr("sys.stdin", io.StringIO("first line\r\n  second = line \nrest"))
    assert read("a", "b=PLANTED", "c") == {"a": "first line", "b": "from the variable", "c": "  second = line "}


def test_in_a_terminal_it_is_asked_for_and_not_shown(monkeypatch):
    asked = []
    monkeypatch.setattr("sys.stdin", Typed())
    monkeypatch.setattr("click.prompt", lambda text, **how: asked.append((text, how)) or "typed")
    assert read("db_password") == {"db_password": "typed"}
    assert asked == [("db_password", {"hide_input": True, "err": True})]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("db_password=planted", "the environment has no variable of the name behind the ="),
        ("=planted", "not of the form NAME or NAME=VARIABLE"),
        ("db_password=", "not of the form NAME or NAME=VARIABLE"),
        ("db_password", "standard input ended before its line"),
    ],
)
def test_what_cannot_be_read_is_said_without_what_may_be_the_secret(monkeypatch, given, said):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(click.UsageError, match=said) as caught:
        secret.read([given])
    assert "planted" not in caught.value.format_message() or given.startswith("=")
