"""A fork that waits becomes the process of whoever its descriptors are for; one that is never needed leaves."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from penstock.run import wire
from penstock.run.spare import Spare


@pytest.fixture
def waiting() -> Iterator[Spare]:
    """A fork that, once it is given its descriptors, says where each of them is."""
    spare = Spare()
    if not (pid := os.fork()):
        try:
            spare.settle()
            spare.wait()
            os.write(1, b"out")
            os.write(2, b"err")
            os.write(wire.CHANNEL, b"%d %d" % tuple(os.get_inheritable(number) for number in (1, wire.CHANNEL)))
        finally:
            os._exit(9)
    yield spare.born(pid)
    spare.close()


def ended(spare: Spare) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(spare.pid, 0)[1])


def test_it_is_given_its_output_and_its_channel(waiting):
    pipes = [os.pipe(), os.pipe()]
    ours, theirs = socket.socketpair()
    assert waiting.give((pipes[0][1], pipes[1][1], theirs.fileno()))
    for _, writable in pipes:
        os.close(writable)
    theirs.close()
    with ours:
        ours.settimeout(60)
        said = []
        for readable, _ in pipes:
            with os.fdopen(readable, "rb") as file:
                said.append(file.read())
        assert (said, ours.recv(100)) == ([b"out", b"err"], b"1 0")
    assert ended(waiting) == 9


def test_it_knows_whether_it_is_wanted_already(monkeypatch):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        monkeypatch.setattr(wire, "CHANNEL", theirs.fileno())
        assert not Spare.is_wanted()
        ours.send(b"!")
        assert Spare.is_wanted()


def test_one_that_is_never_needed_leaves(waiting):
    waiting.close()
    assert ended(waiting) == 0


def test_one_that_is_gone_takes_nothing(waiting):
    os.kill(waiting.pid, 9)
    assert ended(waiting) == -9
    assert not waiting.give((0, 1, 2))
