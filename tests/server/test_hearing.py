"""While nobody reaches the server, it is the server that is cut off: whoever comes back finds what they held."""

from __future__ import annotations

import threading

import pytest

from penstock.core.lease import RENEWED, SECONDS
from penstock.server import hearing
from penstock.server.hearing import SILENT, Hearing


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still unless it is moved."""
    now = [1_000.0]
    monkeypatch.setattr(hearing.time, "monotonic", lambda: now[0])
    return now


def test_it_is_silent_when_nobody_was_heard_of_for_a_while(clock):
    heard = Hearing(lambda: None)
    assert not heard.is_silent
    clock[0] += SILENT + 1.0
    assert heard.is_silent
    heard.note()
    assert not heard.is_silent


def test_what_is_held_is_spared_once_when_a_silence_ends_however_many_come_at_once(clock):
    spared = []
    heard = Hearing(lambda: spared.append(threading.get_ident()))
    heard.end()
    assert spared == [], "it was not silent"
    clock[0] += SILENT + 1.0
    crowd = [threading.Thread(target=heard.end) for _ in range(8)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert (len(spared), heard.is_silent) == (1, False)


def test_a_silence_is_noticed_before_a_lease_ends_and_not_while_somebody_renews_one():
    assert RENEWED < SILENT < SECONDS - RENEWED
