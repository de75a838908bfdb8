"""How the process of a plain script leaves: real scripts, and the words for it."""

from __future__ import annotations

import builtins
import gc
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from penstock.core.task import EndReason, Status
from penstock.run.leaving import Farewell, Leaving, farewell

WELL = ["completed", None, ""]
HEAD = """
import json, os, signal, sys, threading, time
from penstock.run.leaving import Leaving

def say(farewell):
    print("LEFT", json.dumps([farewell.status, farewell.reason, *farewell.message.splitlines()]), flush=True)

leaving = Leaving(say)
leaving.watch()
"""


@pytest.fixture
def leave(tmp_path):
    """Run a script as a process; return what it said when it left, how often, and its exit code."""

    def run(body, *command, send=None, name="script.py"):
        file = tmp_path / name
        file.write_text(HEAD + textwrap.dedent(body))
        process = subprocess.Popen(
            [sys.executable, *(command or (str(file),))],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            if send is not None:
                assert process.stdout.readline() == "ready\n"
                process.send_signal(send)
            out, run.errors = process.communicate(timeout=60)
        run.out = out
        said = [json.loads(line[5:]) for line in out.splitlines() if line.startswith("LEFT ")]
        assert len(said) <= 1, "it is said once"
        run.lines = said[0][3:] if said else []
        return ([*said[0][:3], ""][:3] if said else None), process.returncode

    return run


@pytest.mark.parametrize("body", ["", "sys.exit()", "sys.exit(0)", "exit()", "raise SystemExit", "sys.exit(False)"])
def test_a_script_that_comes_to_its_end_left_well(leave, body):
    assert leave(body) == (WELL, 0)


@pytest.mark.parametrize(
    ("body", "words", "code"),
    [
        ("sys.exit(3)", "sys.exit(3)", 3),
        ("sys.exit('no data')", "sys.exit('no data')", 1),
        ("exit(2)", "sys.exit(2)", 2),
        ("quit(2)", "sys.exit(2)", 2),
        ("def main():\n    sys.exit(4)\nif True:\n    main()", "sys.exit(4)", 4),
        ("import argparse; argparse.ArgumentParser().parse_args(['--x'])", "sys.exit(2)", 2),
        ("sys.exit(-1)", "sys.exit(-1)", 255),
    ],
)
def test_a_script_that_leaves_by_an_exit_code_failed(leave, body, words, code):
    assert leave(body) == (["failed", "exit code", words], code)


@pytest.mark.parametrize(
    "body",
    [
        "try:\n    sys.exit(3)\nexcept SystemExit:\n    pass",
        "def f():\n    try:\n        sys.exit(3)\n    except SystemExit as e:\n        return e\nkept = f()",
        "threading.Thread(target=lambda: sys.exit(3)).start()",
        "thread = threading.Thread(target=lambda: sys.exit(3)); thread.start(); thread.join()\nraise SystemExit",
        "threading.Thread(target=lambda: 1 / 0).start()",
        "pid = os.fork()\nif not pid:\n    sys.exit(3)\nos.waitpid(pid, 0)",
        "pid = os.fork()\nif not pid:\n    1 / 0\nos.waitpid(pid, 0)",
        "pid = os.fork()\nif not pid:\n    os.kill(os.getpid(), 15)\n    time.sleep(9)\nos.waitpid(pid, 0)",
    ],
)
def test_an_exit_that_does_not_end_the_script_is_none(leave, body):
    """It was caught, or ended a thread or a child."""
    assert leave(body) == (WELL, 0)


def test_an_exception_that_nothing_catches_is_told_with_its_traceback(leave):
    assert leave("def f():\n    return 1 / 0\nf()") == (
        ["failed", "exception", "ZeroDivisionError: division by zero"],
        1,
    )
    assert "    return 1 / 0" in leave.lines
    assert "ZeroDivisionError" in leave.errors, "Python shows it all the same"


def test_an_exception_after_a_caught_exit_is_what_counts(leave):
    body = "try:\n    sys.exit(3)\nexcept SystemExit:\n    pass\nraise ValueError('after')"
    assert leave(body) == (["failed", "exception", "ValueError: after"], 1)


def test_a_hook_of_the_user_s_own_is_still_called(leave):
    body = "leaving.stop()\nsys.excepthook = lambda *_: print('mine')\nleaving = Leaving(say); leaving.watch()\n1 / 0"
    assert leave(body) == (["failed", "exception", "ZeroDivisionError: division by zero"], 1)
    assert leave.out.startswith("mine\n")


@pytest.mark.parametrize(("body", "code"), [("os._exit(0)", 0), ("os.kill(os.getpid(), 9)", -9)])
def test_a_process_that_is_gone_at_once_says_nothing(leave, body, code):
    assert leave(body) == (None, code)


def test_it_waits_for_the_script_s_threads(leave):
    body = "threading.Thread(target=lambda: (time.sleep(0.2), print('thread', flush=True))).start()"
    assert leave(body) == (WELL, 0)


@pytest.mark.parametrize(
    ("number", "words", "code"),
    [
        (signal.SIGTERM, ["stopped", "signal", "stopped by SIGTERM"], -signal.SIGTERM),
        (signal.SIGINT, ["stopped", "aborted", "interrupted from the keyboard"], -signal.SIGINT),
    ],
)
def test_a_script_that_somebody_stops_was_stopped(leave, number, words, code):
    assert leave("print('ready', flush=True)\ntime.sleep(60)", send=number) == (words, code)


def test_a_stop_is_said_although_the_interrupted_line_holds_what_saying_it_needs(leave):
    """Nothing may wait for ever: a process that is told to stop leaves."""
    body = """
    import penstock.run.leaving
    penstock.run.leaving.PATIENCE = 0.2
    lock = threading.Lock()
    leaving._say = lambda farewell: lock.acquire()
    with lock:
        print('ready', flush=True)
        time.sleep(60)
    """
    assert leave(body, send=signal.SIGTERM) == (None, -signal.SIGTERM)


def test_a_handler_of_the_script_s_own_stays(leave):
    body = """
    leaving.stop()
    signal.signal(signal.SIGTERM, lambda *_: print("mine", flush=True))
    leaving = Leaving(say)
    leaving.watch()
    os.kill(os.getpid(), signal.SIGTERM)
    """
    assert leave(body) == (WELL, 0)


def test_a_module_that_is_run_by_name_leaves_as_a_script_does(leave):
    assert leave("sys.exit(3)", "-m", "script") == (["failed", "exit code", "sys.exit(3)"], 3)
    assert leave("try:\n    sys.exit(3)\nexcept SystemExit:\n    pass", "-m", "script") == (WELL, 0)


def test_what_saying_it_raises_is_lost(leave):
    assert leave("leaving._say = lambda farewell: 1 / 0") == (None, 0)


def test_a_script_that_begins_in_another_thread_is_followed_too(leave):
    body = """
    leaving.stop()
    leaving = Leaving(say)
    thread = threading.Thread(target=leaving.watch)
    thread.start()
    thread.join()
    sys.exit(3)
    """
    assert leave(body) == (["failed", "exit code", "sys.exit(3)"], 3)


# In this process


@pytest.fixture
def said():
    return []


def test_all_is_put_back_and_nothing_is_said_any_more(said):
    before = (sys.excepthook, sys.exit, builtins.exit, signal.getsignal(signal.SIGTERM))
    leaving = Leaving(said.append)
    leaving.watch()
    assert sys.exit is not before[1]
    leaving.stop()
    leaving.stop()
    assert (sys.excepthook, sys.exit, builtins.exit, signal.getsignal(signal.SIGTERM)) == before
    leaving._end()
    assert said == []


def test_what_somebody_put_there_meanwhile_stays(monkeypatch):
    for place, name in ((sys, "exit"), (sys, "excepthook"), (builtins, "quit")):
        monkeypatch.setattr(place, name, getattr(place, name))
    leaving = Leaving(lambda _: None)
    leaving.watch()
    sys.exit = sys.excepthook = builtins.quit = ours = lambda *_: None
    leaving.stop()
    assert (sys.exit, sys.excepthook, builtins.quit) == (ours, ours, ours)
    assert builtins.exit is not ours


@pytest.mark.parametrize(
    ("error", "code", "expected"),
    [
        (None, 0, Farewell()),
        (None, 2, Farewell(Status.FAILED, EndReason.EXIT_CODE, "sys.exit(2)")),
        (KeyboardInterrupt(), 130, Farewell(Status.STOPPED, EndReason.ABORTED, "interrupted from the keyboard")),
        (SystemExit(None), 0, Farewell()),
        (SystemExit("x"), 1, Farewell(Status.FAILED, EndReason.EXIT_CODE, "sys.exit('x')")),
    ],
)
def test_how_our_own_command_saw_the_script_end_is_what_counts(said, error, code, expected):
    leaving = Leaving(said.append)
    leaving.watch()
    leaving._left(7)  # it was caught
    leaving.note(error, code)
    leaving._end()
    assert said == [expected]


@pytest.mark.parametrize("in_another_thread", [False, True])
def test_frames_are_never_asked_for_while_garbage_may_be_collected(monkeypatch, in_another_thread):
    """On Python 3.11 both may wait for each other."""
    asked, current_frames = [], sys._current_frames
    monkeypatch.setattr(sys, "_current_frames", lambda: (asked.append(gc.isenabled()), current_frames())[1])
    leaving = Leaving(lambda _: None)
    if in_another_thread:
        thread = threading.Thread(target=leaving.watch)
        thread.start()
        thread.join()
    else:
        leaving.watch()
    leaving.stop()
    assert asked == ([False] if in_another_thread else [])
    assert gc.isenabled()


def test_text_that_cannot_be_written_is_spelt_out():
    class Rude(Exception):
        def __str__(self):
            raise RuntimeError("no")

    assert farewell(Rude()).message.startswith("Rude: (its text cannot be read)")
    assert farewell(ValueError("\ud800")).message.startswith("ValueError: \\ud800")


def test_only_the_main_thread_takes_signals(said):
    before = signal.getsignal(signal.SIGTERM)
    leaving = Leaving(said.append)
    thread = threading.Thread(target=leaving.watch)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is before
    leaving.stop()
    assert os.getpid() == leaving._process
