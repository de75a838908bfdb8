"""Who is left when an agent is killed: those that carry a task out, until that has ended, and nobody else."""

from __future__ import annotations

import pytest
from tests.faults.test_agents import LINE, PRELUDE, go, shim_of
from tests.place import Place, alive, until

from penstock.core.task import Status
from penstock.run.resources import tree


@pytest.mark.parametrize("place", ["home", "server"], indirect=True)
def test_a_killed_agent_leaves_nobody_but_who_carries_a_task_out_and_those_leave_when_it_has_ended(place):
    agent = place.agent("--workers", "1")
    script = place.start(PRELUDE + LINE + "pipe.start_locally()")
    place.told("a")
    everybody = set(tree(agent.pid))  # first: what carries the task out may have forked its next process ahead by then
    carrying = set(tree(shim_of(place)))
    others = everybody - carrying
    assert len(others) > 2, "the agent, its warm process, and a shim that stands by"
    agent.kill()
    agent.wait()
    until(lambda: not any(map(alive, others)))
    assert all(map(alive, carrying))
    go(place)
    until(lambda: place.attempts("flow", "a")[0].status is Status.COMPLETED)
    until(lambda: not any(map(alive, carrying)))
    script.kill()
    script.communicate()


def test_a_place_that_is_closed_leaves_nobody_who_waits_for_its_server(tmp_path):
    """The shim of a run outlives its agent, and would wait for the server for ever."""
    place = Place(tmp_path, server=True)
    agent = place.agent("--workers", "1")
    place.run(PRELUDE + LINE + "pipe.start(wait=False)")
    place.told("a")
    everybody = tree(agent.pid)
    place.close()
    until(lambda: not any(map(alive, everybody)))
