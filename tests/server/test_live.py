"""Waiting for changes: any number of clients at once, woken by the change itself, and none of them a thread."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
import uuid
from contextlib import suppress

import pytest
from msgspec.structs import replace

from penstock.core.access import Scope
from penstock.core.pipeline import Pipeline
from penstock.core.run import Change, ChangeKind
from penstock.core.task import Status, Worker
from penstock.core.topics import EVERYTHING, queued_in
from penstock.ops.access import AddKey, AddUser, ListUsers, RemoveUser, RevokeKey
from penstock.ops.changes import FollowRun, LastChange, ListChanges, RunNews
from penstock.ops.claims import ClaimTask
from penstock.ops.runs import CreateRun, StartRun
from penstock.ops.tasks import CreateTask, NewTask
from penstock.server.feed import BATCH, Feed
from penstock.server.live import events, wait_for

CLIENTS = 300


@pytest.fixture
def change(served):
    """Makes one change, and returns its number."""

    def change():
        id = uuid.uuid4().hex
        served.call(CreateTask(task=NewTask(id=id, name="t", project="P")))
        return served.call(LastChange())

    return change


@pytest.fixture
def change_of_a_run(served):
    """Makes a change that belongs to a run, and returns the run."""

    def change():
        id = uuid.uuid4().hex
        served.call(CreateRun(pipeline="p", project="P", task=NewTask(id=id, name="p", project="")))
        here = Worker(host="h", pid=1)
        served.call(StartRun(id=id, definition=Pipeline(name="p", project="P"), worker=here))
        return id

    return change


def waiting(site):
    text = site.ask("GET", "/metrics").body.decode()
    return int(float(text.partition("\npenstock_waiting_clients ")[2].partition("\n")[0]))


def until(true):
    for _ in range(3000):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("it never came to that")


async def _long_poll(site, after):
    """Wait for a change as a client does that is written by hand; return the status and what came."""
    body = json.dumps({"after": after, "wait": 30.0}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    head = f"POST /api/v1/ListChanges HTTP/1.1\r\nHost: {site.host}\r\nAuthorization: Bearer {site.token}\r\n"
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    answer = await reader.readuntil(b"\r\n\r\n")
    length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    found = json.loads(await reader.readexactly(length))
    writer.close()
    return answer.split()[1], found


def test_hundreds_of_clients_wait_without_threads_and_all_hear_of_one_change(site, served, change):
    after = served.call(LastChange())
    before = threading.active_count()
    threads = []

    async def everybody():
        asked = [asyncio.create_task(_long_poll(site, after)) for _ in range(CLIENTS)]
        await asyncio.to_thread(until, lambda: waiting(site) == CLIENTS)
        threads.append(threading.active_count())
        await asyncio.to_thread(change)
        return await asyncio.gather(*asked)

    replies = asyncio.run(everybody())
    assert [status for status, _ in replies] == [b"200"] * CLIENTS
    assert all(found and found[0]["seq"] == after + 1 for _, found in replies)
    assert threads[0] - before < 40
    until(lambda: waiting(site) == 0)


def test_who_waits_for_a_run_hears_of_no_other(site, remote, served, change, change_of_a_run):
    run = change_of_a_run()
    seen = served.call(LastChange())
    found = []
    asking = threading.Thread(target=lambda: found.extend(remote.call(ListChanges(after=seen, run=run, wait=2.0))))
    asking.start()
    until(lambda: waiting(site) == 1)
    change()
    asking.join()
    assert found == []
    assert {one.run for one in remote.call(ListChanges(run=run, wait=2.0))} == {run}


def test_who_asks_for_what_is_there_does_not_wait(remote, change):
    seq = change()
    (newest,) = remote.call(ListChanges(after=seq - 1, wait=60.0))
    assert newest.seq == seq


def test_a_client_that_goes_away_is_forgotten(site, served):
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)
    body = json.dumps({"after": served.call(LastChange()), "wait": 0.5})
    headers = {"Authorization": f"Bearer {site.token}", "Content-Type": "application/json"}
    connection.request("POST", "/api/v1/ListChanges", body, headers)
    until(lambda: waiting(site) == 1)
    connection.close()
    until(lambda: waiting(site) == 0)


class Listener:
    """A browser's EventSource, by hand."""

    def __init__(self, site, path, **headers):
        self._connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
        self._connection.request("GET", path, headers={"Authorization": f"Bearer {site.token}", **headers})
        self.response = self._connection.getresponse()

    def next(self):
        """The next event: its id and its data."""
        event = {}
        while line := self.response.fp.readline().decode().rstrip("\n"):
            if line.startswith(("\r", ":")) or set(line.strip()) <= set("0123456789abcdef"):
                continue  # of the chunks
            name, _, value = line.strip().partition(": ")
            event[name] = value
        return event

    def change(self):
        while not (event := self.next()).get("data"):
            pass
        return int(event["id"]), json.loads(event["data"])

    def close(self):
        self._connection.close()


