"""The entry point of a step's process, in a real one: what is said last, and what comes before it."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from penstock.core.outputs import ScalarPoint
from penstock.core.task import Script, Status, Task
from penstock.ops.base import REGISTRY
from penstock.ops.outputs import ReportScalars
from penstock.run.attempt import AttemptSpec, Outcome, Reply, decode_from_step, encode
from penstock.run.wire import receive_frame, send_frame

CHILD = """
import socket, sys
from penstock.run.child import main
payload = sys.stdin.buffer.read()
sys.exit(main(payload, socket.socket(fileno=int(sys.argv[1])), eval(sys.argv[2])))
"""


class Child:
    """What a process said, in its order; what it printed; its exit code."""

    def __init__(self, source, home, returns=(), before="lambda spec: None"):
        script = Script(source=source, entry_point="f")
        spec = AttemptSpec(
            task=Task(id="t" * 32, name="s", project="P", script=script, run="r" * 32, step="s"),
            file=str(home / "f.py"),
            arguments={},
            inputs={},
            references={},
            returns=returns,
            home=str(home),
            blobs=str(home / "blobs"),
            scratch=str(home / "scratch"),
        )
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-c", CHILD, str(theirs.fileno()), before]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=False,
            pass_fds=(theirs.fileno(),),
        )
        theirs.close()
        process.stdin.write(encode(spec))
        process.stdin.close()
        process.stdin = None
        with ours:
            self.said = list(self._hear(ours))
        self.out, self.err = (stream.decode() for stream in process.communicate())
        self.code = process.returncode

    @staticmethod
    def _hear(channel):
        """Answer every request with nothing, until the other end is closed."""
        while True:
            try:
                said = decode_from_step(receive_frame(channel))
            except EOFError:
                return
            yield said
            if not isinstance(said, Outcome):
                send_frame(channel, encode(Reply(number=said.number)))

    @property
    def outcome(self):
        """Its last words."""
        *before, last = self.said
        assert not [one for one in before if isinstance(one, Outcome)]
        return last

    @property
    def reported(self):
        """The values of all points, in the order of their report."""
        import msgspec

        found = []
        for one in self.said:
            if not isinstance(one, Outcome) and REGISTRY[one.op] is ReportScalars:
                op = msgspec.msgpack.decode(one.body, type=ReportScalars)
                found += [point.value for series in op.series for point in series.points]
        assert all(isinstance(one, float | int) for one in found), ScalarPoint
        return found


@pytest.mark.parametrize(
    ("source", "code", "status"),
    [
        ("def f(): return 1", 0, Status.COMPLETED),
        ("def f(): 1/0", 1, Status.FAILED),
        ("import sys\ndef f(): sys.exit(7)", 1, Status.FAILED),
        ("import sys\ndef f(): sys.exit()", 0, Status.COMPLETED),
    ],
)
def test_the_exit_code_says_whether_it_went_well(tmp_path, source, code, status):
    """Promise 64: a non-zero exit is a failed step."""
    child = Child(source, tmp_path)
    assert (child.code, child.outcome.status) == (code, status)


def test_what_was_printed_is_out_before_the_outcome(tmp_path):
    child = Child("import sys\ndef f():\n    print('out', end='')\n    print('err', end='', file=sys.stderr)", tmp_path)
    assert (child.out, child.err) == ("out", "err")


def test_what_was_reported_is_said_before_the_outcome(tmp_path):
    source = (
        "from penstock import Logger\n"
        "def f():\n"
        "    for n in range(500): Logger.current_logger().report_scalar('t', 's', n, n)\n"
    )
    assert Child(source, tmp_path).reported == list(range(500))


def test_threads_are_waited_for_and_exit_functions_called(tmp_path):
    """As at the end of any Python script; both may still report and print."""
    source = """
import atexit, threading, time
from penstock import Logger

def report(value):
    Logger.current_logger().report_scalar("t", "s", value, 0)
    print("said", value)

def work(go_on):
    go_on.wait()
    time.sleep(0.05)
    report(1.0)

def f():
    go_on = threading.Event()
    atexit.register(report, 2.0)
    threading.Thread(target=work, args=(go_on,)).start()
    go_on.set()
"""
    child = Child(source, tmp_path)
    assert child.reported == [1.0, 2.0]
    assert child.out == "said 1.0\nsaid 2.0\n"
    assert (child.code, child.outcome.status) == (0, Status.COMPLETED)


def test_an_exit_function_that_fails_is_shown_and_changes_nothing(tmp_path):
    source = "import atexit\ndef fail(): raise ValueError('late')\ndef f():\n    atexit.register(fail)\n"
    child = Child(source, tmp_path)
    assert child.outcome.status is Status.COMPLETED
    assert "late" in child.err


def test_the_process_knows_what_it_works_on(tmp_path):
    source = (
        "from penstock.run import current\n"
        "def f():\n"
        "    me = current.get()\n"
        "    print(me.task == 't' * 32, me.run == 'r' * 32, me.assigned)\n"
    )
    assert Child(source, tmp_path).out == "True True True\n"


def test_what_is_to_be_done_before_the_user_s_code_is_done_then_and_knows_the_attempt(tmp_path):
    before = "lambda spec: print('before', spec.task.name, __import__('penstock.run.current').run.current.get().task)"
    child = Child("print('loaded')\ndef f(): print('called')", tmp_path, before=before)
    assert child.out == f"before s {'t' * 32}\nloaded\ncalled\n"
    assert child.outcome.status is Status.COMPLETED


def test_what_is_done_before_and_fails_ends_the_process_without_an_outcome(tmp_path):
    """It is our own code; the launcher says how the process ended."""
    child = Child("def f(): print('called')", tmp_path, before="lambda spec: 1 / 0")
    assert (child.said, child.out, child.code) == ([], "", 1)
    assert "ZeroDivisionError" in child.err


def test_a_report_that_cannot_be_sent_does_not_fail_the_step(tmp_path):
    source = (
        "from penstock import Logger\ndef f():\n    Logger.current_logger().report_scalar('\\udcff', 's', 1.0, 2**70)\n"
    )
    child = Child(source, tmp_path)
    assert (child.code, child.outcome.status) == (0, Status.COMPLETED)
    assert "a report could not be recorded" in child.err
