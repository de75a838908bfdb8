from __future__ import annotations

import subprocess

import pytest
from msgspec.structs import replace

from penstock.core.pipeline import Pipeline
from penstock.core.task import EndReason, Status, Worker
from penstock.ops.agents import Agent, ReportAgent
from penstock.ops.lifecycle import EnqueueTask
from penstock.ops.queues import ChangeQueue
from penstock.ops.runs import CreateRun, GetRun, StartRun
from penstock.ops.tasks import CreateTask, NewTask
from penstock.run.liveness import here
from penstock.sdk.local_agent import Attendant, LocalAgent


@pytest.fixture
def started(monkeypatch):
    found = []
    monkeypatch.setattr(subprocess, "Popen", lambda command, **given: found.append((command, given)))
    return found


def test_an_agent_is_started_once_for_all_that_wait_and_knows_nothing_of_who_started_it(place, started, monkeypatch):
    monkeypatch.setenv("PENSTOCK_HELD", f"{'a' * 32}:1")
    agent = LocalAgent(place.backend, place.settings)
    assert [agent.start(), agent.start()] == [True, True]
    ((command, given),) = started
    assert command[1:] == ["-m", "penstock", "agent", "--until-idle"]
    assert given["env"]["PENSTOCK_HOME"] == str(place.settings.home)
    assert "PENSTOCK_HELD" not in given["env"]
    assert given["start_new_session"]


def test_no_agent_is_started_where_one_lives_or_none_is_wanted(place, started):
    assert not LocalAgent(place.backend, replace(place.settings, start_agent="off")).start()
    place.backend.call(ReportAgent(agent=Agent(name="there", process=Worker(host="h", pid=1))))
    assert LocalAgent(place.backend, place.settings).start()
    assert started == []


@pytest.fixture
def attendant(place, started, monkeypatch):
    monkeypatch.setattr(Attendant, "PERIOD", 0.0)
    return Attendant(place.backend, place.settings)


def test_an_attendant_starts_an_agent_as_soon_as_something_waits(place, started, attendant):
    attendant.look()
    assert started == []
    place.backend.call(CreateTask(task=NewTask(id="a" * 32, name="work", project="P")))
    place.backend.call(EnqueueTask(id="a" * 32, queue="default"))
    attendant.look()
    assert len(started) == 1


def test_an_attendant_starts_none_for_a_queue_that_is_paused_or_served(place, started, attendant):
    place.backend.call(CreateTask(task=NewTask(id="a" * 32, name="work", project="P")))
    place.backend.call(EnqueueTask(id="a" * 32, queue="default"))
    place.backend.call(ChangeQueue(name="default", paused=True))
    attendant.look()
    place.backend.call(ChangeQueue(name="default", paused=False))
    place.backend.call(ReportAgent(agent=Agent(name="there", process=Worker(host="h", pid=1))))
    attendant.look()
    assert started == []


def test_an_attendant_ends_a_run_whose_process_is_gone(place, started, attendant):
    run = "b" * 32
    place.backend.call(CreateRun(pipeline="flow", project="P", task=NewTask(id=run, name="flow", project="")))
    gone = replace(here(), pid=2**22 + 1)
    place.backend.call(StartRun(id=run, definition=Pipeline(name="flow", project="P"), worker=gone))
    attendant.look()
    ended = place.backend.call(GetRun(id=run)).run.task
    assert (ended.status, ended.reason) == (Status.STOPPED, EndReason.CONTROLLER_LOST)
