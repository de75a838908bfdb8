from __future__ import annotations

import threading

import pytest

from penstock.agent.keeper import Keeper
from penstock.core.errors import LeaseLost, StoreError
from penstock.core.lease import Held

HELD = Held("a" * 32, 7)


class Backend:
    """Answers renewals with what it is given, then waits for ever."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []
        self.empty = threading.Event()

    def call(self, op):
        self.asked.append(op)
        if not self.answers:
            self.empty.set()
            threading.Event().wait()
        if (answer := self.answers.pop(0)) is not None:
            raise answer


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("penstock.agent.keeper.PAUSE", 0.001)
    monkeypatch.setattr("penstock.agent.keeper.SETTLED", 0.001)


def test_a_lease_is_renewed_after_a_quarter_of_its_length_again_and_again():
    backend, lost = Backend(None, None, None), []
    keeper = Keeper(backend, HELD, 8.0, lambda: lost.append(1))
    keeper.start()
    assert backend.empty.wait(30)
    assert {(one.held, one.seconds, one.wait) for one in backend.asked} == {(HELD, 8.0, 2.0)}
    assert (lost, keeper.is_lost) == ([], False)


def test_a_store_that_cannot_be_reached_is_asked_again_and_nothing_is_given_up():
    backend, lost = Backend(StoreError("gone"), StoreError("gone"), None), []
    Keeper(backend, HELD, 8.0, lambda: lost.append(1)).start()
    assert backend.empty.wait(30)
    assert lost == []


def test_being_told_that_the_task_went_to_another_is_passed_on_once():
    told = threading.Event()
    backend = Backend(None, LeaseLost("it went"))
    keeper = Keeper(backend, HELD, 8.0, told.set)
    keeper.start()
    assert told.wait(30)
    assert keeper.is_lost
    assert len(backend.asked) == 2


def test_who_has_ended_the_task_is_told_nothing_of_it():
    backend, lost = Backend(LeaseLost("ended")), []
    keeper = Keeper(backend, HELD, 8.0, lambda: lost.append(1))
    keeper.stop()
    keeper.start()
    keeper._thread.join(30)
    assert (lost, keeper.is_lost, backend.asked) == ([], False, [])


def test_nothing_is_asked_for_a_task_that_is_over_at_once(monkeypatch):
    monkeypatch.setattr("penstock.agent.keeper.SETTLED", 60.0)
    backend = Backend()
    keeper = Keeper(backend, HELD, 800.0, pytest.fail)
    keeper.start()
    keeper.stop()
    assert not keeper.goes_on
    assert backend.asked == []


def test_who_renews_already_is_told_to_begin_once_more_in_vain(monkeypatch):
    monkeypatch.setattr("penstock.agent.keeper.SETTLED", 60.0)
    keeper = Keeper(Backend(), HELD, 800.0, pytest.fail)
    keeper.start()
    keeper.start()
    keeper.stop()
    assert not keeper.goes_on
