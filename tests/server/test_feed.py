"""Who is woken by what: everybody whom it concerns, or one at a time where only one can have it."""

from __future__ import annotations

import asyncio

import pytest

from penstock.core.run import Change, ChangeKind
from penstock.core.topics import ANY, EVERYTHING, RELEASED, of_agent, of_queue, queued_in
from penstock.ops.changes import LastChange
from penstock.server.feed import Feed

STEPS = queued_in("gpu", runs=False)


def queued(task="t", place="gpu"):
    return Change(seq=1, at=1.0, kind=ChangeKind.STATUS, task=task, status="queued", place=place)


@pytest.fixture
def feed():
    return Feed(lambda _: [])


def rung(*waiting):
    return [one.is_busy for one in waiting]


def test_a_task_that_begins_to_wait_wakes_one_who_waits_for_its_queue_and_each_another(feed):
    elsewhere, first, second, third = feed.join(queued_in("cpu", runs=False)), *(feed.join(STEPS) for _ in range(3))
    feed.hand_out([queued()])
    assert rung(elsewhere, first, second, third) == [False, True, False, False]
    feed.hand_out([queued(), queued(place="cpu")])
    assert rung(elsewhere, first, second, third) == [True, True, True, False]


def test_who_serves_every_queue_is_woken_by_any(feed):
    one = feed.join(queued_in(ANY, runs=False))
    feed.hand_out([queued(place="whatever")])
    assert rung(one) == [True]


def test_a_queue_and_an_agent_wake_everybody_whom_they_concern(feed):
    waiting = [feed.join(of_queue("gpu"), of_agent(name)) for name in "ab"]
    feed.hand_out([Change(seq=1, at=1.0, kind=ChangeKind.AGENT, task="", status="", place="b")])
    assert rung(*waiting) == [False, True]
    feed.hand_out([Change(seq=2, at=1.0, kind=ChangeKind.QUEUE, task="", status="", place="gpu")])
    assert rung(*waiting) == [True, True]


def test_who_leaves_without_using_its_turn_passes_it_on(feed):
    """A client that goes away, or whose time is over, in the very moment in which it was woken."""
    with feed.join(STEPS) as first:
        second = feed.join(STEPS)
        feed.hand_out([queued()])
        assert rung(first, second) == [True, False]
    assert rung(second) == [True]


def test_who_got_something_has_used_its_turn(feed):
    with feed.join(STEPS) as first:
        second = feed.join(STEPS)
        feed.hand_out([queued()])
        first.used()
    assert rung(second) == [False]


def test_who_looked_and_could_have_taken_it_found_it_gone(feed):
    first, second = feed.join(STEPS), feed.join(STEPS)
    feed.hand_out([queued()])
    first.found_nothing(first.begin())
    assert rung(first, second) == [False, False]


def test_who_has_no_place_for_it_any_more_passes_it_on(feed):
    first, second = feed.join(STEPS), feed.join(STEPS)
    feed.hand_out([queued()])
    turns = first.begin()
    assert not first.watch(frozenset())
    first.found_nothing(turns)
    assert rung(first, second) == [False, True]


def test_that_something_was_released_goes_around_once(feed):
    first, second = feed.join(RELEASED), feed.join(RELEASED)
    feed.hand_out([queued()])
    first.found_nothing(first.begin())
    assert rung(first, second) == [False, True]
    second.found_nothing(second.begin())
    assert rung(first, second) == [False, False]


def test_a_turn_that_comes_while_one_looks_makes_it_look_again(feed):
    """It may have looked just before the second task came."""
    only = feed.join(STEPS)
    feed.hand_out([queued()])
    turns = only.begin()
    feed.hand_out([queued("u")])
    only.found_nothing(turns)
    assert rung(only) == [True]


def test_a_topic_that_is_new_means_to_look_once_more(feed):
    one = feed.join()
    assert one.watch(frozenset({STEPS}))
    assert not one.watch(frozenset({STEPS}))


def test_nothing_is_kept_of_who_left(feed):
    with feed.join(STEPS, of_queue("gpu")):
        assert feed.clients == 1
    assert (feed.clients, feed._waiting) == (0, {})


def numbered(*numbers):
    return [Change(seq=seq, at=1.0, kind=ChangeKind.STATUS, task="t", status="queued", place="gpu") for seq in numbers]


class Standing:
    """A feed in an event loop, whose store has these changes, and what one client hears of it."""

    def __init__(self, *stored):
        self.stored = numbered(*stored)
        self.feed = Feed(self._call)

    def _call(self, op):
        return 0 if isinstance(op, LastChange) else [one for one in self.stored if one.seq > op.after]

    def hears(self, *happenings):
        """Return the numbers that a client hears of each of these, in this order."""

        async def hearing():
            self.feed.open()
            with self.feed.join(EVERYTHING) as waiting:
                heard = []
                for happening in happenings:
                    happening()
                    heard.append([change.seq for change in await waiting.more(0.05)])
                return heard

        return asyncio.run(hearing())


def test_what_this_server_changed_is_handed_out_without_a_look_and_not_again_when_it_is_read():
    one = Standing(1, 2, 3)
    told = [lambda: one.feed.told(numbered(1)), lambda: one.feed.told(numbered(2))]
    assert one.hears(*told, one.feed.look) == [[1], [2], [3]]
    assert one.feed.seq == 3


def test_what_is_told_while_somebody_reads_it_is_handed_out_once():
    one = Standing(1, 2)

    def both():
        one.feed.told(numbered(1))
        one.feed.look()  # before the loop had its turn: it reads from where the feed stood

    assert one.hears(both) == [[1, 2]]


def test_what_is_told_too_early_waits_for_what_comes_before():
    """Two threads commit one after the other, and tell in the other order."""
    one = Standing()
    assert one.hears(lambda: one.feed.told(numbered(2, 3)), lambda: one.feed.told(numbered(1))) == [[], [1, 2, 3]]


def test_what_is_told_behind_the_changes_of_others_waits_until_these_are_read():
    one = Standing(1, 2, 3, 4)
    one.stored = numbered(1, 2)
    assert one.hears(lambda: one.feed.told(numbered(3, 4)), one.feed.look) == [[], [1, 2, 3, 4]]
    assert one.feed._early == {}


def test_a_number_that_nothing_has_holds_nothing_up():
    """A transaction that was undone had it, on PostgreSQL."""
    one = Standing(2, 3)
    assert one.hears(lambda: one.feed.told(numbered(2, 3)), one.feed.look) == [[], [2, 3]]
    assert one.feed._early == {}


def test_the_end_of_the_feed_wakes_everybody(feed):
    one = feed.join(STEPS)

    async def ending():
        feed.end()
        await one.more(3600.0)

    asyncio.run(ending())
