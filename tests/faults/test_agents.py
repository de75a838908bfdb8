"""Agents, shims and controllers that are killed, frozen or told to leave: nothing is lost, nothing is done twice."""

from __future__ import annotations

import os
import signal
import uuid
from contextlib import suppress

import pytest
from tests.place import Place, alive, until

from penstock.core.task import EndReason, Status, Worker
from penstock.ops.agents import Agent, ReportAgent
from penstock.ops.claims import ClaimTask, EndLeases, ListHeld
from penstock.ops.queues import CreateQueue, ListQueues

EVERYWHERE = pytest.mark.parametrize("place", ["home", "server", "postgres"], indirect=True)
PRELUDE = """
import json, os, sys, time
from pathlib import Path
from penstock import PipelineController

FOLDER = Path(os.environ.get("PYTHONPATH", "."))

def wait_for(name, go):
    "Say which process this is, count that it began, and wait until it may go on."
    with open(Path(os.environ["PYTHONPATH"], name + ".begun"), "a") as begun:
        begun.write("x")
    Path(os.environ["PYTHONPATH"], name).write_text(json.dumps(os.getpid()))
    while not Path(os.environ["PYTHONPATH"], go).exists():
        time.sleep(0.02)
    return 21

def double(value):
    return value * 2

pipe = PipelineController("flow", "Tests")
pipe.set_default_execution_queue("default")
"""
LINE = """
pipe.add_function_step("a", wait_for, {"name": "a", "go": "go"}, ["x"])
pipe.add_function_step("b", double, {"value": "${a.x}"}, ["y"])
"""
DONE = ("completed", {"a": "completed", "b": "completed"})
LEASE = 10.0  # seconds: many times what a renewal takes on a busy machine
HASTY = f"""
from functools import partial
from penstock.server import app
app.SpareLeases = partial(app.SpareLeases, seconds={LEASE})
"""  # a server that waits no longer than such a lease for those who could not reach it


@pytest.fixture
def machine(request, tmp_path):
    """A place whose leases, and server, do not take a minute to find out who is gone."""
    kind = request.param
    database = request.getfixturevalue("postgres_url") if kind == "postgres" else None
    found = Place(tmp_path, server=kind != "home", database=database, breaking=HASTY)
    yield found
    found.close()


def shim_of(place, step="a"):
    """Return the process that carries the step's latest attempt out."""
    return until(lambda: next((one.worker.pid for one in place.attempts("flow", step)[-1:] if one.worker), None))


def begun(place, name="a"):
    return len((place.folder / f"{name}.begun").read_text())


def go(place):
    (place.folder / "go").touch()


def nothing_is_left(place):
    assert place.backend.call(ListHeld()) == []
    assert all((one.waiting, one.running) == (0, 0) for one in place.backend.call(ListQueues()))


@EVERYWHERE
def test_an_agent_that_is_killed_takes_nothing_along_and_the_next_one_does_nothing_again(place):
    """T20."""
    agent = place.agent("--workers", "1")
    script = place.start(PRELUDE + LINE + "pipe.start_locally()")
    pid = place.told("a")
    agent.kill()
    agent.wait()
    place.agent("--workers", "1")
    assert alive(pid)
    go(place)
    assert script.wait(120) == 0
    script.communicate()
    assert place.ended("flow") == DONE
    assert begun(place) == 1
    assert len(place.attempts("flow", "a")) == 1
    nothing_is_left(place)


@EVERYWHERE
def test_a_shim_that_is_killed_takes_its_step_along_and_the_step_is_tried_again_without_a_retry(place):
    """T09, T12, T13: the second attempt is a task of its own."""
    place.agent("--workers", "1")
    script = place.start(PRELUDE + LINE + "pipe.start_locally()")
    pid = place.told("a")
    os.kill(shim_of(place), signal.SIGKILL)
    until(lambda: not alive(pid))
    go(place)
    assert script.wait(120) == 0
    script.communicate()
    assert place.ended("flow") == DONE
    first, second = place.attempts("flow", "a")
    assert (first.status, first.reason, second.status) == (Status.FAILED, EndReason.AGENT_LOST, Status.COMPLETED)
    assert begun(place) == 2
    nothing_is_left(place)


