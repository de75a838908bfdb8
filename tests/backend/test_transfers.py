"""Blobs to a server and back, over connections that break wherever they like."""

from __future__ import annotations

import random
import socket
import threading
from contextlib import suppress
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.place import until

from penstock.backend import client as clients
from penstock.backend.client import Client, number_in
from penstock.backend.local import open_local
from penstock.backend.protocol import UPLOAD_OFFSET
from penstock.backend.transfers import SMALL, TRIES, Transfers
from penstock.blobs.files import FileBlobs
from penstock.core.errors import Damaged, Unauthenticated, Unreachable
from penstock.core.outputs import Blob
from penstock.server.serve import Serving
from penstock.server.thread import serving
from penstock.settings import Settings

MANY = 3_000_000  # bytes: more than sockets hold by themselves


@pytest.fixture(autouse=True)
def _hurry(monkeypatch):
    monkeypatch.setattr(clients, "SHORTEST", 0.001)
    monkeypatch.setattr(clients, "LONGEST", 0.01)


class Wire:
    """A way to the server that is cut again and again, each time after so many bytes; then it holds."""

    def __init__(self, port, cuts):
        self._to = ("127.0.0.1", port)
        self._cuts = iter(cuts)
        self.connections = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()

    def _accept(self):
        with suppress(OSError):
            while True:
                here, _ = self._listening.accept()
                self.connections += 1
                left = [next(self._cuts, None)]
                there = socket.create_connection(self._to)
                for source, target in ((here, there), (there, here)):
                    threading.Thread(target=self._pass, args=(source, target, left), daemon=True).start()

    @staticmethod
    def _pass(source, target, left):
        with suppress(OSError):
            while data := source.recv(65536):
                if left[0] is not None and len(data) >= left[0]:
                    target.sendall(data[: left[0]])
                    break
                if left[0] is not None:
                    left[0] -= len(data)
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class ThroughWire(Client):
    """A client that calls the server by its name, and reaches it through what is in between."""

    def __init__(self, site, port):
        super().__init__(site.url, lambda: site.token)
        self._called, self._port = self._port, port

    def _connect(self):
        connection = super()._connect()
        connection.port = self._called
        return connection


class Way:
    """The transfers of a client."""

    def __init__(self, site, folder, port=None):
        self.near = FileBlobs(folder)
        self.client = ThroughWire(site, port or site.port)
        self.transfers = Transfers(self.client, self.near)


@pytest.fixture
def way(site, tmp_path):
    made = []

    def way(port=None, folder=tmp_path / "near"):
        made.append(Way(site, folder, port))
        return made[-1]

    yield way
    for one in made:
        one.client.close()


def random_bytes(size):
    return random.Random(size).randbytes(size)


@pytest.mark.parametrize("size", [0, 1, SMALL, SMALL + 1, MANY])
def test_bytes_arrive_and_come_back(way, served, tmp_path, size):
    here, elsewhere = way(), way(folder=tmp_path / "elsewhere")
    blob = here.near.put_bytes(random_bytes(size))
    here.transfers.keep_blob(blob)
    assert served.blobs.read(blob) == random_bytes(size)
    elsewhere.transfers.fetch_blob(blob)
    assert elsewhere.near.read(blob) == random_bytes(size)
    assert elsewhere.transfers.stat_blob(blob.hash) == blob
    elsewhere.transfers.check_blob(blob)
    here.transfers.keep_blob(blob)


cuts = st.lists(st.integers(0, 2 * MANY), max_size=6)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=cuts, seed=st.integers(0, 2**32))
def test_an_upload_goes_on_where_it_was_cut(site, served, tmp_path_factory, cuts, seed):
    data = random.Random(seed).randbytes(MANY)
    with Wire(site.port, cuts) as wire:
        way = Way(site, tmp_path_factory.mktemp("near"), wire.port)
        blob = way.near.put_bytes(data)
        way.transfers.keep_blob(blob)
        assert served.blobs.read(blob) == data
        way.client.close()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=cuts)
def test_a_download_goes_on_where_it_was_cut(site, served, tmp_path_factory, cuts):
    blob = served.blobs.put_bytes(random_bytes(MANY))
    with Wire(site.port, cuts) as wire:
        way = Way(site, tmp_path_factory.mktemp("near"), wire.port)
        way.transfers.fetch_blob(blob)
        assert way.near.read(blob) == random_bytes(MANY)
        way.client.close()


def test_what_arrived_before_the_cut_is_not_sent_again(site, served, way):
    data = random.Random(7).randbytes(MANY)
    with Wire(site.port, [None, 2_500_000]) as wire:
        slow = way(wire.port)
        blob = slow.near.put_bytes(data)
        sent = []
        send = slow.transfers._send

        def note(blob, offset):
            sent.append(offset)
            try:
                return send(blob, offset)
            except OSError:  # the server may not have looked yet at what arrived
                until(lambda: number_in(slow.transfers._ask_for_offset(blob).headers, UPLOAD_OFFSET))
                raise

        slow.transfers._send = note
        slow.client._idle = Never()
        slow.transfers.keep_blob(blob)
    assert sent[0] == 0
    assert sent[-1] > 0
    assert served.blobs.read(blob) == data