def test_changes_come_as_a_stream_that_can_be_taken_up_again(site, served, change):
    seen = served.call(LastChange())
    listener = Listener(site, f"/api/v1/changes/stream?after={seen}")
    assert listener.response.headers["Content-Type"].startswith("text/event-stream")
    first = change()
    seq, data = listener.change()
    assert (seq, data["seq"], data["status"]) == (seen + 1, seen + 1, str(Status.CREATED))
    listener.close()
    second = change()
    again = Listener(site, "/api/v1/changes/stream", **{"Last-Event-ID": str(first)})
    assert again.change()[0] == first + 1
    assert second > first
    third = change()
    assert again.change()[0] == third
    again.close()


@pytest.fixture
def somebody(served):
    """Somebody who may see one project, and another user, so that the server is governed."""
    if not any(one.name == "root" for one in served.call(ListUsers())):
        served.call(AddUser(name="root", scope=Scope.ADMIN))
    name = f"u{uuid.uuid4().hex}"
    served.call(AddUser(name=name, scope=Scope.READ, projects=("Q",)))
    made = served.call(AddKey(owner=name, scope=Scope.READ))
    yield made
    served.call(RemoveUser(name=name))


def _drafted(served, project):
    id = uuid.uuid4().hex
    served.call(CreateTask(task=NewTask(id=id, name="t", project=project)))
    return id


def test_nobody_hears_of_changes_in_projects_that_they_may_not_see(site, served, somebody):
    seen = served.call(LastChange())
    bearer = {"Authorization": f"Bearer {somebody.secret.text}"}
    listener = Listener(site, f"/api/v1/changes/stream?after={seen}", **bearer)
    until(lambda: waiting(site) == 1)
    polled = []
    body = {"after": seen, "wait": 30.0}
    asking = threading.Thread(
        target=lambda: polled.append(site.ask("POST", "/api/v1/ListChanges", body, **bearer).body)
    )
    asking.start()
    until(lambda: waiting(site) == 2)
    _drafted(served, "P")
    own = _drafted(served, "Q")
    assert listener.change()[1]["task"] == own
    asking.join()
    assert [one["task"] for one in json.loads(polled[0])] == [own]
    listener.close()


def test_a_stream_ends_with_the_key_that_it_was_opened_with(site, served, somebody):
    listener = Listener(site, "/api/v1/changes/stream", Authorization=f"Bearer {somebody.secret.text}")
    until(lambda: waiting(site) == 1)
    served.call(RevokeKey(id=somebody.key.id))
    until(lambda: waiting(site) == 0)
    assert "data" not in listener.next()
    listener.close()


@pytest.mark.parametrize("after", ["-1", "x", "1.0", "9" * 30, "%D9%A3"])
def test_a_stream_begins_at_a_number(site, after):
    assert site.ask("GET", f"/api/v1/changes/stream?after={after}").status == 422


