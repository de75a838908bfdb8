"""Requests to a server: connections that are kept and never shared with a fork, and patience that ends."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from contextlib import suppress

import pytest
from msgspec.structs import replace

from penstock.backend import client as clients
from penstock.backend.client import Client, Patience
from penstock.backend.remote import open_remote
from penstock.core.errors import NotFound, PenstockError, StoreBusy, Unreachable
from penstock.core.lease import Held
from penstock.core.secret import Secret
from penstock.server.app import ANSWERS_KEPT
from penstock.settings import Settings


class Scripted:
    """A server that gives the answers that it was told to give, one a connection, and remembers what it was asked."""

    def __init__(self):
        self.answers = []
        self.asked = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                with connection, connection.makefile("rb") as file:
                    while head := self._head(file):
                        self.asked.append(head)
                        given = self.answers.pop(0) if self.answers else answered(200)
                        if given is None:
                            break
                        connection.sendall(given)
                        if b"\r\n\r\n" not in given:
                            break

    @staticmethod
    def _head(file):
        lines = []
        while line := file.readline().strip():
            lines.append(line.decode())
        length = next((int(line.partition(": ")[2]) for line in lines if line.lower().startswith("content-length")), 0)
        file.read(length)
        return lines

    def close(self):
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()


def answered(status, body=b"null", media="application/json", **headers):
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", f"Content-Type: {media}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def told(status, code, message):
    return answered(status, json.dumps({"code": code, "message": message, "hint": "h"}).encode())


@pytest.fixture
def server():
    scripted = Scripted()
    yield scripted
    scripted.close()


@pytest.fixture
def client(server, monkeypatch):
    monkeypatch.setattr(clients, "SHORTEST", 0.001)
    monkeypatch.setattr(clients, "LONGEST", 0.005)
    monkeypatch.setattr(clients, "FIRST", 0.3)
    monkeypatch.setattr(clients, "LATER", 0.3)
    made = Client(server.url, lambda: "the-key")
    yield made
    made.close()


def test_an_answer_is_an_answer(server, client):
    server.answers = [answered(200, b"5")]
    assert client.ask("POST", "/x", b"{}").body == b"5"
    (head,) = server.asked
    assert head[0] == "POST /x HTTP/1.1"
    assert "Authorization: Bearer the-key" in head


def test_a_connection_is_used_again(server, client):
    for _ in range(3):
        client.ask("GET", "/x")
    assert len(server.asked) == 3
    assert len(client._idle) == 1


def test_who_shows_another_key_uses_the_same_connections_and_waits_for_what_it_holds(server, client):
    client.ask("GET", "/x")
    other = client.known_by(Secret("another"))
    other.ask("GET", "/x")
    assert "Authorization: Bearer another" in server.asked[1]
    assert len(client._idle) == len(other._idle) == 1
    assert other.patience()._seconds == clients.HOLDING
    client.ask("GET", "/x")
    assert "Authorization: Bearer the-key" in server.asked[2]


@pytest.mark.parametrize(
    "bad", [None, answered(502), answered(503), answered(504), b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Ty"]
)
def test_what_was_not_answered_is_asked_again_in_the_same_words(server, client, bad):
    server.answers = [bad, bad, answered(200, b"5")]
    assert client.ask("POST", "/x", b"{}", {"Idempotency-Key": "k"}).body == b"5"
    assert len(server.asked) == 3
    assert server.asked[0] == server.asked[1] == server.asked[2]


def test_a_connection_that_the_server_closed_meanwhile_is_no_failure(server, client, monkeypatch):
    server.answers = [answered(200), None]
    client.ask("GET", "/x")
    monkeypatch.setattr(clients.Patience, "pause", lambda self: pytest.fail("it waited"))
    assert client.ask("GET", "/x").status == 200


def test_errors_are_raised_as_they_were_there_and_at_once(server, client):
    server.answers = [told(404, "not_found", "there is no é")]
    with pytest.raises(NotFound, match="there is no é") as error:
        client.ask("GET", "/x")
    assert error.value.hint == "h"
    server.answers = [told(500, "of a later version", "something")]
    with pytest.raises(PenstockError, match="something"):
        client.ask("GET", "/x")
    assert len(server.asked) == 2


def test_a_busy_server_is_asked_again_and_then_told_of_as_busy(server, client):
    server.answers = [told(503, "store_busy", "busy"), answered(200, b"5")]
    assert client.ask("GET", "/x").body == b"5"
    server.answers = [told(503, "store_busy", "busy")] * 10_000
    with pytest.raises(StoreBusy):
        client.ask("GET", "/x")


@pytest.mark.parametrize("status", [301, 404, 418, 500])
def test_what_is_no_server_of_ours_is_named(server, client, status):
    server.answers = [answered(status, b"<html>", "text/html")]
    with pytest.raises(Unreachable, match=f"no Penstock server: it says {status}"):
        client.ask("GET", "/x")


def test_who_is_not_there_is_unreachable_and_it_is_said_what_to_do(monkeypatch):
    monkeypatch.setattr(clients, "FIRST", 0.05)
    with pytest.raises(Unreachable, match=r"http://127\.0\.0\.1:1 does not answer: connection refused") as error:
        Client("http://127.0.0.1:1", lambda: "the-key").ask("GET", "/x")
    assert "penstock server" in error.value.hint
    assert "the-key" not in str(error.value)


def test_a_name_that_nobody_has_is_unreachable(monkeypatch):
    monkeypatch.setattr(clients, "FIRST", 0.05)
    with pytest.raises(Unreachable, match=r"nowhere\.invalid"):
        Client("http://nowhere.invalid", lambda: "").ask("GET", "/x")


def test_a_server_that_has_answered_deserves_more_patience(server, client):
    before = client.patience()._seconds
    clients_later = clients.LATER
    client.ask("GET", "/x")
    assert before == clients.FIRST
    assert client.patience()._seconds == clients_later


def test_who_was_given_work_by_a_server_is_patient_from_the_start(tmp_path):
    """A process that an agent starts while the server is on its way back must not fail the run that it is to begin."""
    free = Settings(home=tmp_path, workers=1, url="http://127.0.0.1:1")
    holding = replace(free, held=Held("a" * 32, 1))
    patience = [open_remote(settings)._client.patience()._seconds for settings in (free, holding)]
    assert patience == [clients.FIRST, clients.HOLDING]


def test_who_carries_work_out_waits_for_longer_than_anybody_needs_to_bring_a_server_back():
    """T40: an hour must not end a run. The server knows for as long that a request comes again."""
    assert 3600.0 < clients.HOLDING <= ANSWERS_KEPT


def test_it_is_said_once_that_a_server_is_waited_for_and_again_the_next_time(server, client, monkeypatch, caplog):
    monkeypatch.setattr(clients, "TOLD", -1.0)
    for _ in range(2):
        server.answers = [None, answered(503), None, answered(200)]
        client.ask("GET", "/x")
    said = [f"penstock: the server at {server.url} does not answer; it is waited for"]
    assert [one.getMessage() for one in caplog.records] == said * 2


def test_a_forked_process_uses_connections_of_its_own(server, client):
    client.ask("GET", "/x")
    (kept,) = client._idle
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        with suppress(BaseException):
            client.ask("GET", "/child")
            os.write(writing, b"other" if kept not in client._idle else b"same!")
        os._exit(0)
    os.close(writing)
    with suppress(OSError):  # the server takes one connection after another: the parent's has to go first
        kept.sock.shutdown(socket.SHUT_RDWR)
    assert os.read(reading, 5) == b"other"
    os.waitpid(pid, 0)
    os.close(reading)
    assert client.ask("GET", "/x").status == 200


def test_pauses_are_random_grow_and_end(monkeypatch):
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr(clients.random, "uniform", lambda low, high: high)
    patience = Patience(1000.0)
    for _ in range(12):
        assert patience.pause()
    assert slept == sorted(slept)
    assert slept[0] == clients.SHORTEST
    assert slept[-1] == clients.LONGEST
    patience.renew()
    patience.pause()
    assert slept[-1] == clients.SHORTEST
    assert not Patience(0.0).pause()


def test_who_hurries_waits_for_nobody(server, client, monkeypatch):
    server.answers = [answered(502)]
    client.hurries = True
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("it waited"))
    with pytest.raises(Unreachable):
        client.ask("GET", "/x")
