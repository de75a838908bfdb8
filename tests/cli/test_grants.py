"""Passwords on the command line: typed without being shown, or piped; never an argument."""

from __future__ import annotations

import os

import pytest

from penstock.cli.grants import rights
from penstock.core.access import Key, Scope, User, nobody
from penstock.core.secret import Secret
from penstock.ops.access import LogIn

PASSWORD = "correct horse battery"


def test_a_password_is_asked_for_twice_in_a_terminal_and_not_shown(terminal, recorder):
    screen = terminal(80, 24)
    ours, theirs = screen.open()
    with screen.start(theirs, "user", "add", "ada", "--password") as process:
        os.close(theirs)
        written = read_until(ours, b"Password: ")
        os.write(ours, f"{PASSWORD}\n".encode())
        written += read_until(ours, b"Repeat for confirmation: ")
        os.write(ours, f"{PASSWORD}\n".encode())
        written += read_until(ours, None)
        os.close(ours)
    assert process.returncode == 0, written
    assert b"horse" not in written
    assert recorder.call(LogIn(name="ada", password=Secret(PASSWORD)), nobody()).user.name == "ada"


def read_until(descriptor, wanted):
    """Read what comes, until this does or nothing more."""
    written = b""
    while wanted is None or not written.endswith(wanted):
        try:
            piece = os.read(descriptor, 65536)
        except OSError:  # what Linux says when the other end is closed
            piece = b""
        if not piece:
            assert wanted is None, written
            break
        written += piece
    return written


@pytest.mark.parametrize("option", ["--password", "--password=x"])
def test_where_nobody_can_be_asked_a_password_is_piped(process, option):
    answer = process("user", "add", "ada", option)
    assert answer.code == 2
    assert "--password" in answer.err


def test_a_password_comes_in_one_way(penstock):
    answer = penstock("user", "add", "ada", "--password", "--password-stdin")
    assert (answer.code, "exclude each other" in answer.err) == (2, True)


def test_what_somebody_may_is_said_in_words():
    assert rights(User(name="ada", scope=Scope.RUN, projects=("P", "Q"))) == "run in P, Q"
    assert rights(User(name="ada", scope=Scope.ADMIN)) == "admin in all projects"
    assert rights(Key(id="k", owner="ada", scope=Scope.READ)) == "read in all projects of its owner"