def test_a_client_that_reads_slowly_misses_nothing_and_costs_no_memory(served, change):
    """More comes than is held for one client: then it looks for itself."""
    seen = served.call(LastChange())
    wanted = [change() for _ in range(3)]

    async def slow():
        feed = Feed(served.call)
        feed.open()

        async def call(op):
            return served.call(op)

        got = []
        stream = events(feed, seen, None, call)
        assert b"retry" in await anext(stream)
        got.append(await anext(stream))
        (entry,) = feed._waiting[EVERYTHING]
        wanted.append(change())
        entry.wake(served.call(ListChanges(after=seen)) * (BATCH // 3))
        assert entry._came == []
        got.append(await anext(stream))
        feed.end()
        with suppress(StopAsyncIteration):
            await anext(stream)
        return b"".join(got)

    text = asyncio.run(slow())
    told = [int(line[4:]) for line in text.splitlines() if line.startswith(b"id: ")]
    assert told == list(range(seen + 1, wanted[-1] + 1))


def test_who_asks_while_more_comes_than_is_held_for_a_client_misses_nothing():
    """More changes than are held come, and then one more, while the client looks for the first time."""
    changes = [Change(seq=n, at=1.0, task="t", kind=ChangeKind.STATUS, status="queued") for n in range(1, BATCH + 3)]
    asked = ListChanges(after=0, limit=5, wait=30.0)
    looks = []

    async def ask():
        feed = Feed(lambda _: [])

        async def call(op):
            looks.append(op)
            if len(looks) > 1:
                return changes[op.after : op.after + op.limit]
            feed.hand_out(changes[:-1])
            feed.hand_out(changes[-1:])
            return []  # it was read before they came

        return await wait_for(feed, asked, call, call, 60.0)

    assert [change.seq for change in asyncio.run(ask())] == [1, 2, 3, 4, 5]


def status(seq, status):
    return Change(seq=seq, at=1.0, task="t", run="r", kind=ChangeKind.STATUS, status=status)


@pytest.mark.parametrize("is_there", [False, True])
@pytest.mark.parametrize(
    ("linger", "told"), [(60.0, ["queued", "in_progress", "completed"]), (0.0, ["queued"])], ids=["patient", "at once"]
)
def test_that_attempts_begin_is_told_with_what_becomes_of_them_to_who_is_patient(is_there, linger, told):
    changes = [status(1, "queued"), status(2, "in_progress"), status(3, "completed")]

    async def ask():
        feed = Feed(lambda _: [])

        async def call(op):
            return RunNews(changes=tuple(changes[:is_there]))

        asked = asyncio.create_task(
            wait_for(feed, FollowRun(after=0, run="r", wait=60.0, linger=linger), call, call, 60.0)
        )
        for change in changes[is_there:]:
            await asyncio.sleep(0.01)
            feed.hand_out([change])
        return await asked

    assert [change.status for change in asyncio.run(ask()).changes] == told


@pytest.mark.parametrize(("most", "looks"), [(0, 1), (1, 1), (2, 2), (9, 2)])
def test_somebody_looks_again_where_what_attempts_left_is_wanted_and_they_are_few(most, looks):
    """Two attempts complete while one waits."""
    ended = [replace(status(seq, "completed"), step="s") for seq in (1, 2)]
    looked = []

    async def ask():
        feed = Feed(lambda _: [])

        async def call(op):
            looked.append(op)
            return RunNews() if len(looked) == 1 else RunNews(changes=tuple(ended), outputs=("both",))

        asked = asyncio.create_task(wait_for(feed, FollowRun(run="r", wait=60.0, outputs=most), call, call, 60.0))
        await asyncio.sleep(0.01)
        feed.hand_out(ended)
        return await asked

    news = asyncio.run(ask())
    assert news.changes == tuple(ended)
    assert (len(looked), news.outputs) == (looks, ("both",) if looks > 1 else ())


def test_what_the_first_look_found_is_the_answer_with_what_attempts_left():
    ended = replace(status(1, "completed"), step="s")

    async def ask():
        async def call(op):
            return RunNews(changes=(ended,), outputs=("it",))

        return await wait_for(Feed(lambda _: []), FollowRun(run="r", wait=60.0, outputs=8), call, call, 60.0)

    assert asyncio.run(ask()) == RunNews(changes=(ended,), outputs=("it",))


def test_who_is_patient_is_answered_when_nothing_more_comes_or_the_server_stops():
    async def ask(linger, stops):
        feed = Feed(lambda _: [])

        async def call(op):
            return RunNews(changes=(status(1, "queued"),))

        asked = asyncio.create_task(
            wait_for(feed, FollowRun(after=0, run="r", wait=60.0, linger=linger), call, call, 60.0)
        )
        await asyncio.sleep(0.01)
        if stops:
            feed.end()
        return await asked

    for linger, stops in ((0.05, False), (3600.0, True)):
        assert [change.status for change in asyncio.run(ask(linger, stops)).changes] == ["queued"]


def test_whose_turn_it_is_takes_what_came_without_a_look_before(served):
    looked, taken = [], []
    claim = ClaimTask(agent="a", queues=("default",), request="r", workers=1, wait=60.0)

    async def ask():
        feed, waits = Feed(lambda _: []), asyncio.Event()

        async def look(op):
            looked.append(op)
            if len(looked) == 2:  # the first one said what to wait for, this one that nothing came meanwhile
                waits.set()
            return frozenset({queued_in("default", runs=False)})

        async def call(op):
            taken.append(op)
            return "a task"

        asked = asyncio.create_task(wait_for(feed, claim, call, look, 60.0))
        await waits.wait()
        await asyncio.sleep(0.01)
        feed.hand_out([Change(seq=1, at=1.0, task="t", kind=ChangeKind.STATUS, status="queued", place="default")])
        return await asked

    assert asyncio.run(ask()) == "a task"
    assert (len(looked), len(taken)) == (2, 1)


def test_nobody_waits_any_more_when_the_server_stops(served):
    async def stopping():
        feed = Feed(served.call)
        feed.open()
        with feed.join(EVERYTHING) as entry:
            asked = asyncio.create_task(entry.more(3600.0))
            await asyncio.sleep(0)
            feed.end()
            return await asked, await entry.more(3600.0)

    assert asyncio.run(stopping()) == ([], [])
