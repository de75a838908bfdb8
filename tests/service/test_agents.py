from __future__ import annotations

import pytest
from msgspec.structs import replace
from tests.service.conftest import WORKER

from penstock.core.errors import Conflict, NotFound
from penstock.core.lease import FORGOTTEN
from penstock.core.task import Status
from penstock.ops.agents import Agent, DrainAgent, ForgetAgent, ListAgents, ReportAgent
from penstock.ops.claims import BeginClaimed, EndLeases


def test_what_an_agent_held_and_did_not_begin_waits_again_soon_after_it_has_left(timed):
    task = timed.queued()
    timed.backend.call(ReportAgent(agent=Agent(name="agent", process=WORKER)))
    timed.claim(agent="agent")
    assert [one.tasks for one in timed.backend.call(ListAgents())] == [(task.id,)]
    timed.backend.call(ForgetAgent(name="agent"))
    assert timed.backend.call(ListAgents()) == []
    assert timed.backend.call(EndLeases()) == [], "one that it told to begin may be about to say so"
    timed.clock.now += FORGOTTEN + 0.001
    assert timed.backend.call(EndLeases()) == [task.id]
    assert timed.status(task) is Status.QUEUED


def test_what_an_agent_told_to_begin_just_before_it_died_is_begun_once(timed):
    timed.queued()
    claim = timed.claim(agent="agent")
    timed.backend.call(ForgetAgent(name="agent"))
    timed.clock.now += FORGOTTEN / 2
    timed.backend.call(BeginClaimed(held=claim.held, worker=WORKER))
    timed.clock.now += FORGOTTEN
    assert timed.backend.call(EndLeases()) == []


def test_a_lease_that_is_about_to_end_does_not_last_longer_because_its_agent_is_forgotten(timed):
    task = timed.queued()
    timed.claim(agent="agent", seconds=1.0)
    timed.backend.call(ForgetAgent(name="agent"))
    timed.clock.now += 1.001
    assert timed.backend.call(EndLeases()) == [task.id]


def test_an_agent_is_believed_to_live_for_as_long_as_it_is_heard_of(timed):
    agent = Agent(name="agent", process=WORKER, queues=("default",))
    timed.backend.call(ReportAgent(agent=agent, seconds=60.0))
    timed.clock.now += 30.0
    assert timed.backend.call(ReportAgent(agent=agent, seconds=60.0)).started == 1_000.0
    timed.clock.now += 59.0
    assert [one.name for one in timed.backend.call(ListAgents())] == ["agent"]
    timed.clock.now += 2.0
    assert timed.backend.call(ListAgents()) == []


def test_an_agent_learns_that_it_is_to_leave_when_it_next_says_that_it_lives(timed):
    agent = Agent(name="agent", process=WORKER)
    assert not timed.backend.call(ReportAgent(agent=agent)).draining
    timed.backend.call(DrainAgent(name="agent", why="new disk"))
    timed.backend.call(DrainAgent(name="agent", why="it leaves"))
    found = timed.backend.call(ReportAgent(agent=agent))
    assert (found.draining, found.why) == (True, "new disk"), "the first reason stays"
    found = timed.backend.call(DrainAgent(name="agent", draining=False))
    assert (found.draining, found.why) == (False, "")


def test_two_processes_cannot_be_the_agent_of_one_name_while_both_live(timed):
    agent = Agent(name="agent", process=WORKER)
    other = replace(agent, process=replace(WORKER, pid=99))
    timed.backend.call(ReportAgent(agent=agent, seconds=60.0))
    with pytest.raises(Conflict, match="lives already, as process 1 on here"):
        timed.backend.call(ReportAgent(agent=other))
    timed.clock.now += 61.0
    assert timed.backend.call(ReportAgent(agent=other)).process == other.process


def test_who_drains_an_agent_that_does_not_live_is_told_which_do(timed):
    timed.backend.call(ReportAgent(agent=Agent(name="there", process=WORKER)))
    with pytest.raises(NotFound, match="no agent 'gone'") as error:
        timed.backend.call(DrainAgent(name="gone"))
    assert "there" in str(error.value.hint)


def test_what_its_machine_uses_is_shown_as_it_said_last_and_only_what_can_be_shown(timed):
    def reported(**usage):
        return timed.backend.call(ReportAgent(agent=Agent(name="agent", process=WORKER, usage=usage))).usage

    assert reported(cpu=12.5, memory=50.0) == {"cpu": 12.5, "memory": 50.0}
    assert reported(cpu=float("nan"), memory=float("inf"), disk=120.0, gpu=-1.0) == {"disk": 100.0, "gpu": 0.0}
    assert reported(**{"x" * 33: 1.0}) == {}
    assert len(reported(**{f"x{number}": 1.0 for number in range(100)})) == 16
    timed.backend.call(ReportAgent(agent=Agent(name="agent", process=WORKER, usage={"cpu": 1.0})))
    assert timed.backend.call(DrainAgent(name="agent")).usage == {"cpu": 1.0}, "it is drained with what it said"
