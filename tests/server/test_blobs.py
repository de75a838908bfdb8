"""Blobs over HTTP: named by their hash and by nothing else, never more than was asked for, never a part of the site."""

from __future__ import annotations

import random
import socket
import threading
from hashlib import sha256
from urllib.parse import quote

import pytest
from tests.conftest import Site

from penstock.backend.local import open_local
from penstock.backend.remote import open_remote
from penstock.backend.token import read_token
from penstock.core.errors import DiskFull
from penstock.core.outputs import Blob
from penstock.core.secret import Secret
from penstock.server.app import Limits
from penstock.server.serve import Serving
from penstock.server.thread import serving
from penstock.settings import Settings

DATA = b"<script>alert(1)</script>" * 100
HASH = sha256(DATA).hexdigest()
PATH = f"/api/v1/blobs/{HASH}"


@pytest.fixture
def stored(served):
    """Some bytes that are there."""
    return served.blobs.put_bytes(DATA)


@pytest.fixture
def fresh():
    """Bytes that are not there yet, and their path."""
    data = random.randbytes(1000)
    return data, f"/api/v1/blobs/{sha256(data).hexdigest()}"


def put(site, path, data, first, size):
    said = f"bytes {first}-{first + len(data) - 1}/{size}" if data else f"bytes */{size}"
    return site.ask("PUT", path, data, Content_Range=said)


def test_bytes_come_whole_and_in_parts(site, stored):
    whole = site.ask("GET", PATH)
    assert (whole.status, whole.body, whole.headers["ETag"]) == (200, DATA, f'"{HASH}"')
    part = site.ask("GET", PATH, Range="bytes=10-19")
    assert (part.status, part.body) == (206, DATA[10:20])
    assert site.ask("GET", PATH, Range="bytes=2490-").body == DATA[2490:]
    assert site.ask("GET", PATH, Range="bytes=999999-").status == 416
    head = site.ask("HEAD", PATH)
    assert (head.status, head.headers["Content-Length"], head.body) == (200, str(len(DATA)), b"")


def test_a_browser_takes_them_for_nothing_but_bytes(site, stored):
    headers = site.ask("GET", PATH).headers
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"] == "attachment"
    assert headers["Content-Security-Policy"].startswith("sandbox")
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_blob_is_put_whole_or_in_pieces(site, served, fresh):
    data, path = fresh
    asked = put(site, path, b"", 0, 1000)
    assert (asked.status, asked.headers["Upload-Offset"]) == (202, "0")
    piece = put(site, path, data[:300], 0, 1000)
    assert (piece.status, piece.headers["Upload-Offset"]) == (202, "300")
    hole = put(site, path, data[500:], 500, 1000)
    assert (hole.status, hole.headers["Upload-Offset"]) == (409, "300")
    assert put(site, path, b"", 0, 1000).headers["Upload-Offset"] == "300"
    done = put(site, path, data[300:], 300, 1000)
    assert (done.status, done.json["size"]) == (201, 1000)
    assert put(site, path, data, 0, 1000).status == 200
    assert served.blobs.read(Blob(path[-64:], 1000)) == data


def test_without_a_range_it_is_all_there_is(site, served, fresh):
    data, path = fresh
    assert site.ask("PUT", path, data).status == 201
    assert served.blobs.read(Blob(path[-64:], 1000)) == data


def test_other_bytes_than_the_name_says_are_refused_and_forgotten(site, served, fresh):
    data, path = fresh
    reply = put(site, path, data[::-1], 0, 1000)
    assert (reply.status, reply.json["code"]) == (422, "damaged")
    assert served.blobs.stat(path[-64:]) is None
    assert put(site, path, b"", 0, 1000).headers["Upload-Offset"] == "0"


@pytest.mark.parametrize(
    "said", ["", "bytes", "bytes 0-9", "bytes 9-0/10", "bytes 0-10/10", "bytes */-1", "items 0-9/10", "bytes 0-9/*",
             "bytes 0-9/99999999999999999999", "bytes \u0660-\u0669/10"])  # fmt: skip
def test_a_range_that_is_none_is_refused(site, fresh, said):
    assert site.ask("PUT", fresh[1], b"0123456789", Content_Range=said.encode().decode("latin-1")).status == 422


def test_more_than_a_server_takes_is_refused(site, fresh):
    assert put(site, fresh[1], b"", 0, 10**14).status == 422


def test_more_than_was_announced_is_refused(site, served, fresh):
    data, path = fresh
    reply = site.ask("PUT", path, data + b"!", Content_Range="bytes 0-999/1000")
    assert reply.status == 413
    assert served.blobs.stat(path[-64:]) is None


