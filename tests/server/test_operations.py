"""Operations over HTTP, for clients of any kind: in JSON and MessagePack, with errors, and requests that come twice."""

from __future__ import annotations

import json
import math
import socket
import uuid

import msgspec
import pytest
from tests.place import until

from penstock.backend.protocol import HELD, IDEMPOTENCY_KEY, MSGPACK
from penstock.core.access import ATTEMPT, digest_of, text_of
from penstock.core.task import Parameter, Task, Worker
from penstock.ops.claims import ClaimTask, EndLeases, HandBack
from penstock.ops.lifecycle import BeginTask, EnqueueTask
from penstock.ops.outputs import GetScalars, ReadConsole
from penstock.ops.queues import CreateQueue
from penstock.ops.tasks import CreateTask, GetParameters, GetTask, NewTask, SetParameters
from penstock.server import operations


@pytest.fixture
def task(served):
    id = uuid.uuid4().hex
    served.call(CreateTask(task=NewTask(id=id, name="t", project="P")))
    return id


def test_who_speaks_json_is_answered_in_json(site, task):
    reply = site.call("GetTask", {"id": task})
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/json")
    assert reply.json["name"] == "t"


def test_who_speaks_messagepack_is_answered_in_it(site, task):
    body = msgspec.msgpack.encode(GetTask(id=task))
    reply = site.ask("POST", "/api/v1/GetTask", body, Content_Type=MSGPACK)
    assert msgspec.msgpack.decode(reply.body, type=Task).id == task
    reply = site.ask("POST", "/api/v1/GetTask", body, Content_Type=MSGPACK, Accept="application/json")
    assert reply.json["id"] == task


def test_errors_have_a_status_and_say_what_was_wrong(site):
    reply = site.call("GetTask", {"id": "x"})
    assert (reply.status, reply.json["code"]) == (404, "not_found")
    reply = site.call("GetTask", {"id": 1})
    assert (reply.status, reply.json["code"]) == (422, "invalid")
    assert "$.id" in reply.json["message"]
    assert site.ask("POST", "/api/v1/GetTask", b"{", Content_Type="application/json").status == 400
    assert site.call("GotTask").status == 404
    reply = site.ask("GET", "/api/v1/GetTask")
    assert (reply.status, reply.headers["Allow"]) == (405, "POST")


def test_what_the_wire_cannot_hold_is_an_error_that_names_it(site, served, task):
    served.call(SetParameters(task=task, parameters=(Parameter(section="Args", name="x", value="\ud800"),)))
    reply = site.call("GetParameters", {"task": task})
    assert (reply.status, reply.json["code"]) == (422, "invalid")
    assert "half a character" in reply.json["message"]


def test_numbers_that_json_does_not_know_come_through_messagepack(remote, task):
    remote.call(SetParameters(task=task, parameters=(Parameter(section="Args", name="x", value=[math.inf, math.nan]),)))
    (found,) = remote.call(GetParameters(task=task))
    assert repr(found.value) == "[inf, nan]"


def report(site, task, once, value=1.0, **shown):
    series = [{"title": "t", "series": "s", "points": [[0, value, 1.0]]}]
    return site.call("ReportScalars", {"task": task, "series": series}, **{IDEMPOTENCY_KEY: once, **shown})


def points(served, task):
    return [point for series in served.call(GetScalars(task=task)) for point in series.points]


def test_a_request_that_comes_again_with_its_key_is_answered_the_same_and_done_once(site, served, task):
    key = uuid.uuid4().hex
    replies = [report(site, task, key) for _ in range(3)]
    assert {(reply.status, reply.body) for reply in replies} == {(200, b"null")}
    assert len(points(served, task)) == 1
    report(site, task, uuid.uuid4().hex)
    assert len(points(served, task)) == 2


def test_what_was_deleted_once_is_answered_again(site, task):
    key = {IDEMPOTENCY_KEY: uuid.uuid4().hex}
    first, second = (site.call("DeleteTask", {"id": task}, **key) for _ in range(2))
    assert (first.status, first.body) == (second.status, second.body) == (200, b"[]")
    assert site.call("DeleteTask", {"id": task}).status == 404


def test_a_key_stands_for_one_request_alone(site, served, task):
    key = uuid.uuid4().hex
    assert report(site, task, key).status == 200
    for other in (report(site, task, key, 2.0), site.call("ListRuns", {}, **{IDEMPOTENCY_KEY: key})):
        assert other.status in {200, 422}
    reply = report(site, task, key, 2.0)
    assert (reply.status, reply.json["code"]) == (422, "invalid")
    assert "idempotency key" in reply.json["message"]
    assert len(points(served, task)) == 1


