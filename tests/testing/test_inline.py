"""What starts attempts in this process keeps to what the controller expects of processes."""

from __future__ import annotations

import threading

import pytest

from penstock.core.errors import Conflict
from penstock.run.process import Exited, Launch
from penstock.testing.inline import Inline


@pytest.fixture
def inline():
    return Inline(None, {}, [])


def launch(key):
    return Launch(key=key, payload=b"", cwd="/", environment={}, path=())


def test_an_attempt_that_is_killed_before_its_turn_is_never_carried_out(inline):
    inline.launch(launch("a"))
    inline.kill("a")
    assert inline.poll() == [Exited("a", None, None, "aborted")]
    assert inline.poll(0) == []


def test_killing_what_has_ended_does_nothing(inline):
    inline.kill("gone")
    assert inline.poll(0) == []


def test_waiting_ends_when_somebody_wakes_it(inline):
    threading.Timer(0.01, inline.wake).start()
    assert inline.poll() == []


def test_nothing_is_said_over_a_channel(inline):
    with pytest.raises(Conflict, match="has no channel"):
        inline.reply("a", b"")


def test_leaving_forgets_what_was_not_carried_out(inline):
    with inline:
        inline.launch(launch("a"))
    assert inline.poll(0) == []
