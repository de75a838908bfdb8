"""One process before it is started: our ends, and what is told to it; the rest is in test_processes.py."""

from __future__ import annotations

import os
import socket

import pytest

from penstock.core.errors import Invalid, PenstockError
from penstock.run import process as processes
from penstock.run import wire
from penstock.run.preload import open_descriptors
from penstock.run.process import Launch, Process


def launch(**options):
    given = {"key": "k", "payload": b"x", "cwd": "/", "environment": {"A": "é"}, "path": ("/p",)}
    return Launch(**given | options)


def test_the_setup_and_the_payload_wait_in_the_channel_for_the_process():
    made = Process(launch(entry="m:f"))
    channel = wire.Connection(socket.socket(fileno=os.dup(made.far[2])))
    frames = list(channel.receive())
    assert wire.decode_setup(frames[0]) == wire.Setup("m:f", b"/", ("A=é".encode(),), (b"/p",))
    assert frames[1] == b"x"
    channel.close()
    made.close()


@pytest.mark.parametrize(("options", "fresh"), [({}, False), ({"fresh": True}, True), ({"interpreter": "/x"}, True)])
def test_another_interpreter_is_never_forked(options, fresh):
    made = Process(launch(**options))
    assert made.fresh is fresh
    made.close()


def test_closing_leaves_no_descriptor_open(monkeypatch):
    monkeypatch.setattr(wire, "LIMIT", 1000)
    before = open_descriptors()
    Process(launch()).close()
    with pytest.raises(Invalid):
        Process(launch(payload=b"x" * 1001))
    assert open_descriptors() == before


def test_a_machine_without_room_for_one_more_says_so(monkeypatch):
    def refuse():
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(processes.os, "pipe", refuse)
    with pytest.raises(PenstockError, match="cannot start 'k': Too many open files"):
        Process(launch())
