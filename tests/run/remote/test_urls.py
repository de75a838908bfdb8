from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import Invalid
from penstock.run.remote.urls import Url, parse, safe_name


def parts(text: str) -> tuple[str, str, str]:
    url = parse(text)
    return url.scheme, url.host, url.key


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/a/b c", ("file", "", "/a/b c")),
        ("a/b", ("file", "", "a/b")),
        ("~/x", ("file", "", str(Path("~/x").expanduser()))),
        ("a%20b", ("file", "", "a%20b")),
        ("file:///a/b%20c", ("file", "", "/a/b c")),
        ("FILE://localhost/a", ("file", "", "/a")),
        ("http://host", ("http", "host", "/")),
        ("http://host:8080/a b?x=1 2#part", ("http", "host:8080", "/a%20b")),
        ("https://h\u00f6st.de/\u00fc", ("https", "xn--hst-sna.de", "/%C3%BC")),
        ("http://[::1]:80/a", ("http", "[::1]:80", "/a")),
        ("s3://bucket", ("s3", "bucket", "")),
        ("s3://bucket/a/b%20c?d#e", ("s3", "bucket", "a/b%20c?d#e")),
        ("gs://bucket/a", ("gs", "bucket", "a")),
        ("az://container/a", ("az", "container", "a")),
        ("azure://container/a", ("az", "container", "a")),
        ("azure://acc123.blob.core.windows.net/container/a/b", ("az", "container", "a/b")),
    ],
)
def test_a_url_is_taken_apart(text: str, expected: tuple[str, str, str]) -> None:
    assert parts(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ftp://host/a",
        "javascript://x",
        "file://host/etc/passwd",
        "file://relative",
        "file:///a%00b",
        "a\0b",
        "http://",
        "http:///path",
        "http://host:port/",
        "http://a b/",
        "http://host/\r\nX-Evil: 1",
        "http://host/\x00",
        "s3://",
        "s3:///key",
        "s3://host:9000/bucket/key",
        "s3://buck et/key",
        "s3://../key",
        "gs://-x/key",
        "az://account.blob.core.windows.net",
    ],
)
def test_what_is_no_url_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse(text)


def test_a_server_in_the_place_of_a_bucket_gets_a_word_on_what_to_do() -> None:
    with pytest.raises(Invalid, match="AWS_ENDPOINT_URL"):
        parse("s3://localhost:9000/bucket/key")


def test_the_account_of_an_azure_address_is_found_and_only_there() -> None:
    assert parse("azure://acc123.blob.core.windows.net/c/k").account == "acc123"
    assert parse("azure://acc123.blob.core.windows.net.evil/c").account == ""


def test_a_password_and_a_signature_are_not_shown() -> None:
    url = parse("https://user:secret@host/file?signature=hidden")
    assert str(url) == "https://host/file"
    assert (url.user, url.query) == ("user:secret", "signature=hidden")
    with pytest.raises(Invalid) as caught:
        parse("https://user:secret@ho st/file?signature=hidden")
    assert "secret" not in str(caught.value)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("s3://bucket", "a/b", "s3://bucket/a/b"),
        ("s3://bucket/x/", "a b", "s3://bucket/x/a b"),
        ("/folder", "a/b", "/folder/a/b"),
        ("file:///folder/", "a", "file:///folder/a"),
        ("http://host", "a b", "http://host/a%20b"),
        ("http://host/x?sig=1", "a", "http://host/x/a?sig=1"),
    ],
)
def test_a_file_below_a_url_has_a_url_that_means_the_same_when_parsed_again(text, name, expected) -> None:
    child = parse(text).child(name)
    assert child.text == expected
    assert child == parse(expected)


def test_a_key_in_the_same_bucket_has_a_url_too() -> None:
    for text in ("s3://bucket/x/y", "s3://bucket", "azure://acc123.blob.core.windows.net/c/x"):
        assert parse(text).at("k/l") == parse(parse(text).at("k/l").text)
    assert parse("s3://bucket/x/y").at("k/l").text == "s3://bucket/k/l"


def test_a_url_taken_for_a_folder_ends_in_a_slash() -> None:
    assert parse("s3://b/data").folder == parse("s3://b/data/")
    assert parse("s3://b").folder == parse("s3://b")


@given(st.text(max_size=300) | st.text("./\\~%:a\0\n", max_size=20))
def test_a_safe_name_is_one_that_any_file_system_takes(text: str) -> None:
    name = safe_name(text)
    assert name
    assert not set(name) & set("/\\:\0\n~%")
    assert not name.startswith((".", " "))
    assert not name.endswith((".", " "))
    assert len(name.encode()) <= 240
    assert safe_name(name) == name


def test_a_safe_name_keeps_what_makes_a_name_readable() -> None:
    assert safe_name("/a/b/Daten 2024_v-1.tar.gz") == "Daten 2024_v-1.tar.gz"
    assert safe_name("/") == safe_name("...") == "file"
    assert safe_name("x" * 100 + ".zip").endswith("x.zip")


@given(st.sampled_from(["s3", "gs", "az", "http"]), st.text(string.ascii_letters + "./%? \u00fc", max_size=30))
def test_every_key_survives(scheme: str, key: str) -> None:
    url = parse(f"{scheme}://bucket/{key}")
    assert isinstance(url, Url)
    if scheme != "http":
        assert url.key == key
