"""Shims that are killed with something left to say: while the lease holds, their agent says it for them."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import contextmanager

import pytest
from tests.place import alive, until

from penstock.agent.journal import Journal
from penstock.agent.recovery import folder_of
from penstock.core.task import EndReason, Status
from penstock.ops.claims import EndLeases, ListHeld
from penstock.ops.outputs import GetScalars, ReadConsole
from penstock.ops.tasks import EndTask

PRELUDE = """
import json, os, time
from pathlib import Path
from penstock import Logger, PipelineController

def work(go, lines):
    "Say which process this is, wait until it may go on, and then report."
    with open(Path(os.environ["PYTHONPATH"], "a.begun"), "a") as begun:
        begun.write("x")
    Path(os.environ["PYTHONPATH"], "a").write_text(json.dumps(os.getpid()))
    while not Path(os.environ["PYTHONPATH"], go).exists():
        time.sleep(0.02)
    for number in range(lines):
        print("line", number)
        Logger.current_logger().report_scalar("loss", "train", number / 2, number)

pipe = PipelineController("flow", "Tests")
pipe.set_default_execution_queue("default")
pipe.add_function_step("a", work, {"go": "go", "lines": 200})
"""
SERVERS = pytest.mark.parametrize("place", ["server", "postgres"], indirect=True)
EXPECTED = [f"line {number}" for number in range(200)]


def shim_of(place):
    (worker,) = until(lambda: [one.worker for one in place.attempts("flow", "a") if one.worker])  # said as it begins
    return worker.pid


def journal_of(place):
    """Return the file of the shim's journal, wherever its agent has its home."""
    return next(iter(place.folder.glob("*/journals/*.journal")), None)


def holds_the_outcome(place):
    """Return whether a shim has written down how its task ended."""
    found = Journal.open(journal_of(place))
    said = [entry.read() for entry in found.rest()]
    found.close(remove=False)
    return any(isinstance(op, EndTask) for op in said)


def printed(place, task):
    return [line.text for chunk in place.backend.call(ReadConsole(task=task.id)) for line in chunk.lines]


def measured(place, task):
    series = place.backend.call(GetScalars(task=task.id, titles=("loss",)))
    return [point.iteration for one in series for point in one.points]


@contextmanager
def locked(place):
    """Let nobody write to the database of a home: what is reported meanwhile stays where it is."""
    lock = sqlite3.connect(place.settings.database, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    yield
    lock.execute("ROLLBACK")
    lock.close()


def nothing_is_lost_or_doubled(place):
    (attempt,) = place.attempts("flow", "a")
    assert attempt.status is Status.COMPLETED, attempt.message
    assert (place.folder / "a.begun").read_text() == "x"
    assert printed(place, attempt) == EXPECTED
    assert measured(place, attempt) == list(range(200))
    until(lambda: journal_of(place) is None)
    assert place.backend.call(ListHeld()) == []


@SERVERS
@pytest.mark.parametrize("agent_dies", [False, True], ids=["its agent lives", "its agent dies, too"])
def test_a_shim_that_is_killed_after_the_step_ended_while_the_server_is_away_loses_nothing(place, agent_dies):
    """T17, T22: the next look of its agent, or the next agent of this home, delivers what it had left."""
    agent = place.agent("--workers", "1")
    script = place.start(PRELUDE + "pipe.start_locally()")
    pid, shim = place.told("a"), shim_of(place)
    place.server.kill()
    place.server.wait()
    (place.folder / "go").touch()
    until(lambda: holds_the_outcome(place))
    until(lambda: not alive(pid))
    os.kill(shim, signal.SIGKILL)
    if agent_dies:
        agent.kill()
        agent.wait()
    place.restart_server()
    if agent_dies:
        place.agent("--workers", "1", PENSTOCK_HOME=str(place.folder / "agent0"))
    assert script.wait(120) == 0
    script.communicate()
    assert place.ended("flow") == ("completed", {"a": "completed"})
    nothing_is_lost_or_doubled(place)


def test_a_shim_that_is_killed_between_the_end_of_its_step_and_the_report_loses_nothing_in_a_home(place):
    """The database is locked meanwhile, so that the report cannot get through before."""
    place.agent("--workers", "1")
    script = place.start(PRELUDE + "pipe.start_locally()")
    place.told("a")
    shim = shim_of(place)
    with locked(place):
        (place.folder / "go").touch()
        until(lambda: holds_the_outcome(place))
        os.kill(shim, signal.SIGKILL)
        until(lambda: not alive(shim))
    assert script.wait(120) == 0
    script.communicate()
    assert place.ended("flow") == ("completed", {"a": "completed"})
    nothing_is_lost_or_doubled(place)


def test_what_was_printed_until_the_shim_was_killed_is_there_and_the_step_is_tried_again(place):
    place.agent("--workers", "1")
    script = place.start(
        PRELUDE.replace("    while", "    print('begun', flush=True)\n    while") + "pipe.start_locally()"
    )
    place.told("a")
    (first,) = place.attempts("flow", "a")
    until(lambda: printed(place, first) == ["begun"])
    os.kill(shim_of(place), signal.SIGKILL)
    (place.folder / "go").touch()
    assert script.wait(120) == 0
    script.communicate()
    first, second = place.attempts("flow", "a")
    assert (first.reason, second.status) == (EndReason.AGENT_LOST, Status.COMPLETED)
    assert printed(place, first) == ["begun"]
    assert folder_of(place.settings).exists()
    until(lambda: journal_of(place) is None)


def test_what_comes_when_the_lease_is_over_is_dropped_and_it_is_said_how_much(place):
    """The task was given up meanwhile: what ended stays ended."""
    agent = place.agent("--workers", "1", "--lease", "3")
    script = place.start(PRELUDE + "pipe.start_locally()")
    place.told("a")
    shim = shim_of(place)
    with locked(place):
        (place.folder / "go").touch()
        until(lambda: holds_the_outcome(place))
        os.kill(shim, signal.SIGKILL)
        agent.kill()
        agent.wait()
    until(lambda: place.backend.call(EndLeases()) or place.attempts("flow", "a")[0].status is Status.FAILED)
    place.agent("--workers", "1")
    assert script.wait(120) == 0
    script.communicate()
    first, second = place.attempts("flow", "a")
    assert (first.status, first.reason, second.status) == (Status.FAILED, EndReason.AGENT_LOST, Status.COMPLETED)
    until(lambda: "its lease is over" in place.logs())
    assert "and its outcome of its shim, which died, are dropped" in place.logs()
    assert printed(place, second) == EXPECTED
    until(lambda: journal_of(place) is None)


@pytest.mark.parametrize("place", ["home", "server"], indirect=True)
def test_what_a_step_printed_just_before_it_was_stopped_is_there(place):
    place.agent("--workers", "1")
    talkative = PRELUDE.replace(
        'with open(Path(os.environ["PYTHONPATH"], "a.begun")',
        'print("last words")\n    with open(Path(os.environ["PYTHONPATH"], "a.begun")',
    )
    script = place.start(talkative + "pipe.start_locally()")
    pid = place.told("a")
    (attempt,) = place.attempts("flow", "a")
    place.backend.call(EndTask(id=attempt.id, status=Status.STOPPED, reason=EndReason.ABORTED, message="enough"))
    until(lambda: not alive(pid))
    until(lambda: printed(place, attempt) == ["last words"])
    until(lambda: journal_of(place) is None)
    script.kill()
    script.communicate()
