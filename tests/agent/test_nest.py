"""A nest gives each task to a shim that stands by, and sees to it that another one does; real processes do its work."""

from __future__ import annotations

import os
import queue
import select

import pytest
from tests.place import alive, until

from penstock.agent.nest import Nest
from penstock.run.process import Launch

ENTRY = """
import os
from penstock.run import wire

def told(payload, channel):
    with open(payload.decode(), "a") as log:
        log.write(f"{os.getpid()} stands by\\n")
    try:
        while order := wire.receive_frame(channel):
            with open(payload.decode(), "a") as log:
                log.write(f"{os.getpid()} {order.decode()}\\n")
            if order in (b"fail", b"leave"):
                return int(order == b"fail")
            wire.send_frame(channel, b"done")
    except EOFError:
        pass
    return 0
"""


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


@pytest.fixture
def gone():
    return queue.Queue()


@pytest.fixture
def nest(tmp_path, log, gone):
    (tmp_path / "entry.py").write_text(ENTRY)
    shim = Launch(
        key="",
        payload=str(log).encode(),
        cwd=str(tmp_path),
        environment={"PATH": os.environ["PATH"]},
        path=(str(tmp_path),),
        entry="entry:told",
        detached=True,
    )
    nest = Nest((), "", shim, lambda task, as_it_should: gone.put((task, as_it_should)))
    yield nest
    nest.close()


def said(log, count):
    """The lines of the log, once there are so many."""
    return until(lambda: len(lines := log.read_text().splitlines() if log.exists() else []) >= count and lines)


def pid_of(log, order, count):
    (pid,) = [line.split()[0] for line in said(log, count) if line.endswith(order)]
    return pid


def test_a_task_goes_to_a_shim_that_stood_by_and_one_always_does(nest, log, gone):
    nest.carry_out("a", b"leave")
    assert gone.get(timeout=60) == ("a", True)
    before = {line.split()[0] for line in said(log, 3) if line.endswith("stands by")}
    nest.carry_out("b", b"second")
    assert gone.get(timeout=60) == ("b", True)
    assert pid_of(log, "second", 5) in before - {pid_of(log, "leave", 5)}


def test_a_shim_that_has_done_its_task_takes_the_next_one(nest, log, gone):
    for task in ("first", "second", "third"):
        nest.carry_out(task, task.encode())
        assert gone.get(timeout=60) == (task, True)
    lines = said(log, 5)
    assert len([line for line in lines if line.endswith("stands by")]) == 2, "it, and one more"
    assert pid_of(log, "second", 5) == pid_of(log, "third", 5)


def test_more_shims_than_will_be_needed_are_let_go(nest, log, gone, monkeypatch):
    monkeypatch.setattr("penstock.agent.nest.MOST", 1)
    nest.carry_out("a", b"first")
    assert gone.get(timeout=60) == ("a", True)
    pids = {int(line.split()[0]) for line in said(log, 3)}
    until(lambda: sum(map(alive, pids)) == 1)
    nest.carry_out("b", b"second")
    assert gone.get(timeout=60) == ("b", True)


def test_a_shim_that_left_otherwise_than_it_should_is_told_of_with_its_task(nest, gone):
    nest.carry_out("a", b"fail")
    assert gone.get(timeout=60) == ("a", False)
    until(lambda: nest.is_empty)


def test_who_stands_by_leaves_with_the_nest(nest, log, gone):
    nest.carry_out("a", b"first")
    gone.get(timeout=60)
    handles = [os.pidfd_open(int(pid)) for pid in {line.split()[0] for line in said(log, 3)}]
    nest.close()
    for handle in handles:
        assert select.select([handle], [], [], 60)[0]
        os.close(handle)
