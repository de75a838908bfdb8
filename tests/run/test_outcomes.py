"""How user code ended that did not just return, in outcomes and words."""

from __future__ import annotations

import sys

import pytest

from penstock.core.task import EndReason, Status
from penstock.run.outcomes import NOT_THE_USER_S, exit_call, failed, is_success, left, raised, told


class Rude(BaseException):
    """Refuses to be shown."""

    def __str__(self):
        raise RuntimeError("no")

    __repr__ = __str__


@pytest.mark.parametrize(
    ("code", "good"),
    [(None, True), (0, True), (False, True), (256, True), (1, False), (-1, False), (0.0, False), ("", False)],
)
def test_python_s_exit_code_decides_what_is_a_success(code, good):
    assert is_success(code) is good


@pytest.mark.parametrize(
    ("code", "message", "shown"),
    [
        (3, "sys.exit(3)", ""),
        (True, "sys.exit(True)", ""),
        ("no data", "sys.exit('no data')", "no data\n"),
        ("\ud800", "sys.exit('\\ud800')", "\\ud800\n"),
        (Rude(), "sys.exit(...)", ""),
    ],
)
def test_code_that_leaves_with_a_code_failed_and_says_it_as_python_does(capsys, code, message, shown):
    found = left(SystemExit(code), ())
    assert (found.status, found.reason, found.message) == (Status.FAILED, EndReason.EXIT_CODE, message)
    assert capsys.readouterr().err == shown


def test_code_that_leaves_well_completed_unless_it_owes_results(capsys):
    assert left(SystemExit(0), ()).status is Status.COMPLETED
    owing = left(SystemExit(None), ("x", "y"))
    assert (owing.status, owing.message) == (Status.FAILED, "sys.exit(None) before it returned x, y")
    assert capsys.readouterr().err == ""


def test_what_could_not_be_done_is_said_on_the_console(capsys):
    found = failed(EndReason.INPUT, "there is no \ud800")
    assert (found.status, found.reason, found.message) == (Status.FAILED, EndReason.INPUT, "there is no \\ud800")
    assert capsys.readouterr().err == "penstock: there is no \\ud800\n"


def thrown(code, file="users.py"):
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - any at all
        exec(compile(code, file, "exec"), {"Rude": Rude})
    return caught.value


def test_an_exception_is_told_in_one_line_and_then_with_its_traceback(capsys):
    error = thrown("def f():\n    raise ValueError('bad\\nworse')\nf()")
    found = raised(error)
    assert (found.status, found.reason) == (Status.FAILED, EndReason.EXCEPTION)
    first, empty, *rest = found.message.split("\n")
    assert (first, empty, rest[0]) == ("ValueError: bad", "", "Traceback (most recent call last):")
    assert 'File "users.py", line 2, in f' in found.message
    assert capsys.readouterr().err == "\n".join(rest)


def test_only_frames_before_the_user_s_code_are_left_out():
    """Our own ones in between belong to the story; a folder whose name begins like ours is not ours."""
    trace = f"{NOT_THE_USER_S[0]}run/execute.py"
    error = thrown(f"exec(compile('raise KeyError(1)', {trace!r}, 'exec'))")
    error.__traceback__ = error.__traceback__.tb_next  # the frame of `thrown`
    assert "execute.py" in told(error)
    ours = thrown("exec(compile('raise KeyError(1)', 'users.py', 'exec'))", trace)
    ours.__traceback__ = ours.__traceback__.tb_next
    assert "execute.py" not in told(ours)
    assert "users.py" in told(ours)
    neighbour = thrown("raise KeyError(1)", f"{NOT_THE_USER_S[0].rstrip('/')}2/x.py")
    neighbour.__traceback__ = neighbour.__traceback__.tb_next
    assert "x.py" in told(neighbour)


def test_an_exception_that_refuses_to_be_shown_is_told_all_the_same(capsys):
    assert told(Rude()).startswith("Rude: (its text cannot be read)\n\n")
    assert raised(Rude()).status is Status.FAILED
    assert "Rude" in capsys.readouterr().err


def test_endless_texts_are_cut():
    assert len(told(ValueError("x" * 10**7))) < 300_000
    assert len(exit_call("x" * 10**7)) < 300_000


@pytest.mark.parametrize("stream", [None, 5])
def test_a_console_that_is_gone_changes_nothing(monkeypatch, stream):
    monkeypatch.setattr(sys, "stderr", stream)
    assert raised(ValueError("x")).status is Status.FAILED
