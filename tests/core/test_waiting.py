"""Sentences on why something goes on waiting."""

from __future__ import annotations

import shlex

import pytest

from penstock.core.waiting import paused, unserved


@pytest.mark.parametrize("say", [unserved, paused])
@pytest.mark.parametrize("queue", ["default", "two words", "a'b; rm -rf /"])
def test_the_command_that_helps_can_be_copied_whatever_the_queue_is_called(say, queue):
    command = say(queue).partition(" with: ")[2]
    assert shlex.split(command)[-1] == queue