def test_what_an_agent_claimed_and_did_not_start_is_claimed_again_and_runs_once(place):
    """T01: it died between its claim and the start of the process."""
    script = place.start(PRELUDE + LINE + "pipe.start_locally()")
    dead = Worker(host=os.uname().nodename, pid=2**22 - 1, started="1", boot="gone")
    claim = until(lambda: place.backend.call(ClaimTask(agent="dead", queues=(), request=uuid.uuid4().hex)))
    place.backend.call(ReportAgent(agent=Agent(name="dead", process=dead)))  # the script forgets those it finds dead
    place.agent("--workers", "1")
    go(place)
    assert script.wait(120) == 0
    script.communicate()
    assert place.ended("flow") == DONE
    (attempt,) = place.attempts("flow", "a")
    assert (attempt.id, begun(place)) == (claim.task.id, 1)
    nothing_is_left(place)


@pytest.mark.parametrize("place", ["server"], indirect=True)  # where a frozen process holds no lock
def test_a_run_that_hears_late_of_an_attempt_that_was_claimed_lost_and_claimed_again_goes_on(place):
    script = place.start(PRELUDE + LINE + "pipe.start_locally()")
    until(lambda: place.state("flow", "a") and place.state("flow", "a").status == "queued")
    script.send_signal(signal.SIGSTOP)
    for _ in range(2):
        claim = place.backend.call(ClaimTask(agent="dead", queues=(), request=uuid.uuid4().hex))
        place.backend.call(EndLeases(tasks=(claim.task.id,)))
    place.agent("--workers", "1")
    place.told("a")
    script.send_signal(signal.SIGCONT)
    go(place)
    out = script.communicate()
    assert script.returncode == 0, out
    assert place.ended("flow") == DONE
    assert (begun(place), len(place.attempts("flow", "a"))) == (1, 1)


@EVERYWHERE
def test_a_run_whose_process_is_killed_goes_on_and_none_of_its_steps_is_restarted(place):
    """T20, T44: steps that still run are taken up as they are, whoever goes on with their run."""
    place.agent("--workers", "1")
    place.run(PRELUDE + LINE + "pipe.start()")
    pid = place.told("a")
    controller = until(lambda: place.found("flow").run.task.worker).pid
    os.kill(controller, signal.SIGKILL)
    until(lambda: (worker := place.found("flow").run.task.worker) and worker.pid != controller)
    assert alive(pid)
    go(place)
    assert place.ended("flow") == DONE
    assert (begun(place), len(place.attempts("flow", "a"))) == (1, 1)
    nothing_is_left(place)


def test_an_agent_that_is_told_to_leave_finishes_what_runs_and_claims_nothing_more(place):
    """T50, T04: drained."""
    agent = place.agent("--workers", "1")
    script = place.start(PRELUDE + LINE + "pipe.start_locally()")
    place.told("a")
    agent.send_signal(signal.SIGTERM)
    until(lambda: all(one.draining for one in place.agents()))
    assert [one.why for one in place.agents()] == ["it was told to by SIGTERM"]
    go(place)
    assert agent.wait(120) == 0
    until(lambda: place.state("flow", "b").status == "queued")
    place.agent("--workers", "1")
    assert script.wait(120) == 0
    script.communicate()
    assert place.ended("flow") == DONE
    assert begun(place) == 1
    nothing_is_left(place)


def test_an_agent_that_is_told_twice_stops_what_runs_and_others_try_it_again(place):
    """T50: aborted, because of the agent's shutdown, and never completed."""
    agent = place.agent("--workers", "1")
    script = place.start(PRELUDE + LINE + "pipe.start_locally()")
    pid = place.told("a")
    for _ in range(2):
        agent.send_signal(signal.SIGTERM)
        until(lambda: all(one.draining for one in place.agents()))
    assert agent.wait(120) == 0
    until(lambda: not alive(pid))
    place.agent("--workers", "1")
    go(place)
    assert script.wait(120) == 0
    script.communicate()
    assert place.ended("flow") == DONE
    first, second = place.attempts("flow", "a")
    assert (first.status, first.reason, second.status) == (Status.STOPPED, EndReason.AGENT_SHUTDOWN, Status.COMPLETED)
    nothing_is_left(place)