def test_a_request_that_was_refused_may_be_tried_again(site, served, task):
    """Nothing was done, so there is nothing to answer again."""
    key, lines = uuid.uuid4().hex, [[1.0, "out", "hello"]]
    nobody = uuid.uuid4().hex
    body = {"task": nobody, "lines": lines}
    assert site.call("AppendConsole", body, **{IDEMPOTENCY_KEY: key}).status == 404
    served.call(CreateTask(task=NewTask(id=nobody, name="late", project="P")))
    assert site.call("AppendConsole", body, **{IDEMPOTENCY_KEY: key}).status == 200
    assert len(served.call(ReadConsole(task=nobody))) == 1


@pytest.mark.parametrize("key", ["", "x" * 201])
def test_a_key_has_a_length(site, task, key):
    assert report(site, task, key).status == 422


class TestAttempts:
    """Whoever carries a claimed task out, with its token."""

    @pytest.fixture
    def claim(self, served, task):
        """A claimed task, and its token."""
        token = text_of(ATTEMPT, "aaaaaaaa", uuid.uuid4().hex + "x" * 11)
        served.call(EnqueueTask(id=task, queue="default"))
        claim = served.call(
            ClaimTask(agent="a", queues=("default",), request=uuid.uuid4().hex, workers=99, proof=digest_of(token))
        )
        yield claim, token
        served.call(EndLeases(tasks=(task,)))

    def append(self, site, token, task, **headers):
        return site.call("AppendConsole", {"task": task, "lines": []}, key=token, **headers)

    def test_an_attempt_writes_to_its_task_until_the_task_is_held_no_more(self, site, served, claim):
        held, token = claim[0].held, claim[1]
        assert self.append(site, token, held.task).status == 200
        reply = self.append(site, token, "0" * 32)
        assert (reply.status, reply.json["code"]) == (403, "forbidden")
        served.call(HandBack(held=held))
        reply = self.append(site, token, held.task)
        assert (reply.status, reply.json["code"]) == (409, "lease_lost")

    def test_an_attempt_shows_no_other_number_than_its_own(self, site, claim):
        held, token = claim[0].held, claim[1]
        assert self.append(site, token, held.task, **{HELD: f"{held.task}:{held.fence}"}).status == 200
        assert self.append(site, token, held.task, **{HELD: f"{held.task}:{held.fence + 1}"}).status == 403

    def test_what_a_shim_has_sent_is_done_once_although_its_agent_sends_it_again(self, site, served, claim):
        """It shows another key. The shim was killed before it could note that it was answered."""
        held, token, once = claim[0].held, claim[1], uuid.uuid4().hex
        for shown in ({"key": token}, {HELD: f"{held.task}:{held.fence}"}):
            assert report(site, held.task, once, **shown).status == 200
        assert len(points(served, held.task)) == 1
        assert report(site, held.task, once).status == 200  # somebody else's key, by chance the same
        assert len(points(served, held.task)) == 2

    def test_an_attempt_logs_no_browser_in(self, site, claim):
        assert site.call("login-codes", key=claim[1]).status == 403


def test_who_waits_for_a_task_and_leaves_gets_none(site, served, task, monkeypatch):
    """An agent that is killed while it waits: what comes then is for those that live."""
    monkeypatch.setattr(operations, "LONGEST_WAIT", 1000.0)  # longer than this test would wait for its end
    name = uuid.uuid4().hex
    served.call(CreateQueue(name=name))
    body = json.dumps({"agent": "gone", "queues": [name], "request": name, "wait": 1000.0}).encode()
    head = f"POST /api/v1/ClaimTask HTTP/1.1\r\nHost: {site.host}\r\nAuthorization: Bearer {site.token}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    before = waiting_clients(site)
    with socket.create_connection(("127.0.0.1", site.port)) as client:
        client.sendall(head.encode() + body)
        until(lambda: waiting_clients(site) > before)
    until(lambda: waiting_clients(site) <= before)
    served.call(EnqueueTask(id=task, queue=name))
    claim = served.call(ClaimTask(agent="there", queues=(name,), request=uuid.uuid4().hex))
    assert claim.task.id == task


def waiting_clients(site):
    text = site.ask("GET", "/metrics").body.decode()
    return float(text.partition("\npenstock_waiting_clients ")[2].partition("\n")[0])


def test_the_same_report_of_an_end_is_answered_the_same_however_often_it_comes(site, served, task):
    """T22: with the key of the first time or with another."""
    served.call(BeginTask(id=task, worker=Worker(host="h", pid=1)))
    body = {"id": task, "status": "completed"}
    replies = [site.call("EndTask", body, Idempotency_Key=key) for key in [task] * 5 + list("abcde")]
    assert {reply.status for reply in replies} == {200}
    assert len({reply.body for reply in replies}) == 1
    assert site.call("EndTask", body | {"status": "failed"}, Idempotency_Key="other").status == 409
