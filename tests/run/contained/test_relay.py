"""The inside end of a container's wire, as a process with pipes: what comes out, in which order, and when it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from tests.place import alive, until

from penstock.run.contained import relay
from penstock.run.wire import CHANNEL


class End:
    """The outside end of the wire of a relay."""

    def __init__(self, folder):
        self.process = subprocess.Popen(
            [sys.executable, relay.__file__, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.source, self.target = self.process.stdout.fileno(), self.process.stdin.fileno()

    def hear(self):
        return relay.read_frame(self.source)

    def start(self, code):
        """Have it run a piece of Python."""
        relay.write_frame(self.target, relay.START, json.dumps([sys.executable, "-c", code]).encode())

    def rest(self):
        """All frames until its end."""
        found = []
        while (frame := self.hear())[0]:
            found.append(frame)
        return found

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def end(tmp_path):
    end = End(tmp_path)
    yield end
    end.close()


def test_it_says_what_there_is(end):
    kind, data = end.hear()
    found = json.loads(data)
    assert kind == relay.HELLO
    assert found["executable"] == sys.executable
    assert found["packages"]["msgspec"]
    assert found["pid"] == end.process.pid
    assert os.path.dirname(relay.__file__) not in found["path"]  # noqa: PTH120 - texts are compared


def test_what_is_printed_goes_before_what_is_said_after_it(end):
    end.hear()
    end.start(
        f"""
import os, socket, sys
channel = socket.socket(fileno={CHANNEL})
for number in range(200):
    os.write(1, b"o" * 5000)
    os.write(2, b"e")
    channel.sendall(b"%03d" % number)
"""
    )
    printed, said = {relay.OUT: 0, relay.ERR: 0}, b""
    for kind, data in end.rest():
        if kind == relay.SAID:
            said += data
            until_now = len(said) // 3
            assert printed[relay.OUT] >= 5000 * until_now
            assert printed[relay.ERR] >= until_now
        elif kind in printed:
            printed[kind] += len(data)
    assert said == b"".join(b"%03d" % number for number in range(200))
    assert printed == {relay.OUT: 1_000_000, relay.ERR: 200}


def test_what_is_said_from_outside_arrives_however_long_it_is_while_much_is_printed(end):
    end.hear()
    end.start(
        f"""
import os, socket
channel = socket.socket(fileno={CHANNEL})
got = 0
while got < 3_000_000:
    got += len(channel.recv(65536))
    os.write(1, b"x" * 65536)
"""
    )
    written = 0

    def feed():
        nonlocal written
        for _ in range(3):
            relay.write_frame(end.target, relay.SAID, b"y" * 1_000_000)
            written += 1

    import threading

    thread = threading.Thread(target=feed)
    thread.start()
    *_, last = end.rest()
    thread.join()
    assert (written, last) == (3, (relay.EXIT, b"0"))


@pytest.mark.parametrize(
    ("code", "expected"), [("raise SystemExit(7)", b"7"), ("import os; os.kill(os.getpid(), 9)", b"-9")]
)
def test_it_says_how_that_ended_which_it_started(end, code, expected):
    end.hear()
    end.start(code)
    assert end.rest()[-1] == (relay.EXIT, expected)


@pytest.mark.skipif(os.getuid() != 0, reason="only root becomes another user")
def test_what_it_starts_belongs_to_whom_the_folder_belongs_to(tmp_path):
    (tmp_path / "own").mkdir()
    os.chown(tmp_path / "own", 1234, 2345)
    end = End(tmp_path / "own")
    found = json.loads(end.hear()[1])
    command = ["/bin/sh", "-c", "echo $(id -u) $(id -G)"]  # a Python of root's may be out of its reach
    relay.write_frame(end.target, relay.START, json.dumps(command).encode())
    frames = end.rest()
    end.close()
    assert found["variables"]["HOME"] == str(tmp_path / "own")
    assert frames == [(relay.OUT, b"1234 2345\n"), (relay.EXIT, b"0")]


def test_when_nobody_is_left_outside_it_ends_what_it_started(end):
    end.hear()
    end.start("import os, time; print(os.getpid(), flush=True); time.sleep(1000)")
    kind, data = end.hear()
    assert kind == relay.OUT
    assert alive(int(data))
    end.process.stdin.close()
    assert end.process.wait() == 1
    until(lambda: not alive(int(data)))


def test_when_nobody_says_what_to_start_it_leaves(end):
    end.hear()
    end.process.stdin.close()
    assert end.process.wait() == 0


def test_a_frame_that_is_cut_off_is_none():
    readable, writable = os.pipe()
    os.write(writable, relay.HEADER.pack(b"o", 5) + b"abc")
    os.close(writable)
    assert relay.read_frame(readable) == (b"", b"")
    os.close(readable)
