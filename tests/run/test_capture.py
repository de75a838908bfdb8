"""What a script prints is recorded, and gets where it was going, unchanged."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
import threading
from contextlib import redirect_stdout

import pytest

from penstock.backend import connect
from penstock.core.outputs import Stream
from penstock.ops.outputs import ReadConsole
from penstock.ops.tasks import CreateTask, NewTask
from penstock.run import capture as module
from penstock.run.capture import Capture
from penstock.run.reporter import Reporter
from penstock.settings import Settings

TASK = "1" * 32

BEFORE = """
import io, json, logging, os, sys, threading, time
from pathlib import Path
logging.basicConfig(format="%(message)s")  # it holds sys.stderr from before
from penstock.backend import connect
from penstock.ops.outputs import ReadConsole
from penstock.ops.tasks import CreateTask, NewTask
from penstock.run.capture import Capture
from penstock.run.reporter import Reporter
from penstock.settings import Settings
backend = connect(Settings(home=Path(sys.argv[1]), workers=1))
backend.call(CreateTask(task=NewTask(id="1" * 32, name="t", project="P")))
reporter = Reporter(backend, "1" * 32)
capture = Capture(reporter)
before = sys.stdout, sys.stderr
capture.start()
"""


def recorded(home):
    backend = connect(Settings(home=home, workers=1))
    chunks = backend.call(ReadConsole(task=TASK, limit=100_000))
    backend.close()
    return [(line.stream, line.text) for chunk in chunks for line in chunk.lines]


@pytest.fixture
def script(tmp_path):
    """Run a script that is recorded; return what came out, what came out as an error, and what is recorded."""

    def run(code, *options, **variables):
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"} | variables
        command = [sys.executable, *options, "-c", BEFORE + code, str(tmp_path / "home")]
        done = subprocess.run(command, capture_output=True, check=False, timeout=120, env=environment)
        return done.stdout, done.stderr, recorded(tmp_path / "home")

    return run


def lines(found, stream):
    return [text for which, text in found if which == stream]


@pytest.mark.parametrize("options", [(), ("-u",)])
def test_what_is_printed_is_recorded_and_comes_out_unchanged(script, options):
    out, err, found = script('print("one", 2)\nprint("error", file=sys.stderr)\nprint("three", end="")', *options)
    assert (out, err) == (b"one 2\nthree", b"error\n")
    assert lines(found, Stream.OUT) == ["one 2", "three"]
    assert lines(found, Stream.ERR) == ["error"]


def test_all_ways_to_print_are_recorded_in_their_order(script):
    out, _, found = script(
        """
sys.stdout.write("write\\n")
sys.stdout.writelines(["line 1\\n", "line 2\\n"])
sys.stdout.flush()
sys.stdout.buffer.write(b"bytes \\xff\\n")
sys.stdout.buffer.flush()
sys.stdout.reconfigure(line_buffering=True)
print("reconfigured")
"""
    )
    assert out == b"write\nline 1\nline 2\nbytes \xff\nreconfigured\n"
    assert lines(found, Stream.OUT) == ["write", "line 1", "line 2", "bytes \ufffd", "reconfigured"]


FACTS = """
def facts(out, err):
    return [out.isatty(), out.fileno(), out.encoding, out.errors, out.name, out.mode, out.line_buffering, out.newlines,
            out.write_through, err.line_buffering, err.errors, out.writable(), out.seekable(), type(out).__name__]
"""


@pytest.mark.parametrize("options", [(), ("-u",)])
def test_the_streams_stay_what_they_are(script, options):
    out, _, _ = script(
        f"""{FACTS}
