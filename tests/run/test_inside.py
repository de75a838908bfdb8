"""What a step finds when it wakes up in its process, and how it leaves; forked and spawned."""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from penstock.run import wire
from penstock.run.process import Exited, Spawned

FORKED_AND_FRESH = pytest.mark.parametrize("fresh", [False, True])


def test_a_step_is_a_process_with_its_own_folder_environment_and_path(steps, tmp_path: Path):
    environment = {"ONLY": "this", "TZ": "Asia/Tokyo", "ODD": os.fsdecode(b"\xff\xfe"), "EQUALS": "a=b"}
    heard = steps.run("surroundings", cwd=str(tmp_path), environment=environment)
    (found,) = heard.messages
    assert found["cwd"] == str(tmp_path)
    assert found["environment"] == environment
    assert found["path"] == list(steps.path)
    assert found["zone"] == "JST"
    assert found["pid"] == found["session"] == found["group"] != os.getpid()
    assert heard[0] == Spawned("surroundings", found["pid"])


@FORKED_AND_FRESH
def test_a_step_finds_an_interpreter_as_if_it_had_just_been_started(steps, fresh: bool):
    (found,) = steps.run("surroundings", fresh=fresh).messages
    assert found["descriptors"] == [0, 1, 2, 3, 4]  # 4 lists the others
    assert found["handlers"] == ["a function", "SIG_DFL", "SIG_DFL"]
    assert (found["blocked"], found["wakeup"], found["threads"]) == (0, -1, 1)
    assert found["encoding"] == ["utf-8", "utf-8"]
    assert found["stdin"] == ["", ""]
    assert found["argv"] == [""]
    assert found["gc"] is True
    assert found["environment"].items() >= {"MARK": "a mark"}.items()


@FORKED_AND_FRESH
def test_what_a_step_its_c_code_and_its_children_print_is_captured(steps, fresh: bool):
    heard = steps.run("print_everywhere", fresh=fresh)
    assert heard.printed().startswith(b"from Python\n")
    for piece in (b"without a line's end", b"[from a system call]", b"[from C]", b"[from a child]"):
        assert piece in heard.printed()
    assert heard.printed("err") == b"from Python as well\n[and its errors]\\udc80\n"


@FORKED_AND_FRESH
def test_the_streams_can_be_reconfigured(steps, fresh: bool):
    heard = steps.run("reconfigure", fresh=fresh)
    assert heard.printed() == "ä\n".encode("latin-1")
    assert heard.ends == [Exited("reconfigure", 0, None, "exit")]


@FORKED_AND_FRESH
@pytest.mark.parametrize(
    ("entry", "payload", "ending"),
    [
        ("code", b"0", (0, b"")),
        ("code", b"7", (7, b"")),
        ("leave", b"null", (0, b"")),
        ("leave", b"3", (3, b"")),
        ("leave", b'"in words"', (1, b"in words\n")),
    ],
)
def test_the_exit_code_is_what_the_step_returned_or_left_with(
    steps, fresh: bool, entry: str, payload: bytes, ending: tuple[int, bytes]
):
    heard = steps.run(entry, payload, fresh=fresh)
    assert heard[-1] == Exited(entry, ending[0], None, "exit")
    assert heard.printed("err") == ending[1]


def test_an_exception_is_shown_without_our_own_frames_and_exits_with_1(steps):
    heard = steps.run("fail")
    text = heard.printed("err").decode()
    assert text.startswith("Traceback (most recent call last):\n")
    assert text.endswith("RuntimeError: went wrong: ä\n")
    assert text.count("  File ") == 1
    assert heard[-1] == Exited("fail", 1, None, "exit")


@pytest.mark.parametrize("entry", ["no_such_module:main", "entries:no_such_function", "nonsense"])
def test_an_entry_that_cannot_be_found_is_an_error_of_the_step(steps, entry: str):
    heard = steps.run("missing", entry=entry)
    assert b"Error: " in heard.printed("err")
    assert heard[-1] == Exited("missing", 1, None, "exit")


def test_a_folder_that_is_not_there_is_an_error_of_the_step(steps):
    heard = steps.run("nothing", cwd="/no/such/folder")
    assert b"FileNotFoundError: [Errno 2] No such file or directory: b'/no/such/folder'" in heard.printed("err")
    assert heard[-1] == Exited("nothing", 1, None, "exit")


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGTERM])
def test_a_step_that_dies_of_a_signal_says_so(steps, number: signal.Signals):
    assert steps.run("signal_itself", b"%d" % number)[-1] == Exited("signal_itself", None, int(number), "exit")


def test_random_numbers_differ_between_two_steps(begin):
    steps = begin("random", "numpy.random")
    numbers = [number for key in "abcd" for number in steps.run("random_states", key=key).messages[0]]
    assert steps.warm.ready.forkable
    assert len(numbers) == len(set(numbers)) == 8


def test_another_interpreter_runs_a_step_on_the_same_terms(steps, tmp_path: Path):
    other = tmp_path / "another python"
    other.write_text(f'#!/bin/sh\necho "started by another" >&2\nexec "{sys.executable}" "$@"\n')
    other.chmod(0o755)
    heard = steps.run("surroundings", interpreter=str(other))
    assert heard.printed("err") == b"started by another\n"
    assert heard.messages[0]["path"] == list(steps.path)
    assert heard[-1] == Exited("surroundings", 0, None, "exit")


def test_a_process_whose_parent_has_died_before_it_could_notice_leaves_at_once():
    ours, theirs = socket.socketpair()
    ours.settimeout(60)
    with ours, theirs:
        place = (os.POSIX_SPAWN_DUP2, theirs.fileno(), wire.CHANNEL)
        command = wire.command(sys.executable, "inside", 1)
        pid = os.posix_spawn(sys.executable, command, os.environ, file_actions=[place])
        theirs.close()
        assert ours.recv(1) == b""  # it left without waiting for a word
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