@pytest.mark.parametrize("place", ["server"], indirect=True)
def test_an_agent_that_is_told_to_leave_does_not_wait_for_a_server_that_is_away(place):
    agent = place.agent("--workers", "1")
    place.kill_server()
    agent.send_signal(signal.SIGTERM)
    try:
        assert agent.wait(60) == 0  # it would wait for a quarter of an hour
    finally:
        place.start_server(place.port)  # else nothing here ends before it is given up


@EVERYWHERE
def test_a_shim_that_is_frozen_beyond_its_lease_writes_nothing_when_it_wakes_up(place):
    """T28, T12: another attempt has taken its place."""
    place.agent("--workers", "2", "--lease", "2")
    script = place.start(PRELUDE + LINE + "pipe.start_locally()")
    place.told("a")
    frozen = shim_of(place)
    os.kill(frozen, signal.SIGSTOP)
    until(lambda: len(place.attempts("flow", "a")) == 2 and begun(place) == 2)
    go(place)
    assert script.wait(120) == 0
    script.communicate()
    os.kill(frozen, signal.SIGCONT)
    until(lambda: not alive(frozen))
    assert place.ended("flow") == DONE
    first, second = place.attempts("flow", "a")
    assert (first.status, first.reason, second.status) == (Status.FAILED, EndReason.AGENT_LOST, Status.COMPLETED)
    nothing_is_left(place)


@pytest.mark.parametrize("place", ["server", "postgres"], indirect=True)
def test_a_server_that_is_killed_while_a_step_runs_ends_nothing_and_loses_nothing(place):
    """T19, T22: agent, shim, step and controller wait for it, and go on."""
    place.agent("--workers", "1")
    place.run(PRELUDE + LINE + "pipe.start()")
    pid = place.told("a")
    for _ in range(2):
        place.restart_server()
        assert alive(pid)
    go(place)
    assert place.ended("flow") == DONE
    assert (begun(place), len(place.attempts("flow", "a"))) == (1, 1)
    nothing_is_left(place)


@pytest.mark.parametrize("machine", ["home", "server", "postgres"], indirect=True)
def test_a_machine_that_dies_with_all_that_it_runs_leaves_nothing_running_once_it_is_back(machine):
    """T10: server, agent, shims, controller and step at one moment; the run goes on, and its step is tried again."""
    place = machine
    agent = place.agent("--workers", "1", "--lease", str(LEASE))
    place.run(PRELUDE + LINE + "pipe.start()")
    pid = place.told("a")
    controller = until(lambda: place.found("flow").run.task.worker).pid
    for one in (agent.pid, shim_of(place), controller, pid):
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
    agent.wait()
    if place.server is not None:
        place.restart_server()
    until(lambda: not alive(pid))
    place.agent("--workers", "1")
    go(place)
    assert place.ended("flow") == DONE
    first, second = place.attempts("flow", "a")
    assert (first.status, first.reason, second.status) == (Status.FAILED, EndReason.AGENT_LOST, Status.COMPLETED)
    nothing_is_left(place)


@EVERYWHERE
def test_of_a_queue_that_takes_one_at_a_time_the_next_begins_when_the_one_is_killed(place):
    """T32: nobody has to free a place; it is counted anew from what is held."""
    place.backend.call(CreateQueue(name="single", limit=1))
    place.agent("--workers", "2")
    lines = """
for name in "ab":
    pipe.add_function_step(name, wait_for, {"name": name, "go": "go"}, execution_queue="single")
pipe.start_locally()
"""
    script = place.start(PRELUDE + lines)
    place.told("a")
    until(lambda: place.state("flow", "b").status == "queued")
    os.kill(shim_of(place), signal.SIGKILL)
    place.told("b")
    until(lambda: place.state("flow", "a").status == "queued")  # its run may hear of the loss after the queue does
    go(place)
    assert script.wait(120) == 0
    script.communicate()
    assert place.ended("flow") == DONE
    assert (len(place.attempts("flow", "a")), len(place.attempts("flow", "b"))) == (2, 1)
    nothing_is_left(place)