taken = facts(*before)
capture.stop()
print(json.dumps([taken, before == (sys.stdout, sys.stderr) == (sys.__stdout__, sys.__stderr__)]))
""",
        *options,
    )
    plain = [
        sys.executable,
        *options,
        "-c",
        f"import json, sys\n{FACTS}\nprint(json.dumps(facts(sys.stdout, sys.stderr)))",
    ]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    expected = subprocess.run(plain, capture_output=True, check=True, env=environment).stdout
    assert json.loads(out) == [json.loads(expected), True]


def test_who_got_hold_of_a_stream_earlier_is_recorded_too(script):
    _, err, found = script('logging.warning("from a handler that was there before")')
    assert err == b"from a handler that was there before\n"
    assert lines(found, Stream.ERR) == ["from a handler that was there before"]


def test_the_traceback_that_ends_a_script_is_recorded(script):
    _, err, found = script("print('so far')\nraise ValueError('the end')")
    assert b"ValueError: the end" in err
    assert lines(found, Stream.ERR)[-1] == "ValueError: the end"
    assert lines(found, Stream.OUT) == ["so far"]


def test_a_progress_bar_leaves_what_a_terminal_would_show(script):
    out, _, found = script('for part in range(101):\n    print(f"\\r{part}%", end="", flush=True)\nprint()')
    assert out.count(b"\r") == 101
    assert lines(found, Stream.OUT) == ["100%"]


def test_an_encoding_of_its_own_is_read_as_such(script):
    out, _, found = script('print("caf\\u00e9")', PYTHONIOENCODING="latin-1", PYTHONUTF8="0")
    assert out == b"caf\xe9\n"
    assert lines(found, Stream.OUT) == ["caf\u00e9"]


def test_nothing_is_recorded_after_it_is_stopped_and_again_after_the_next_start(script):
    out, _, found = script(
        'print("one")\ncapture.stop()\nprint("two")\nagain = Capture(reporter)\nagain.start()\nprint("three")'
    )
    assert out == b"one\ntwo\nthree\n"
    assert lines(found, Stream.OUT) == ["one", "three"]


def test_a_forked_process_prints_and_records_nothing_and_does_not_hang(script):
    code = """
import multiprocessing
def work(number):
    print("child", number)
    sys.stdout.flush()
context = multiprocessing.get_context("fork")
stop = threading.Event()
def chatter():
    while not stop.is_set():
        sys.stderr.write("x" * 100 + "\\n")
thread = threading.Thread(target=chatter)
thread.start()
print("before")
children = [context.Process(target=work, args=(number,)) for number in range(8)]
for child in children:
    child.start()
for child in children:
    child.join(60)
    assert child.exitcode == 0
stop.set()
thread.join()
print("after")
"""
    out, err, found = script(code, "-W", "ignore")
    assert sorted(out.split()) == sorted(
        [b"before", b"after", *[b"child"] * 8, *[str(number).encode() for number in range(8)]]
    )
    assert lines(found, Stream.OUT) == ["before", "after"]
    assert lines(found, Stream.ERR) == err.decode().splitlines()


def test_threads_that_print_at_once_lose_nothing(script):
    code = """
def work(name):
    for number in range(2000):
        sys.stdout.write(f"{name} {number}\\n")
threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    out, err, found = script(code)
    assert err == b""
    assert lines(found, Stream.OUT) == out.decode().splitlines()
    assert len(found) == 8000


def test_a_terminal_stays_a_terminal(tmp_path):
    """Lines come out at once, as before, and a program that asks is told that it has a terminal."""
    master, slave = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    code = BEFORE + 'print("terminal:", sys.stdout.isatty(), sys.stdout.line_buffering)'
    command = [sys.executable, "-c", code, str(tmp_path / "home")]
    with subprocess.Popen(command, stdout=slave, stderr=slave, env=environment) as process:
        os.close(slave)
        out = b""
        while not out.endswith(b"\n"):
            out += os.read(master, 1000)
        assert process.wait(60) == 0
    os.close(master)
    assert out == b"terminal: True True\r\n"
    assert lines(recorded(tmp_path / "home"), Stream.OUT) == ["terminal: True True"]


def test_fifty_megabytes_in_one_line_and_binary_rubbish_are_recorded(script):
    code = """
sys.stdout.buffer.write(os.urandom(1_000_000) + b"\\n")
print("y" * 50_000_000)
print("\\x1b[31mred\\x1b[0m \\x1b]0;title\\x07")
try:
    print("\\ud800")
except UnicodeEncodeError:
    print("as before")
sys.stderr.write("\\ud800\\n")
"""
    out, err, found = script(code, PYTHONUTF8="1")
    texts = lines(found, Stream.OUT)
    assert len(out) > 51_000_000
    assert sum(text.count("y") for text in texts if len(text) > 1000 and set(text) == {"y"}) == 50_000_000
    assert texts[-2:] == ["\x1b[31mred\x1b[0m \x1b]0;title\x07", "as before"]
    assert (err, lines(found, Stream.ERR)) == (b"\\ud800\n", ["\\ud800"])


