"""A nest gives each task to the shim that stands by, and has the next one stand by; real processes do its work."""

from __future__ import annotations

import os
import queue
import select

import pytest
from tests.place import until

from penstock.agent.nest import Nest
from penstock.run.process import Launch

ENTRY = """
import os
from penstock.run import wire

def told(payload, channel):
    with open(payload.decode(), "a") as log:
        log.write(f"{os.getpid()} stands by\\n")
    try:
        order = wire.receive_frame(channel)
    except EOFError:
        return 0
    with open(payload.decode(), "a") as log:
        log.write(f"{os.getpid()} {order.decode()}\\n")
    return int(order == b"fail")
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


def test_a_task_goes_to_the_shim_that_stood_by_and_another_takes_its_place(nest, log, gone):
    nest.carry_out("a", b"first")
    assert gone.get(timeout=60) == ("a", True)
    before = {line.split()[0] for line in said(log, 3) if line.endswith("stands by")}
    nest.carry_out("b", b"second")
    assert gone.get(timeout=60) == ("b", True)
    (second,) = [line.split()[0] for line in said(log, 5) if line.endswith("second")]
    assert second in before


def test_a_shim_that_left_otherwise_than_it_should_is_told_of_with_its_task(nest, gone):
    nest.carry_out("a", b"fail")
    assert gone.get(timeout=60) == ("a", False)
    until(lambda: nest.is_empty)


def test_who_stands_by_leaves_with_the_nest(nest, log, gone):
    nest.carry_out("a", b"first")
    gone.get(timeout=60)
    lines = said(log, 3)
    (waiting,) = {line.split()[0] for line in lines} - {line.split()[0] for line in lines if line.endswith("first")}
    handle = os.pidfd_open(int(waiting))
    nest.close()
    assert select.select([handle], [], [], 60)[0]
    os.close(handle)
