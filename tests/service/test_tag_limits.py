"""How many tasks with a tag run at once."""

from __future__ import annotations

import threading

import pytest
from tests.service.conftest import WORKER

from penstock.backend import connect
from penstock.core.errors import Invalid, NotFound
from penstock.core.task import Status
from penstock.ops.claims import BeginClaimed, ClaimTask, EndLeases, HandBack
from penstock.ops.lifecycle import EnqueueTask
from penstock.ops.tag_limits import ListTagLimits, RemoveTagLimit, SetTagLimit
from penstock.ops.tasks import CreateTask, DescribeTask, EndTask, NewTask
from penstock.service.tag_limits import LONGEST_TAG
from penstock.settings import Settings


@pytest.fixture
def call(timed):
    return timed.backend.call


@pytest.fixture
def queued(timed, call):
    def queued(*tags, name="work", queue="default"):
        task = timed.task(name, tags=tags)
        return call(EnqueueTask(id=task.id, queue=queue))

    return queued


def claimed(timed, *queues):
    """The names of all that can be claimed now."""
    return [one.task.name for one in iter(lambda: timed.claim(*queues), None)]


def numbers(call):
    return [(one.tag, one.limit, one.running, one.waiting) for one in call(ListTagLimits())]


def test_no_more_than_so_many_tasks_with_a_tag_are_claimed_and_others_go_by_them(timed, call, queued):
    call(SetTagLimit(tag="gpu", limit=2))
    for name in "abc":
        queued("gpu", "x", name=name)
    queued("x", name="d")
    assert claimed(timed) == ["a", "b", "d"]
    assert numbers(call) == [("gpu", 2, 2, 1)]


def test_a_limit_counts_in_all_queues_together(timed, call, queued):
    call(SetTagLimit(tag="gpu", limit=1))
    queued("gpu", name="a", queue="services")
    queued("gpu", name="b")
    assert claimed(timed, "services", "default") == ["a"]


def test_one_that_ends_makes_room_and_so_does_one_that_is_handed_back_or_lost(timed, call, queued):
    call(SetTagLimit(tag="gpu", limit=1))
    for name in "ab":
        queued("gpu", name=name)
    first = timed.claim()
    assert timed.claim() is None
    call(HandBack(held=first.held))
    again = timed.claim()
    assert (again.task.name, timed.claim()) == ("a", None)
    call(BeginClaimed(held=again.held, worker=WORKER))
    timed.clock.now += 100
    call(EndLeases())
    second = timed.claim()
    assert second.task.name == "b"
    call(EndTask(id=second.task.id, status=Status.COMPLETED))
    assert numbers(call) == [("gpu", 1, 0, 0)]


def test_a_task_with_several_tags_waits_for_each_of_them(timed, call, queued):
    for tag in ("gpu", "licence"):
        call(SetTagLimit(tag=tag, limit=1))
    queued("licence", name="a")
    queued("gpu", "licence", name="b")
    queued("gpu", name="c")
    assert claimed(timed) == ["a", "c"]


def test_a_limit_is_changed_and_removed_at_any_time(timed, call, queued):
    for name in "abcd":
        queued("gpu", name=name)
    assert [timed.claim().task.name for _ in range(2)] == ["a", "b"]
    call(SetTagLimit(tag="gpu", limit=1))
    assert claimed(timed) == []
    assert call(SetTagLimit(tag="gpu", limit=3)).running == 2
    assert claimed(timed) == ["c"]
    call(RemoveTagLimit(tag="gpu"))
    assert (claimed(timed), numbers(call)) == (["d"], [])
    with pytest.raises(NotFound, match="no limit for tag 'gpu'"):
        call(RemoveTagLimit(tag="gpu"))


def test_tags_count_that_a_task_has_now(timed, call, queued):
    call(SetTagLimit(tag="gpu", limit=1))
    queued("gpu", name="a")
    task = queued("gpu", name="b")
    assert claimed(timed) == ["a"]
    call(DescribeTask(id=task.id, tags=("cpu",)))
    assert claimed(timed) == ["b"]


def test_runs_neither_wait_nor_count(timed, call, queued):
    call(SetTagLimit(tag="gpu", limit=1))
    runs = [timed.queued_run("default") for _ in range(2)]
    for run in runs:
        call(DescribeTask(id=run.id, tags=("gpu",)))
    queued("gpu", name="step")
    assert claimed(timed) == ["flow", "flow", "step"]
    assert numbers(call) == [("gpu", 1, 1, 0)]


NO_LIMITS = [("gpu", 0), ("gpu", -1), ("", 1), (" ", 1), ("a\nb", 1), ("x" * (LONGEST_TAG + 1), 1)]


@pytest.mark.parametrize(("tag", "limit"), NO_LIMITS)
def test_what_is_no_limit_is_refused(call, tag, limit):
    with pytest.raises(Invalid):
        call(SetTagLimit(tag=tag, limit=limit))


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_many_who_claim_at_once_keep_to_the_limit_together(request, tmp_path, database):
    url = request.getfixturevalue("postgres_url") if database == "postgres" else None
    backend = connect(Settings(home=tmp_path / "home", workers=1, database_url=url))
    backend.call(SetTagLimit(tag="gpu", limit=3))
    for number in range(12):
        id = f"{number:032x}"
        backend.call(CreateTask(task=NewTask(id=id, name="work", project="P", tags=("gpu",))))
        backend.call(EnqueueTask(id=id, queue="default"))
    found, start = [], threading.Barrier(6)

    def claim(number):
        start.wait()
        for turn in range(2):
            op = ClaimTask(agent=f"agent {number}", queues=("default",), request=f"{number} {turn}", workers=9)
            found.append(backend.call(op))

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len([one for one in found if one is not None]) == 3
    backend.close()
