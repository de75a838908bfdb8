from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.service.conftest import WORKER

from penstock.backend import connect
from penstock.core.errors import Conflict, Invalid, NotFound
from penstock.core.task import Status
from penstock.ops.agents import Agent, ReportAgent
from penstock.ops.claims import ClaimTask
from penstock.ops.lifecycle import DequeueTask, EnqueueTask, ResetTask
from penstock.ops.queues import ChangeQueue, CreateQueue, DeleteQueue, ListEntries, ListQueues, MoveEntry
from penstock.ops.tasks import CreateTask, EndTask, GetTask, NewTask
from penstock.settings import Settings


@pytest.fixture
def call(desk):
    return desk.backend.call


def queued(desk, name="work", queue="default", priority=0):
    return desk.backend.call(EnqueueTask(id=desk.task(name).id, queue=queue, priority=priority))


def names(call, queue="default"):
    return [entry.name for entry in call(ListEntries(queue=queue))]


def claim(call, *queues, request="r", workers=100):
    return call(ClaimTask(agent="a", queues=queues or ("default",), request=request, workers=workers))


def test_two_queues_are_there_from_the_start(call):
    assert [(one.name, one.waiting, one.running) for one in call(ListQueues())] == [
        ("default", 0, 0),
        ("services", 0, 0),
    ]


def test_a_task_cannot_wait_in_a_queue_that_is_not_there_and_the_error_names_those_that_are(desk, call):
    task = desk.task()
    with pytest.raises(NotFound, match="no queue 'gpu'") as error:
        call(EnqueueTask(id=task.id, queue="gpu"))
    assert "'default', 'services'" in str(error.value.hint)
    assert call(GetTask(id=task.id)).status is Status.CREATED


def test_what_came_first_is_claimed_first_unless_something_has_a_higher_priority(desk, call):
    for name, priority in (("a", 0), ("b", 5), ("c", 0), ("d", 5)):
        queued(desk, name, priority=priority)
    assert names(call) == ["b", "d", "a", "c"]
    assert [claim(call, request=str(number)).task.name for number in range(4)] == ["b", "d", "a", "c"]
    assert claim(call, request="4") is None


def test_a_task_is_in_one_queue_at_a_time_and_in_none_once_it_is_a_draft_again(desk, call):
    task = queued(desk)
    call(EnqueueTask(id=task.id, queue="services"))
    assert (names(call), names(call, "services")) == ([], ["work"])
    assert call(DequeueTask(id=task.id)).status is Status.CREATED
    assert names(call, "services") == []


@pytest.mark.parametrize("leave", [lambda id: EndTask(id=id, status=Status.STOPPED), lambda id: ResetTask(id=id)])
def test_what_ends_or_becomes_a_draft_again_leaves_its_queue(desk, call, leave):
    call(leave(queued(desk).id))
    assert (names(call), claim(call)) == ([], None)


def test_nothing_is_claimed_from_a_queue_that_is_paused(desk, call):
    queued(desk)
    assert call(ChangeQueue(name="default", paused=True)).paused
    assert claim(call) is None
    call(ChangeQueue(name="default", paused=False))
    assert claim(call) is not None


def test_no_more_tasks_of_a_queue_run_at_once_than_its_limit_says(desk, call):
    call(CreateQueue(name="gpu", limit=2))
    for _ in range(3):
        queued(desk, queue="gpu")
    first, second = (claim(call, "gpu", request=one) for one in "ab")
    assert claim(call, "gpu", request="c") is None
    call(EndTask(id=first.task.id, status=Status.COMPLETED))
    assert claim(call, "gpu", request="c") is not None
    assert [(one.limit, one.waiting, one.running) for one in call(ListQueues(names=("gpu",)))] == [(2, 0, 2)]
    assert second is not None
    assert call(ChangeQueue(name="gpu", limit=0)).limit is None


def test_a_queue_says_how_many_agents_serve_it(call):
    for name, served in (("all", ()), ("some", ("default", "x")), ("other", ("services",))):
        call(ReportAgent(agent=Agent(name=name, process=WORKER, queues=served)))
    assert {one.name: one.agents for one in call(ListQueues())} == {"default": 2, "services": 2}


def test_a_queue_says_since_when_what_waits_longest_in_it_waits(desk, call):
    assert call(ListQueues(names=("default",)))[0].oldest is None
    queued(desk, "first")
    queued(desk, "second", priority=1)
    first = {one.name: one.since for one in call(ListEntries(queue="default"))}["first"]
    assert call(ListQueues(names=("default",)))[0].oldest == first


def test_a_queue_takes_what_waits_in_it_along_when_it_is_renamed(desk, call):
    task = queued(desk)
    call(ChangeQueue(name="default", rename="cpu"))
    assert (names(call, "cpu"), call(GetTask(id=task.id)).queue) == (["work"], "cpu")
    with pytest.raises(Conflict, match="a queue 'services' already"):
        call(ChangeQueue(name="cpu", rename="services"))


def test_a_queue_in_which_something_waits_is_deleted_by_force_alone(desk, call):
    task = queued(desk)
    with pytest.raises(Conflict, match="1 tasks wait in queue 'default'"):
        call(DeleteQueue(name="default"))
    call(DeleteQueue(name="default", force=True))
    assert call(GetTask(id=task.id)).status is Status.CREATED
    assert [one.name for one in call(ListQueues())] == ["services"]


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 257, "\x1b[31m"])
def test_a_name_that_could_not_be_shown_is_refused(call, name):
    with pytest.raises(Invalid, match="is no name for a queue"):
        call(CreateQueue(name=name))


def test_creating_a_queue_again_leaves_it_as_it_is(call):
    call(CreateQueue(name="gpu", limit=2))
    assert call(CreateQueue(name="gpu", limit=5)).limit == 2
    with pytest.raises(Invalid, match="limit is -1"):
        call(CreateQueue(name="x", limit=-1))


@settings(max_examples=60, deadline=None)
@given(
    priorities=st.lists(st.integers(-2, 2), min_size=1, max_size=6),
    moves=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 7) | st.sampled_from(["first", "last"])), max_size=8),
)
def test_a_task_goes_to_the_place_that_it_is_given_and_the_others_keep_their_order(tmp_path_factory, priorities, moves):
    backend = connect(Settings(home=tmp_path_factory.mktemp("home"), workers=1))
    for number, priority in enumerate(priorities):
        backend.call(CreateTask(task=NewTask(id=f"{number:032x}", name=str(number), project="P")))
        backend.call(EnqueueTask(id=f"{number:032x}", queue="default", priority=priority))
    model = names(backend.call)
    assert model == [str(number) for number in sorted(range(len(priorities)), key=lambda one: -priorities[one])]
    for number, place in moves:
        name = str(number % len(priorities))
        backend.call(MoveEntry(task=f"{int(name):032x}", place=place))
        model.remove(name)
        model.insert({"first": 0, "last": len(model)}.get(place, place), name)
        assert names(backend.call) == model
    backend.close()


def test_a_task_moves_to_another_queue(desk, call):
    queued(desk, "there", "services")
    task = queued(desk, "moved")
    call(MoveEntry(task=task.id, place="first", queue="services"))
    assert (names(call), names(call, "services")) == ([], ["moved", "there"])
    assert call(GetTask(id=task.id)).queue == "services"
    with pytest.raises(Invalid, match="no place"):
        call(MoveEntry(task=task.id, place=-1))
    with pytest.raises(NotFound, match="waits in no queue"):
        call(MoveEntry(task="f" * 32, place=0))
