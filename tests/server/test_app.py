"""The parts put together: who carries out what for whom, and what is tidied up."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.place import until

from penstock.backend.local import open_local
from penstock.backend.token import read_token
from penstock.core.access import Identity, Scope
from penstock.core.errors import Unauthenticated
from penstock.ops.access import AddKey, AddUser, RevokeKey
from penstock.ops.audit import ListAudit
from penstock.ops.base import Once
from penstock.ops.claims import ClaimTask, ListHeld
from penstock.ops.lifecycle import EnqueueTask
from penstock.ops.tasks import CreateTask, NewTask
from penstock.server import live, operations
from penstock.server.app import ANSWERS_KEPT, App
from penstock.server.feed import Feed
from penstock.server.serve import Serving, hosts
from penstock.server.thread import serving
from penstock.settings import Settings


@pytest.fixture
def own(tmp_path):
    backend = open_local(Settings(home=tmp_path / "home", workers=1))
    yield backend
    backend.close()


def ask(address, name, key, **fields):
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(
        f"{address.url}/api/v1/{name}", json.dumps(fields or {"id": "x"}).encode(), headers
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def waiting(address, key):
    """How many clients wait."""
    request = urllib.request.Request(f"{address.url}/metrics", headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request) as answer:
        return float(answer.read().decode().partition("\npenstock_waiting_clients ")[2].partition("\n")[0])


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


def test_who_waits_hears_of_what_the_server_changed_without_that_anybody_looks(own, tmp_path, monkeypatch):
    monkeypatch.setattr(Feed, "look", lambda _: time.sleep(0.1))
    monkeypatch.setattr(live, "AGAIN", 3600.0)
    monkeypatch.setattr(operations, "LONGEST_WAIT", 3600.0)
    with ThreadPoolExecutor(1) as threads, serving(own, Serving(home=tmp_path / "home", port=0)) as address:
        key = read_token(tmp_path / "home")
        heard = threads.submit(ask, address, "ListChanges", key, wait=3600.0)
        until(lambda: waiting(address, key) == 1)
        assert ask(address, "CreateTask", key, task={"id": "1" * 32, "name": "t", "project": "P"})[0] == 200
        status, changes = heard.result(60)
    assert (status, [change["task"] for change in changes]) == (200, ["1" * 32])


def test_users_come_with_their_keys_and_what_they_change_is_in_the_audit_log(own, tmp_path):
    own.call(AddUser(name="root", scope=Scope.ADMIN))
    own.call(AddUser(name="ada", scope=Scope.RUN, projects=("P",)))
    made = own.call(AddKey(owner="ada", scope=Scope.RUN))
    with serving(own, Serving(home=tmp_path / "home", port=0)) as address:
        task = {"id": "1" * 32, "name": "t", "project": "P"}
        assert ask(address, "CreateTask", made.secret.text, task=task)[0] == 200
        status, problem = ask(address, "CreateTask", made.secret.text, task=task | {"id": "2" * 32, "project": "Q"})
        assert (status, problem["code"]) == (403, "forbidden")
        own.call(RevokeKey(id=made.key.id))
        time.sleep(1.1)  # for so long the door remembers who came; the service knows better
        assert ask(address, "ListRuns", made.secret.text)[0] == 401
    assert [(one.who, one.operation, one.result) for one in own.call(ListAudit())] == [
        ("ada", "CreateTask", "forbidden"),
        ("ada", "CreateTask", "done"),
    ]


def test_answers_and_what_was_half_sent_are_forgotten_after_a_day(own, tmp_path):
    clock = [time.time() - ANSWERS_KEPT - 60.0]
    own._service._clock = lambda: clock[0]
    old, young = Once("1" * 64, "d"), Once("2" * 64, "d")
    own.call(CreateTask(task=NewTask(id="1" * 32, name="t", project="P")), once=old)
    clock[0] = time.time()
    own.call(CreateTask(task=NewTask(id="2" * 32, name="t", project="P")), once=young)
    App(own, hosts("127.0.0.1", 1), reader)._tidy()
    assert not own._service.knows(old)
    assert own._service.knows(young)


def test_no_lease_ends_because_the_server_or_its_machine_was_asleep(own):
    """T40: whoever holds something could not say so meanwhile, and gets the time to do it."""
    own.call(CreateTask(task=NewTask(id="1" * 32, name="t", project="P")))
    own.call(EnqueueTask(id="1" * 32, queue="default"))
    claim = own.call(ClaimTask(agent="one", queues=(), request="r", seconds=0.0))
    app = App(own, hosts("127.0.0.1", 1), reader)
    app._looked -= 3600.0
    app._end_leases()
    assert own.call(ListHeld()) == [claim]
    own._service._clock = lambda: time.time() + 61.0
    app._end_leases()
    assert own.call(ListHeld()) == []
