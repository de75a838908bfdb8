"""The parts put together: who carries out what for whom, and what is tidied up."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request

import pytest

from penstock.backend.local import open_local
from penstock.core.access import Identity, Scope
from penstock.core.errors import Unauthenticated
from penstock.ops.base import Once
from penstock.ops.tasks import CreateTask, NewTask
from penstock.server.app import ANSWERS_KEPT, App
from penstock.server.serve import Serving, hosts
from penstock.server.thread import serving
from penstock.settings import Settings


@pytest.fixture
def own(tmp_path):
    backend = open_local(Settings(home=tmp_path / "home", workers=1))
    yield backend
    backend.close()


def ask(address, name, key):
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{address.url}/api/v1/{name}", b'{"id": "x"}', headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def reader(key):
    """Knows one key, which may only read."""
    if key != "readers":
        raise Unauthenticated
    return Identity(name="r", scope=Scope.READ)


def test_a_key_allows_what_its_scope_says(own, tmp_path):
    with serving(own, Serving(home=tmp_path / "home", port=0), reader) as address:
        assert ask(address, "ListRuns", "readers") == (200, [])
        status, problem = ask(address, "DeleteTask", "readers")
        assert (status, problem["code"]) == (403, "forbidden")
        assert "allows read, not write" in problem["message"]
        assert ask(address, "ListRuns", "x")[0] == 401


def test_whoever_carries_operations_out_is_told_who_asks(own, tmp_path):
    told = []

    def carry_out(identity, op, once):
        told.append((identity.name, type(op).__name__, once))
        return own.call(op, once)

    with serving(own, Serving(home=tmp_path / "home", port=0), reader, carry_out) as address:
        ask(address, "GetTask", "readers")
    assert told == [("r", "GetTask", None)]


def test_answers_and_what_was_half_sent_are_forgotten_after_a_day(own, tmp_path):
    clock = [time.time() - ANSWERS_KEPT - 60.0]
    own._service._clock = lambda: clock[0]
    old, young = Once("1" * 64, "d"), Once("2" * 64, "d")
    own.call(CreateTask(task=NewTask(id="1" * 32, name="t", project="P")), old)
    clock[0] = time.time()
    own.call(CreateTask(task=NewTask(id="2" * 32, name="t", project="P")), young)
    App(own, hosts("127.0.0.1", 1), reader)._tidy()
    assert not own._service.knows(old)
    assert own._service.knows(young)
