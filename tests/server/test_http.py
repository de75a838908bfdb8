"""What llhttp and uvicorn leave to others: a head that does not end is cut off, and an answer leaves in one piece."""

from __future__ import annotations

import asyncio
import socket

import pytest

from penstock.server.http import LONGEST_HEAD, SMALL, Gathering

MORE = LONGEST_HEAD + (1 << 20)  # bytes; what the sockets hold besides is less


def spoken(site, begin, piece):
    """Send something that never ends; return what came back, and whether the connection was closed before all was."""
    with socket.create_connection(("127.0.0.1", site.port), timeout=60) as connection:
        connection.sendall(begin)
        sent = 0
        try:
            while sent < 16 * MORE:
                connection.sendall(piece)
                sent += len(piece)
        except TimeoutError:
            return b"", False  # it is still listening
        except OSError:
            pass
        try:
            return connection.recv(1000), sent < 16 * MORE
        except OSError:
            return b"", True


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        pytest.param(b"GET /", b"a" * 4096, id="an address"),
        pytest.param(b"GET / HTTP/1.1\r\nX-Long: ", b"a" * 4096, id="a value"),
        pytest.param(b"GET / HTTP/1.1\r\n", b"X-Header: value\r\n" * 256, id="headers"),
        pytest.param(
            b"POST /api/v1/GetTask HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1", b";a=b" * 1024, id="a chunk's"
        ),
    ],
)
def test_a_head_that_does_not_end_is_cut_off(site, begin, piece):
    said, was_cut = spoken(site, begin, piece)
    assert was_cut
    assert said == b"" or said.startswith(b"HTTP/1.1 4")


def test_a_body_that_is_longer_than_any_head_is_read(site):
    body = b'{"name": "' + b" " * (2 * LONGEST_HEAD) + b'"}'
    reply = site.ask("POST", "/api/v1/GetTask", body, **{"Content-Type": "application/json"})
    assert reply.status == 422, reply.body


class Sent:
    """A transport that keeps what it was given to send."""

    def __init__(self):
        self.pieces = []
        self.closed = False

    def write(self, data):
        assert not self.closed
        self.pieces.append(bytes(data))

    def close(self):
        self.closed = True


def sent(*pieces, then=lambda gathering: None):
    """Write pieces one after the other; return what was sent by then, and what was once the loop went round."""

    async def write():
        transport = Sent()
        gathering = Gathering(transport, asyncio.get_running_loop())
        for piece in pieces:
            gathering.write(piece)
        then(gathering)
        at_once = list(transport.pieces)
        await asyncio.sleep(0)
        return at_once, transport.pieces

    return asyncio.run(write())


def test_a_head_and_its_body_leave_in_one_piece():
    assert sent(b"head", b"body") == ([b"headbody"], [b"headbody"])


def test_a_head_whose_body_has_yet_to_come_does_not_wait_for_it():
    assert sent(b"head") == ([], [b"head"])


def test_an_answer_of_the_server_is_one_piece(site, monkeypatch):
    pieces = []
    sockets = asyncio.selector_events._SelectorSocketTransport
    write = sockets.write
    monkeypatch.setattr(
        sockets, "write", lambda transport, data: (pieces.append(bytes(data)), write(transport, data))[1]
    )
    reply = site.ask("GET", "/healthz", key=None)
    (piece,) = pieces
    assert piece.startswith(b"HTTP/1.1 200 ")
    assert piece.endswith(b"\r\n\r\n" + reply.body)


def test_what_is_large_is_sent_as_it_comes_and_behind_what_waited():
    large = bytes(SMALL + 1)
    assert sent(large, b"more") == ([large], [large, b"more"])
    assert sent(b"head", large) == ([b"head" + large],) * 2


def test_nothing_is_lost_where_a_connection_is_closed_behind_it():
    assert sent(b"head", then=Gathering.close) == ([b"head"], [b"head"])
