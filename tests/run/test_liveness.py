"""Whether a recorded process still lives."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec
import pytest
from msgspec.structs import replace

from penstock.core.task import Worker
from penstock.run.liveness import here, is_alive

SAY_WHO_I_AM = """
import sys
import msgspec
from penstock.run.liveness import here

print(msgspec.json.encode(here()).decode(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other():
    """A process that lives until its input ends."""
    command = [sys.executable, "-c", SAY_WHO_I_AM]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield process
        process.kill()


def worker_of(process):
    return msgspec.json.decode(process.stdout.readline(), type=Worker)


def test_this_process_lives():
    me = here()
    assert (me.pid, is_alive(me)) == (os.getpid(), True)
    assert me.started
    assert me == here()


def test_a_process_is_dead_when_it_has_ended(other):
    worker = worker_of(other)
    assert is_alive(worker)
    other.stdin.close()
    other.wait()
    assert is_alive(worker) is False


def test_a_process_that_nobody_has_waited_for_is_dead(other):
    """A zombie carries nothing out."""
    worker = worker_of(other)
    other.kill()
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    assert is_alive(worker) is False


def test_another_process_with_the_same_number_is_another_process():
    assert is_alive(replace(here(), started="1")) is False


def test_before_the_machine_was_started_again_is_dead():
    assert is_alive(replace(here(), boot="another boot")) is False


def test_of_another_machine_nothing_is_known():
    assert is_alive(replace(here(), host="elsewhere")) is None


FORK = """
import os
from penstock.run.liveness import here, is_alive

me = here()
if os.fork() == 0:
    fork = here()
    print(fork.pid == os.getpid() and fork != me and is_alive(fork), flush=True)
    os._exit(0)
os.wait()
"""


def test_a_fork_of_a_process_is_another_one():
    said = subprocess.run([sys.executable, "-c", FORK], stdout=subprocess.PIPE, text=True, check=True)
    assert said.stdout == "True\n"
