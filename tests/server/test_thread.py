"""A server in a thread: there for as long as the block goes on."""

from __future__ import annotations

import threading
import urllib.request

import pytest

from penstock.backend.local import open_local
from penstock.core.errors import Invalid
from penstock.server.serve import Serving
from penstock.server.thread import serving
from penstock.settings import Settings


@pytest.fixture
def own(tmp_path):
    backend = open_local(Settings(home=tmp_path / "home", workers=1))
    yield backend
    backend.close()


def test_it_answers_inside_the_block_and_not_after_it(own, tmp_path):
    chosen = Serving(home=tmp_path / "home", port=0)
    with serving(own, chosen) as address, urllib.request.urlopen(f"{address.url}/healthz") as answer:
        assert answer.status == 200
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{address.url}/healthz")


def test_what_keeps_it_from_starting_is_raised_here(own, tmp_path):
    with pytest.raises(Invalid), serving(own, Serving(home=tmp_path / "home", host="0.0.0.0")):
        pytest.fail("it started")


def test_an_error_in_the_block_ends_it_too(own, tmp_path):
    before = set(threading.enumerate())  # another one may serve other tests meanwhile
    with pytest.raises(ZeroDivisionError), serving(own, Serving(home=tmp_path / "home", port=0)):
        raise ZeroDivisionError
    assert not [one for one in set(threading.enumerate()) - before if one.name == "penstock-server"]
