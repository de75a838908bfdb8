"""A request goes out in one piece, and says what it said in two."""

from __future__ import annotations

import io
import socket
import threading

import pytest

from penstock.backend.connection import WHOLE, Whole, WholeTls


class Sent:
    """A socket that remembers in which pieces it was told to send, and was answered already."""

    def __init__(self, answer=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"):
        self.pieces = []
        self._answer = answer

    def sendall(self, data):
        self.pieces.append(bytes(data))

    def makefile(self, mode):
        assert mode == "rb"
        return io.BytesIO(self._answer)

    def close(self):
        pass


def asked(kind, body, headers=None):
    connection = kind("example.org", 80)
    connection.sock = sent = Sent()
    response = connection.ask("POST", "/path", body, headers or {})
    return sent.pieces, response


@pytest.mark.parametrize("kind", [Whole, WholeTls])
def test_a_body_goes_out_with_its_head(kind):
    pieces, response = asked(kind, b"body", {"Accept": "x"})
    (whole,) = pieces
    head, _, body = whole.partition(b"\r\n\r\n")
    assert body == b"body"
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /path HTTP/1.1"
    host = "example.org" if kind is Whole else "example.org:80"
    expected = ["Accept-Encoding: identity", "Accept: x", "Content-Length: 4", f"Host: {host}"]
    assert sorted(lines[1:]) == expected
    assert (response.status, response.read()) == (200, b"ok")


@pytest.mark.parametrize("body", [b"", None])
def test_a_request_without_a_body_is_its_head(body):
    (whole,), _ = asked(Whole, body)
    assert whole.endswith(b"\r\n\r\n")
    assert b"Content-Length: 0" in whole


def test_a_long_body_is_not_copied_and_a_file_is_sent_from_where_it_stands():
    long = b"x" * (WHOLE + 1)
    pieces, _ = asked(Whole, long)
    assert pieces[0].endswith(b"\r\n\r\n")
    assert b"".join(pieces[1:]) == long
    file = io.BytesIO(b"abcdef")
    file.seek(2)
    pieces, _ = asked(Whole, file, {"Content-Length": "4"})
    assert b"".join(pieces).endswith(b"\r\n\r\ncdef")


def test_what_failed_to_go_out_goes_out_behind_no_other_request():
    class Broken(Sent):
        def sendall(self, data):
            super().sendall(data)
            if len(self.pieces) == 1:
                raise ConnectionResetError

    connection = Whole("example.org", 80)
    connection.sock = sent = Broken()
    with pytest.raises(ConnectionResetError):
        connection.ask("POST", "/first", b"first", {})
    connection.close()
    connection.sock = sent
    connection.ask("POST", "/second", b"second", {}).read()
    assert b"first" not in sent.pieces[1]
    assert sent.pieces[1].endswith(b"\r\n\r\nsecond")


def test_a_real_server_reads_it_at_once():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        read = []

        def serve():
            connection, _ = listening.accept()
            with connection:
                read.append(connection.recv(1 << 16))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        connection = Whole("127.0.0.1", listening.getsockname()[1])
        assert connection.ask("POST", "/", b"all of it", {}).status == 200
        thread.join()
        connection.close()
    assert read[0].endswith(b"\r\n\r\nall of it")