class Slow:
    """A backend that records only when it may."""

    def __init__(self):
        self.go_on = threading.Event()
        self.lines = []

    def call(self, op):
        assert self.go_on.wait(60)
        self.lines += [text for line in op.lines for text in line.text.split("\n")]


def test_a_stream_that_is_not_pythons_own_is_recorded_and_put_back():
    slow = Slow()
    slow.go_on.set()
    reporter = Reporter(slow, TASK)
    capture = Capture(reporter)
    with redirect_stdout(io.StringIO()) as stream:
        capture.start()
        print("notebook")
        sys.stdout.writelines(["a\n", "b\ud800\n"])
        assert sys.stdout.getvalue() == "notebook\na\nb\ud800\n"
        capture.stop()
        reporter.close()
        assert sys.stdout is stream
    assert slow.lines == ["notebook", "a", "b\\ud800"]


def test_who_prints_faster_than_can_be_recorded_waits(monkeypatch):
    """Memory stays bounded, and nothing is dropped."""
    monkeypatch.setattr(module, "MOST_WAITING", 1000)
    slow = Slow()
    reporter = Reporter(slow, TASK)
    capture = Capture(reporter)
    printed = threading.Event()

    def work():
        for number in range(10):
            print("x" * 500, number)
        printed.set()

    with redirect_stdout(io.StringIO()):
        capture.start()
        thread = threading.Thread(target=work)
        thread.start()
        assert not printed.wait(0.5)
        slow.go_on.set()
        assert printed.wait(60)
        thread.join()
        capture.stop()
        reporter.close()
    assert slow.lines == [f"{'x' * 500} {number}" for number in range(10)]


def test_a_recorder_that_hangs_is_given_up_and_printing_goes_on(monkeypatch, capsys):
    monkeypatch.setattr(module, "MOST_WAITING", 1000)
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    slow = Slow()
    reporter = Reporter(slow, TASK)
    capture = Capture(reporter)
    with redirect_stdout(io.StringIO()) as stream:
        capture.start()
        for number in range(20):
            print("x" * 500, number)
        slow.go_on.set()
        capture.stop()
    reporter.close()
    assert stream.getvalue().count("\n") == 20
    assert "not recorded any more" in capsys.readouterr().err


def test_a_flush_of_the_reporter_records_what_was_printed(script):
    code = """
print("no line break", end="")
print(" yet")
reporter.flush()
chunks = backend.call(ReadConsole(task="1" * 32))
sys.stderr.write(json.dumps([line.text for chunk in chunks for line in chunk.lines]))
"""
    _, err, _ = script(code)
    assert json.loads(err) == ["no line break yet"]


def test_lines_carry_the_time_at_which_they_were_printed(tmp_path, script):
    script('print("one", flush=True)\ntime.sleep(0.1)\nprint("two", flush=True)')
    backend = connect(Settings(home=tmp_path / "home", workers=1))
    one, two = [line for chunk in backend.call(ReadConsole(task=TASK)) for line in chunk.lines]
    backend.close()
    assert two.at - one.at >= 0.09


@pytest.mark.parametrize("code", ["os._exit(3)", "import signal; os.kill(os.getpid(), signal.SIGKILL)"])
def test_what_left_the_process_is_recorded_soon_so_that_a_crash_takes_little(script, code):
    wait = 'while not backend.call(ReadConsole(task="1" * 32)): time.sleep(0.01)\n'
    out, _, found = script(f'print("before the crash")\n{wait}{code}')
    assert out == b"before the crash\n"
    assert lines(found, Stream.OUT) == ["before the crash"]


def test_a_task_that_is_not_there_breaks_nothing(tmp_path, capsys):
    backend = connect(Settings(home=tmp_path / "home", workers=1))
    reporter = Reporter(backend, TASK)
    capture = Capture(reporter)
    with redirect_stdout(io.StringIO()) as stream:
        capture.start()
        print("goes on")
        capture.stop()
    reporter.close()
    assert stream.getvalue() == "goes on\n"
    assert "could not be recorded" in capsys.readouterr().err
    backend.call(CreateTask(task=NewTask(id=TASK, name="t", project="P")))
    backend.close()
