"""Deleting runs."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress

import pytest

from penstock.core.errors import NotFound
from penstock.ops.runs import GetRun


def is_there(recorder, run):
    try:
        recorder.call(GetRun(id=run.id))
    except NotFound:
        return False
    return True


def test_runs_are_deleted_with_what_only_they_hold(recorder, penstock):
    run, other = recorder.run({"a": []}), recorder.complete({"a": []})
    blob = recorder.artifact(recorder.attempt(run, "a").id, "x").hash
    recorder.finish(run)
    answer = penstock("rm", run.id, "iris", "--yes")
    assert (answer.code, answer.out) == (0, f"deleted iris ({run.id[:12]})\n")
    assert not is_there(recorder, run)
    assert is_there(recorder, other)
    assert recorder.backend.blobs.stat(blob) is None


def test_nothing_is_deleted_when_one_is_in_progress(recorder, penstock):
    done, going = recorder.complete({"a": []}), recorder.run({"a": []})
    answer = penstock("rm", done.id, going.id, "--yes")
    assert answer.code == 1
    assert f"hint: stop it first: penstock abort {going.id[:12]}" in answer.err
    assert is_there(recorder, done)


def test_nothing_is_deleted_when_one_is_not_there(recorder, penstock):
    run = recorder.complete({"a": []})
    assert penstock("rm", run.id, "nonsense", "--yes").code == 3
    assert is_there(recorder, run)


def test_without_a_terminal_yes_has_to_be_given(recorder, penstock, process):
    run = recorder.complete({"a": []})
    answer = process("rm", run.id)
    assert answer.code == 2
    assert "give --yes" in answer.err
    assert is_there(recorder, run)


def reply_to(process, terminal, reply):
    if reply is None:
        process.send_signal(signal.SIGINT)
    else:
        os.write(terminal, reply)


def press(process, key):
    """Press a key until the process ends: what comes while it sets the terminal up for its question may be lost."""
    while True:
        key()
        with suppress(subprocess.TimeoutExpired):
            return process.wait(timeout=1)


@pytest.mark.parametrize(("reply", "code"), [(b"y\n", 0), (b"n\n", 1), (b"\n", 1), (None, 130)])
def test_in_a_terminal_it_asks(recorder, terminal, reply, code):
    run = recorder.complete({"a": []})
    screen = terminal(80, 24)
    ours, theirs = screen.open()
    with screen.start(theirs, "rm", run.id) as process:
        os.close(theirs)
        shown = b""
        while b"[y/N]" not in shown:
            shown += os.read(ours, 1024)
        assert b"iris (" in shown
        assert press(process, lambda: reply_to(process, ours, reply)) == code
        os.close(ours)
    assert is_there(recorder, run) is (code != 0)


def test_the_document_holds_what_was_deleted(recorder, penstock):
    run = recorder.complete({"a": []})
    assert [one["task"]["id"] for one in penstock("rm", run.id, "--yes", "--json").document()["deleted"]] == [run.id]