def test_what_a_sender_brought_before_it_was_cut_off_is_kept(site, fresh):
    data, path = fresh
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as connection:
        head = f"PUT {path} HTTP/1.1\r\nHost: {site.host}\r\nAuthorization: Bearer {site.token}\r\n"
        head += "Content-Range: bytes 0-999/1000\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n"
        connection.sendall(head.encode())
        assert b"100" in connection.recv(1000)  # it waits for the body now
        connection.sendall(data[:400])
    for _ in range(1000):
        asked = put(site, path, b"", 0, 1000)
        if asked.headers["Upload-Offset"] == "400":
            break
        threading.Event().wait(0.01)
    assert put(site, path, data[400:], 400, 1000).status == 201


def test_only_what_is_whole_is_verified(site, served, fresh):
    data, path = fresh
    blob = served.blobs.put_bytes(data)
    assert site.ask("HEAD", f"{path}?verify=1").status == 200
    file = served.blobs.path(blob.hash)
    file.chmod(0o600)
    file.write_bytes(data[::-1])
    assert site.ask("HEAD", path).status == 200
    assert site.ask("HEAD", f"{path}?verify=1").status == 422
    file.unlink()
    assert site.ask("HEAD", f"{path}?verify=1").status == 404


DOTS = [
    "..",
    ".",
    "%2e%2e",
    "..%2f",
    "..%5c",
    "..\\",
    "%252e%252e",
    "..%00",
    "..;",
    "\uff0e\uff0e",
    "%c0%ae%c0%ae",
    "....//",
]
TARGETS = ["penstock.db", "token", "etc/passwd", "server.json", "staging", "sha256"]
NAMES = [
    *(f"{dots}/{target}" for dots in DOTS for target in TARGETS),
    *(f"{'/'.join([dots] * 6)}/etc/passwd" for dots in DOTS),
    *(f"{HASH}/{dots}/{target}" for dots in DOTS for target in TARGETS),
    *(f"{HASH[:62]}{dots}" for dots in DOTS),
    *("", "/", "/etc/passwd", "//etc/passwd", "\\\\host\\share", "file:///etc/passwd", "C:\\x", "~", "~root", "-", "*"),
    *(
        HASH.upper(),
        HASH[:-1],
        HASH + "0",
        HASH + "\n",
        HASH + "%0a",
        HASH + "\x00",
        f"{HASH}.",
        f" {HASH}",
        f"{HASH} ",
    ),
    *(
        "con",
        "nul",
        "aux.txt",
        "${HOME}",
        "$(id)",
        "`id`",
        "|id",
        ";id",
        "%",
        "%%",
        "%zz",
        "é" * 64,
        "٣" * 64,
        "\u2215" * 64,
    ),
]


def test_names_that_are_no_hashes_lead_nowhere(site, served, stored):
    """Every one of them as it stands and escaped, once and twice, with every method."""
    before = sorted(served.blobs.root.parent.rglob("*"))
    secret = site.token.encode()
    for name in NAMES:
        for written in {quote(name, safe="/%\\;*~"), quote(name), quote(quote(name))}:
            for method, body in (("GET", None), ("HEAD", None), ("PUT", b"x")):
                reply = site.ask(method, f"/api/v1/blobs/{written}", body)
                assert reply.status in {400, 404}, (method, written)
                assert secret not in reply.body
                assert b"root:" not in reply.body
    after = sorted(served.blobs.root.parent.rglob("*"))
    assert [path for path in after if path not in before and ".db" not in path.name] == []


@pytest.fixture
def full(tmp_path):
    """A server whose disk has no byte beside its reserve."""
    own = open_local(Settings(home=tmp_path / "home", workers=1))
    with serving(own, Serving(home=tmp_path / "home", port=0, limits=Limits(reserve=1 << 60))) as address:
        yield Site(address.url, read_token(tmp_path / "home"))
    own.close()


def test_a_disk_that_is_nearly_full_takes_no_blobs_and_says_so_and_still_records(full, fresh, tmp_path):
    data, path = fresh
    for reply in (put(full, path, b"", 0, 1000), put(full, path, data, 0, 1000), put(full, path, data[:10], 0, 1000)):
        assert (reply.status, reply.json["code"]) == (507, "disk_full")
    health = full.ask("GET", "/healthz", key=None)
    assert (health.status, health.json["takes_uploads"]) == (200, False)
    task = {"id": "a" * 32, "name": "t", "project": "P"}
    assert full.call("CreateTask", {"task": task}).status == 200
    client = open_remote(Settings(home=tmp_path / "c", workers=1, url=full.url, key=Secret(full.token)))
    with pytest.raises(DiskFull, match="no room for 1,000 bytes"):
        client.blobs.put_bytes(data)
    client.close()


def test_a_server_says_how_much_room_there_is(site):
    assert site.ask("GET", "/healthz", key=None).json["takes_uploads"] is True
    assert b"penstock_disk_free_bytes" in site.ask("GET", "/metrics").body