class Never(list):
    """Keeps no connection, so that each request is a new one."""

    def append(self, connection):
        connection.close()


def test_a_blob_that_is_there_is_not_sent(served, way):
    one = way()
    blob = one.near.put_bytes(random_bytes(MANY))
    served.blobs.put_bytes(random_bytes(MANY))
    one.transfers._send = lambda *_: pytest.fail("it was sent")
    one.transfers.keep_blob(blob)


def test_two_who_send_the_same_at_once_both_have_it_stored(served, way, tmp_path):
    data = random.Random(11).randbytes(2 * MANY)
    ways = [way(folder=tmp_path / str(number)) for number in range(3)]
    blobs = [one.near.put_bytes(data) for one in ways]
    threads = [threading.Thread(target=one.transfers.keep_blob, args=(blobs[0],)) for one in ways]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert served.blobs.read(blobs[0]) == data


def test_what_arrives_as_another_blob_is_tried_again_and_then_told(way, served):
    one = way()
    blob = one.near.put_bytes(random_bytes(100))
    path = one.near.path(blob.hash)
    path.chmod(0o600)
    path.write_bytes(b"x" * 100)
    sent = []
    send = one.transfers._send
    one.transfers._send = lambda blob, offset: (sent.append(offset), send(blob, offset))[1]
    with pytest.raises(Damaged, match=blob.hash):
        one.transfers.keep_blob(blob)
    assert sent == [0] * TRIES
    assert served.blobs.stat(blob.hash) is None


def test_what_somebody_else_began_wrongly_is_begun_anew(way, served):
    data = random.Random(13).randbytes(MANY)
    one = way()
    blob = one.near.put_bytes(data)
    staged = served.blobs.root / "staging" / f"upload-{blob.hash}"
    staged.parent.mkdir(parents=True, exist_ok=True)
    staged.write_bytes(b"wrong")
    one.transfers.keep_blob(blob)
    assert served.blobs.read(blob) == data


def test_what_is_not_there_or_not_whole_is_damaged(way, served):
    one = way()
    missing = Blob(sha256(b"nobody stored this").hexdigest(), 18)
    for ask in (one.transfers.fetch_blob, one.transfers.check_blob):
        with pytest.raises(Damaged, match="missing on the server"):
            ask(missing)
    assert one.transfers.stat_blob(missing.hash) is None
    blob = served.blobs.put_bytes(b"whole once")
    path = served.blobs.path(blob.hash)
    path.chmod(0o600)
    path.write_bytes(b"whole twic")
    for ask in (one.transfers.fetch_blob, one.transfers.check_blob):
        with pytest.raises(Damaged, match="damaged on the server"):
            ask(blob)
    path.write_bytes(b"short")
    for ask in (one.transfers.fetch_blob, one.transfers.check_blob):
        with pytest.raises(Damaged, match="damaged on the server"):
            ask(blob)
    path.unlink()


def test_a_copy_that_cannot_be_read_is_no_matter_of_the_connection(way):
    with pytest.raises(Damaged, match="cannot be read"):
        way().transfers.keep_blob(Blob("0" * 64, 5))


def test_who_is_not_known_is_told_so(tmp_path):
    own = open_local(Settings(home=tmp_path / "home", workers=1))
    with serving(own, Serving(home=tmp_path / "home", port=0)) as address:  # one that has heard no wrong key yet
        client = Client(address.url, lambda: "wrong")
        transfers = Transfers(client, FileBlobs(tmp_path))
        blob = FileBlobs(tmp_path).put_bytes(b"x")
        for ask in (transfers.keep_blob, transfers.fetch_blob, transfers.check_blob):
            with pytest.raises(Unauthenticated):
                ask(blob)
        client.close()
    own.close()


def test_a_server_that_is_not_there_is_unreachable(tmp_path, monkeypatch):
    monkeypatch.setattr(clients, "FIRST", 0.05)
    client = Client("http://127.0.0.1:1", lambda: "")
    transfers = Transfers(client, FileBlobs(tmp_path))
    blob = FileBlobs(tmp_path).put_bytes(b"x")
    for ask in (transfers.keep_blob, transfers.fetch_blob, transfers.check_blob):
        with pytest.raises(Unreachable, match="does not answer"):
            ask(blob)


def test_what_had_arrived_wholly_when_the_server_was_killed_gets_its_name(way, served):
    data = random.Random(17).randbytes(MANY)
    one = way()
    blob = one.near.put_bytes(data)
    staged = served.blobs.root / "staging" / f"upload-{blob.hash}"
    staged.parent.mkdir(parents=True, exist_ok=True)
    staged.write_bytes(data)
    one.transfers._send = lambda *_: pytest.fail("it was sent again")
    one.transfers.keep_blob(blob)
    assert served.blobs.read(blob) == data
