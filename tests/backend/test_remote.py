"""The backend of a server: what PENSTOCK_URL does."""

from __future__ import annotations

import subprocess
import sys
import time

import msgspec
import pytest

from penstock.backend import connect, remote
from penstock.backend.client import Answer
from penstock.backend.remote import Remote, key_of, open_remote
from penstock.backend.token import make_token
from penstock.core.errors import Invalid, Unauthenticated
from penstock.core.lease import Held
from penstock.core.pipeline import Pipeline
from penstock.core.run import Run
from penstock.core.secret import Secret
from penstock.core.task import Parameter, Status, Task, Worker
from penstock.ops.changes import LastChange, ListChanges
from penstock.ops.runs import EndRun, ListRuns, StartRun
from penstock.ops.tasks import GetTask, SetParameters
from penstock.settings import Settings


def test_settings_with_an_address_lead_to_the_server(tmp_path):
    assert isinstance(connect(Settings(home=tmp_path, workers=1, url="http://127.0.0.1:1")), Remote)
    assert not (tmp_path / "penstock.db").exists()


def test_a_server_on_this_machine_knows_the_owner_of_its_home_by_the_token(tmp_path):
    token = make_token(tmp_path)
    for host in ("127.0.0.1", "localhost", "[::1]"):
        assert key_of(Settings(home=tmp_path, workers=1, url=f"http://{host}:1"))() == token


def test_the_token_goes_to_no_other_machine(tmp_path):
    make_token(tmp_path)
    for host in ("example.org", "127.0.0.1.example.org", "localhost.example.org", "10.0.0.1"):
        assert key_of(Settings(home=tmp_path, workers=1, url=f"http://{host}:1"))() == ""


def test_a_key_that_is_set_counts_before_the_token(tmp_path):
    make_token(tmp_path)
    assert key_of(Settings(home=tmp_path, workers=1, url="http://localhost:1", key=Secret("mine")))() == "mine"


def test_a_token_that_comes_later_is_found(tmp_path):
    key = key_of(Settings(home=tmp_path, workers=1, url="http://localhost:1"))
    assert key() == ""
    made = make_token(tmp_path)
    assert key() == made


def test_without_a_key_it_is_said_how_to_get_one(site, tmp_path):
    backend = open_remote(Settings(home=tmp_path, workers=1, url=site.url))
    with pytest.raises(Unauthenticated) as error:
        backend.call(ListRuns())
    assert "PENSTOCK_KEY" in error.value.hint
    backend.close()


class Recorded:
    """A client that remembers what it was asked, and has an answer ready."""

    url = "http://s"

    def __init__(self, *bodies):
        self.bodies = list(bodies)
        self.asked = []

    def ask(self, method, path, body, headers, wait):
        self.asked.append((path, headers, wait))
        return Answer(status=200, headers={}, body=self.bodies.pop(0))


def test_each_request_that_changes_something_has_a_key_of_its_own(tmp_path):
    client = Recorded(b"\xc0", b"\xc0", b"\x90")
    backend = Remote(client, tmp_path)
    for _ in range(2):
        backend.call(SetParameters(task="t", parameters=()))
    backend.call(ListRuns())
    first, second, reading = (headers.get("Idempotency-Key") for _, headers, _ in client.asked)
    assert first
    assert second
    assert first != second
    assert reading is None


def test_what_is_to_be_carried_out_once_comes_with_the_key_that_was_given(tmp_path):
    client = Recorded(b"\xc0")
    Remote(client, tmp_path).holding(Held("t", 7)).call_once(SetParameters(task="t", parameters=()), "the key")
    ((_, headers, _),) = client.asked
    assert (headers["Idempotency-Key"], headers["Penstock-Held"]) == ("the key", "t:7")


def test_a_server_is_waited_for_longest_while_a_run_is_carried_out(tmp_path):
    run = Run(task=Task(id="r", name="r", project="P"), pipeline="r", project="P")
    worker = Worker(host="h", pid=1)
    client = Recorded(msgspec.msgpack.encode(run), msgspec.msgpack.encode(run), b"\x90")
    backend = Remote(client, tmp_path)
    backend.call(StartRun(id="r", definition=Pipeline(name="r", project="P"), worker=worker))
    assert client.leads
    backend.call(EndRun(id="r", status=Status.COMPLETED))
    assert not client.leads
    backend.call(ListRuns())
    assert not client.leads


def test_who_waits_for_long_asks_again_and_again(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(remote.time, "monotonic", lambda: now.__setitem__(0, now[0] + 10.0) or now[0])
    client = Recorded(*[b"\x90"] * 20)
    assert Remote(client, tmp_path).call(ListChanges(wait=100.0)) == []
    waits = [wait for _, _, wait in client.asked]
    assert max(waits) == remote.LONGEST_WAIT
    assert len(waits) > 3


def test_a_wait_ends_in_time(remote):
    began = time.monotonic()
    assert remote.call(ListChanges(after=remote.call(LastChange()) + 1000, wait=0.05)) == []
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("value", [2**64, -(2**63) - 1])
def test_a_number_that_the_wire_cannot_hold_is_an_error(remote, value):
    with pytest.raises(Invalid, match="64 bits"):
        remote.call(SetParameters(task="t", parameters=(Parameter(section="s", name="n", value=value),)))


def test_half_a_character_is_an_error(remote):
    with pytest.raises(Invalid, match="half a character"):
        remote.call(GetTask(id="\ud800"))


def test_a_client_needs_neither_database_nor_server(tmp_path):
    """Nor what a step's process must not carry: this is what every process that uses a server imports."""
    code = "import sys, penstock.backend.remote; print(*sorted(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"sqlite3", "starlette", "uvicorn", "anyio", "asyncio", "prometheus_client", "rich"} & set(found) == set()
