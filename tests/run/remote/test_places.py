from __future__ import annotations

import sys

import pytest

from penstock.core.errors import RemoteError
from penstock.run.remote.http import Http
from penstock.run.remote.local import Local
from penstock.run.remote.objects import Objects
from penstock.run.remote.places import transport
from penstock.run.remote.urls import parse


@pytest.mark.parametrize(
    ("text", "kind"),
    [("a", Local), ("file:///a", Local), ("http://h/a", Http), ("https://h/a", Http), ("s3://b/k", Objects),
     ("gs://b/k", Objects), ("az://c/k", Objects), ("azure://c/k", Objects)],
)  # fmt: skip
def test_each_kind_of_url_has_its_transport(text: str, kind: type) -> None:
    assert isinstance(transport(parse(text), {}), kind)


@pytest.mark.parametrize("text", ["s3://b/k", "gs://b/k", "az://c/k"])
def test_without_obstore_the_error_says_what_to_install(text: str, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    url = parse(text)
    with pytest.raises(RemoteError, match=r"pip install 'penstock\[cloud\]'"):
        transport(url, {}).stat(url)


def test_retries_are_handed_on() -> None:
    url = parse("http://127.0.0.1:1/x")
    with pytest.raises(RemoteError) as caught:
        transport(url, {}, retries=0).stat(url)
    assert "tried" not in caught.value.message
