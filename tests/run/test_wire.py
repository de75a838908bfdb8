"""Frames, over real sockets."""

from __future__ import annotations

import os
import resource
import socket
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import Invalid
from penstock.run import wire


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


@given(st.lists(st.binary(max_size=100_000), max_size=8))
def test_frames_arrive_whole_and_in_order_however_they_are_cut(frames: list[bytes]):
    one, other = socket.socketpair()
    sender, receiver = wire.Connection(one), wire.Connection(other)
    for frame in frames:
        sender.send(frame)
    received: list[bytes] = []
    while len(received) < len(frames):
        received += receiver.receive()
        sender.flush()
    assert received == frames
    assert not sender.pending
    sender.close()
    assert receiver.receive() == []
    assert receiver.ended
    receiver.close()


def test_descriptors_arrive_with_their_frames_and_are_closed_where_they_came_from(ends: tuple[socket.socket, ...]):
    sender, receiver = wire.Connection(ends[0]), wire.Connection(ends[1], descriptors=True)
    pipes = [os.pipe() for _ in range(3)]
    for readable, writable in pipes:
        sender.send(b"x" * 50_000, (writable,))
        os.set_blocking(readable, False)
    frames: list[bytes] = []
    while len(frames) < 3:
        frames += receiver.receive()
        sender.flush()
    assert len(receiver.arrived) == 3
    for readable, _ in pipes:
        (descriptor,) = receiver.arrived.popleft()
        assert not os.get_inheritable(descriptor)
        os.write(descriptor, b"through")
        os.close(descriptor)
        assert os.read(readable, 100) == b"through"
        assert os.read(readable, 100) == b""  # no other end is open any more
        os.close(readable)


def test_descriptors_that_a_process_may_not_open_leave_an_empty_place(ends: tuple[socket.socket, ...]):
    sender, receiver = wire.Connection(ends[0]), wire.Connection(ends[1], descriptors=True)
    for _ in range(2):
        sender.send(b"frame", os.pipe())
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + 1, hard))
    try:
        first = receiver.receive()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert first + receiver.receive() == [b"frame", b"frame"]
    refused, accepted = receiver.arrived
    assert refused == ()
    assert len(accepted) == 2
    receiver.close()


def test_a_connection_that_is_closed_closes_the_descriptors_on_their_way(ends: tuple[socket.socket, ...]):
    sender, receiver = wire.Connection(ends[0]), wire.Connection(ends[1], descriptors=True)
    readable, writable = os.pipe()
    sender.send(b"arrives", (writable,))
    receiver.receive()
    receiver.close()
    assert os.read(readable, 1) == b""
    os.close(readable)
    readable, writable = os.pipe()
    sender.send(b"never leaves", (writable,))
    assert sender.ended
    assert os.read(readable, 1) == b""
    os.close(readable)


def test_what_cannot_be_sent_yet_waits_and_blocks_nobody(ends: tuple[socket.socket, ...]):
    sender = wire.Connection(ends[0])
    sender.send(b"x" * 10_000_000)
    assert sender.pending
    received: list[bytes] = []
    thread = threading.Thread(target=lambda: received.append(wire.receive_frame(ends[1])))
    thread.start()
    while sender.pending:
        sender.flush()
    thread.join()
    assert received == [b"x" * 10_000_000]


def test_blocking_frames_go_through_and_take_not_a_byte_too_much(ends: tuple[socket.socket, ...]):
    for frame in (b"", b"one", b"y" * 100_000):
        wire.send_frame(ends[0], frame)
    assert [len(wire.receive_frame(ends[1])) for _ in range(3)] == [0, 3, 100_000]
    ends[0].sendall(b"\0\0\0\5half")
    ends[0].close()
    with pytest.raises(EOFError):
        wire.receive_frame(ends[1])


def test_a_stream_that_is_not_ours_ends_the_connection(ends: tuple[socket.socket, ...]):
    receiver = wire.Connection(ends[1])
    ends[0].sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert receiver.receive() == []
    assert receiver.ended


def test_a_frame_that_no_receiver_would_believe_is_refused(
    ends: tuple[socket.socket, ...], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(wire, "LIMIT", 10)
    with pytest.raises(Invalid, match="11 bytes is too long"):
        wire.send_frame(ends[0], b"x" * 11)
    with pytest.raises(Invalid, match="11 bytes is too long"):
        wire.Connection(ends[0]).send(b"x" * 11)
