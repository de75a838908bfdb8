from __future__ import annotations

import io
import logging
import re
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from penstock.core.errors import Invalid, NotFound, RemoteError
from penstock.run.remote.objects import Objects
from penstock.run.remote.urls import parse

BODY = bytes(range(256)) * 20_000


@pytest.fixture(scope="module")
def endpoint():
    """A server that speaks S3."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(endpoint: str, monkeypatch):
    """Transport and plain client for a server with one empty bucket."""
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = boto3.client("s3", endpoint_url=endpoint)
    client.create_bucket(Bucket="bucket")
    yield Objects({"AWS_ENDPOINT_URL": endpoint}, pause=0), client
    while found := client.list_objects_v2(Bucket="bucket").get("Contents"):
        client.delete_objects(Bucket="bucket", Delete={"Objects": [{"Key": one["Key"]} for one in found]})
    client.close()


def put(client, *keys: str, body: bytes = b"x") -> None:
    for key in keys:
        client.put_object(Bucket="bucket", Key=key, Body=b"" if key.endswith("/") else body)


def test_a_file_goes_there_and_back(s3, tmp_path: Path) -> None:
    objects, client = s3
    (tmp_path / "f").write_bytes(BODY)
    for key in ("a b/ü%20x?y#z.bin", "plain"):
        url = parse(f"s3://bucket/{key}")
        objects.send(tmp_path / "f", url)
        assert client.get_object(Bucket="bucket", Key=key)["Body"].read() == BODY
        sink = io.BytesIO()
        facts = objects.fetch(url, sink)
        assert sink.getvalue() == BODY
        assert facts.size == len(BODY)
        assert facts.is_same(objects.stat(url))


def test_a_large_file_goes_in_parts(s3, tmp_path: Path) -> None:
    objects, client = s3
    (tmp_path / "f").write_bytes(BODY * 3)
    objects.send(tmp_path / "f", parse("s3://bucket/large"))
    assert client.head_object(Bucket="bucket", Key="large")["ContentLength"] == 3 * len(BODY)


def test_an_empty_file_is_a_file(s3, tmp_path: Path) -> None:
    objects, _ = s3
    (tmp_path / "f").touch()
    objects.send(tmp_path / "f", parse("s3://bucket/empty"))
    sink = io.BytesIO()
    assert objects.fetch(parse("s3://bucket/empty"), sink).size == 0
    assert sink.getvalue() == b""


def test_other_content_is_told_from_the_old(s3) -> None:
    objects, client = s3
    put(client, "f", body=b"one")
    before = objects.stat(parse("s3://bucket/f"))
    put(client, "f", body=b"two")
    assert not before.is_same(objects.stat(parse("s3://bucket/f")))


def test_what_is_missing_is_not_found(s3) -> None:
    objects, _ = s3
    assert objects.stat(parse("s3://bucket/none")) is None
    with pytest.raises(NotFound, match="there is no file s3://bucket/none"):
        objects.fetch(parse("s3://bucket/none"), io.BytesIO())
    with pytest.raises(NotFound, match="there is no bucket s3://nobody"):
        list(objects.entries(parse("s3://nobody/x")))


@pytest.mark.parametrize("url", ["s3://bucket", "s3://bucket/", "s3://bucket/a/../../b", "s3://bucket/a//b"])
def test_what_names_no_object_is_refused(s3, url: str) -> None:
    objects, _ = s3
    with pytest.raises(Invalid):
        objects.stat(parse(url))


def names(objects: Objects, url: str) -> list[str]:
    return [entry.name for entry in objects.entries(parse(url))]


def test_a_listing_holds_what_begins_with_the_url(s3) -> None:
    objects, client = s3
    put(client, "data_a/x", "data_a/sub/y", "data_b/z", "data", "other/w", "data_a/", "deep/data_a/x")
    assert names(objects, "s3://bucket/data_") == ["data_a/sub/y", "data_a/x", "data_b/z"]
    assert names(objects, "s3://bucket/data_a/") == ["data_a/sub/y", "data_a/x"]
    assert names(objects, "s3://bucket/data_a/s") == ["data_a/sub/y"]
    assert len(names(objects, "s3://bucket")) == 6
    assert names(objects, "s3://bucket/none/") == []
    (entry,) = objects.entries(parse("s3://bucket/data_b/"))
    assert (entry.size, entry.url) == (1, parse("s3://bucket/data_b/z"))


@pytest.mark.slow
def test_a_listing_has_more_than_a_page(s3, monkeypatch) -> None:
    objects, client = s3
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "10")  # a thousand on a real one
    put(client, *(f"many/{number:04}" for number in range(31)))
    assert client.list_objects_v2(Bucket="bucket", Prefix="many/")["IsTruncated"]
    assert len(names(objects, "s3://bucket/many/")) == 31


def test_a_key_that_leads_elsewhere_is_refused_by_name(s3) -> None:
    objects, client = s3
    put(client, "x/../../evil")
    with pytest.raises(Invalid, match=r"\.\."):
        names(objects, "s3://bucket/x/")


class Cutting:
    """Between us and the server: cuts the first answers in the middle, and does something then."""

    def __init__(self, target: str, cuts: int, then: Callable[[], object] = bool) -> None:
        self._then = then
        self.cuts = cuts
        self.requests: list[bytes] = []
        self._target = target.removeprefix("http://").split(":")
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listening.accept()
            with connection:
                request = connection.recv(65_536)
                if not request:
                    return
                self.requests.append(request)
                with socket.create_connection((self._target[0], int(self._target[1]))) as server:
                    server.sendall(re.sub(rb"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", request, count=1))
                    answer = b"".join(iter(lambda: server.recv(65_536), b""))
                is_cut = request.startswith(b"GET") and self.cuts > 0
                if is_cut:
                    self.cuts -= 1
                    self._then()
                connection.sendall(answer[: len(answer) // 2] if is_cut else answer)

    def close(self) -> None:
        socket.create_connection(self._listening.getsockname()).close()
        self._thread.join()
        self._listening.close()


@pytest.mark.parametrize("cuts", [1, 2, 4])
def test_a_cut_download_goes_on(s3, endpoint: str, cuts: int) -> None:
    _, client = s3
    put(client, "f", body=BODY)
    between = Cutting(endpoint, cuts)
    try:
        sink = io.BytesIO()
        Objects({"AWS_ENDPOINT_URL": between.endpoint}, pause=0).fetch(parse("s3://bucket/f"), sink)
    finally:
        between.close()
    assert sink.getvalue() == BODY
    assert any(b"range: bytes=" in request.lower() for request in between.requests[1:])


def test_parts_of_two_contents_are_never_put_together(s3, endpoint: str) -> None:
    _, client = s3
    put(client, "f", body=BODY)
    new = bytes(reversed(BODY))
    between = Cutting(endpoint, 1, then=lambda: put(client, "f", body=new))
    try:
        sink = io.BytesIO()
        Objects({"AWS_ENDPOINT_URL": between.endpoint}, pause=0).fetch(parse("s3://bucket/f"), sink)
    finally:
        between.close()
    assert sink.getvalue() == new


ABSENT = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_ENDPOINT_URL",
    "AZURE_STORAGE_ACCOUNT_NAME",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_SERVICE_ACCOUNT",
]


@pytest.fixture
def nobody(monkeypatch, tmp_path: Path):
    """An environment without credentials, in which nothing is asked over the network."""
    for name in ABSENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_az_without_credentials_says_what_to_set(nobody) -> None:
    with pytest.raises(RemoteError, match="AZURE_STORAGE_ACCOUNT_NAME"):
        Objects({}, pause=0).stat(parse("az://container/key"))


def test_gs_without_credentials_says_what_to_set(nobody, monkeypatch) -> None:
    monkeypatch.setenv("GCE_METADATA_HOST", "127.0.0.1:1")
    monkeypatch.setenv("GCE_METADATA_IP", "127.0.0.1:1")
    with pytest.raises(RemoteError, match="GOOGLE_APPLICATION_CREDENTIALS"):
        Objects({}, tries=1).stat(parse("gs://bucket/key"))


def test_s3_without_credentials_says_what_to_set(nobody, monkeypatch) -> None:
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(RemoteError, match="AWS_ACCESS_KEY_ID"):
        Objects({}, tries=1).stat(parse("s3://bucket/key"))


def test_nobody_at_the_endpoint_is_an_error_without_the_address_in_full(s3) -> None:
    with pytest.raises(RemoteError, match=r"s3://bucket/key cannot be read") as caught:
        Objects({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, tries=1).stat(parse("s3://bucket/key"))
    assert "Debug source" not in str(caught.value)
