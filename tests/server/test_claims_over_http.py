"""A claim that waits at the server is answered by whatever lets it go on: nobody looks again after a while here."""

from __future__ import annotations

import threading
import uuid

import pytest
from tests.place import until

from penstock.backend.protocol import LONGEST_WAIT
from penstock.core.errors import Conflict
from penstock.core.task import Status, Worker
from penstock.ops.agents import Agent, DrainAgent, ReportAgent
from penstock.ops.claims import ClaimTask, HandBack, ListHeld
from penstock.ops.lifecycle import DequeueTask, EnqueueTask
from penstock.ops.queues import ChangeQueue, CreateQueue, ListEntries, MoveEntry
from penstock.ops.tag_limits import RemoveTagLimit, SetTagLimit
from penstock.ops.tasks import CreateTask, EndTask, NewTask
from penstock.server import live
from penstock.server.feed import Waiting

PATIENCE = 60.0  # seconds after which a test is lost; none comes near


@pytest.fixture(autouse=True)
def _nobody_looks_again_by_itself(monkeypatch):
    monkeypatch.setattr(live, "AGAIN", 3600.0)


@pytest.fixture(autouse=True)
def _nothing_of_other_tests(served):
    for claim in served.call(ListHeld()):
        served.call(EndTask(id=claim.task.id, status=Status.COMPLETED))
    for entry in served.call(ListEntries(queue="default")):
        served.call(DequeueTask(id=entry.task))
    served.call(ChangeQueue(name="default", limit=0, paused=False))


@pytest.fixture
def enqueue(served):
    def enqueue(queue="default", **more):
        id = uuid.uuid4().hex
        served.call(CreateTask(task=NewTask(id=id, name="t", project="P", **more)))
        served.call(EnqueueTask(id=id, queue=queue))
        return id

    return enqueue


def claiming(agent="a", queues=("default",), **more):
    return ClaimTask(agent=agent, queues=queues, request=uuid.uuid4().hex, wait=PATIENCE, **more)


class Waits:
    """A claim that waits, in a thread of its own."""

    def __init__(self, remote, op):
        self._found = []
        self._thread = threading.Thread(target=self._ask, args=(remote, op), daemon=True)
        self._thread.start()

    def _ask(self, remote, op):
        try:
            self._found.append(remote.call(op))
        except Conflict as error:
            self._found.append(error)

    @property
    def goes_on(self):
        self._thread.join(0.05)
        return self._thread.is_alive()

    def found(self):
        self._thread.join(LONGEST_WAIT * 2 / 3)  # a client asks anew after that, and then finds what nobody told it
        assert self._found, "nothing woke it"
        return self._found[0]


@pytest.fixture
def sleepers(monkeypatch):
    """Those who looked, found nothing, and sleep now or did so."""
    slept = []

    async def more(waiting, seconds, sleep=Waiting.more):
        slept.append(waiting)
        return await sleep(waiting, seconds)

    monkeypatch.setattr(Waiting, "more", more)
    return slept


@pytest.fixture
def waits(remote, served, enqueue, sleepers):
    """Let a claim wait; return it once it does. What nobody answered gets something to do in the end."""
    started = []

    def waits(op):
        before = len(sleepers)
        started.append(Waits(remote, op))
        until(lambda: len(sleepers) > before)
        return started[-1]

    yield waits
    while any(one.goes_on for one in started):
        for claim in served.call(ListHeld()):
            served.call(EndTask(id=claim.task.id, status=Status.COMPLETED))
        enqueue()


def test_a_task_that_begins_to_wait(waits, enqueue):
    claim = waits(claiming())
    assert enqueue() == claim.found().task.id


def test_a_task_in_any_queue_for_an_agent_that_serves_all(waits, enqueue, served):
    claim = waits(claiming(queues=()))
    served.call(CreateQueue(name="new"))
    assert enqueue("new") == claim.found().task.id


def test_a_queue_that_goes_on_after_a_pause(waits, enqueue, served):
    served.call(ChangeQueue(name="default", paused=True))
    task = enqueue()
    claim = waits(claiming())
    served.call(ChangeQueue(name="default", paused=False))
    assert claim.found().task.id == task


def test_a_task_that_is_moved_into_the_queue(waits, enqueue, served):
    served.call(CreateQueue(name="other"))
    task = enqueue("other")
    claim = waits(claiming())
    served.call(MoveEntry(task=task, queue="default", place="first"))
    assert claim.found().task.id == task


def test_the_end_of_a_task_at_the_limit_of_a_queue(waits, enqueue, served):
    served.call(ChangeQueue(name="default", limit=1))
    first, second = enqueue(), enqueue()
    assert served.call(claiming("b")).task.id == first
    claim = waits(claiming())
    served.call(EndTask(id=first, status=Status.COMPLETED))
    assert claim.found().task.id == second


@pytest.mark.parametrize("change", [SetTagLimit(tag="gpu", limit=2), RemoveTagLimit(tag="gpu")])
def test_another_limit_for_tasks_with_a_tag(waits, enqueue, served, change):
    served.call(SetTagLimit(tag="gpu", limit=1))
    first, second = enqueue(tags=("gpu",)), enqueue(tags=("gpu",))
    assert served.call(claiming("b")).task.id == first
    claim = waits(claiming())
    served.call(change)
    assert claim.found().task.id == second


def test_the_end_of_the_task_that_took_the_agents_last_slot(waits, enqueue, served):
    first, second = enqueue(), enqueue()
    assert served.call(claiming()).task.id == first
    claim = waits(claiming())
    served.call(EndTask(id=first, status=Status.COMPLETED))
    assert claim.found().task.id == second


def test_a_task_that_is_handed_back(waits, enqueue, served):
    task = enqueue()
    held = served.call(claiming("b")).held
    claim = waits(claiming())
    served.call(HandBack(held=held))
    assert claim.found().task.id == task


def test_being_told_to_leave(waits, served):
    served.call(ReportAgent(agent=Agent(name="leaving", process=Worker(host="h", pid=1)), seconds=60.0))
    claim = waits(claiming("leaving"))
    served.call(DrainAgent(name="leaving"))
    assert isinstance(claim.found(), Conflict)


def test_of_many_who_wait_each_gets_one(waits, enqueue):
    claims = [waits(claiming(f"agent-{number}")) for number in range(10)]
    tasks = {enqueue() for _ in claims}
    assert {claim.found().task.id for claim in claims} == tasks


def test_a_task_goes_past_an_agent_without_a_slot(waits, enqueue, served):
    """It was woken first, having waited longest, and lets the next one have it."""
    enqueue()
    served.call(claiming("busy"))
    waits(claiming("busy"))
    claim = waits(claiming("free"))
    task = enqueue()
    assert claim.found().task.id == task
