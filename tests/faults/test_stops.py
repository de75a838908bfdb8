"""A run that is stopped while something else goes wrong, or before it began: it ends aborted, and nothing goes on."""

from __future__ import annotations

import os
import signal

import pytest
from tests.place import alive, until

from penstock.core.task import EndReason, Status
from penstock.ops.claims import ListHeld
from penstock.ops.queues import ChangeQueue, ListQueues
from penstock.ops.runs import GetRun, StopRun

EVERYWHERE = pytest.mark.parametrize("place", ["home", "server", "postgres"], indirect=True)
SCRIPT = """
import json, os, time
from pathlib import Path
from penstock import PipelineController

def hold():
    "Say which process this is, and go on for ever."
    Path(os.environ["PYTHONPATH"], "a").write_text(json.dumps(os.getpid()))
    time.sleep(1000)

pipe = PipelineController("flow", "Tests")
pipe.set_default_execution_queue("default")
pipe.add_function_step("a", hold)
pipe.start()
"""


def controller_of(place):
    return until(lambda: place.found("flow").run.task.worker).pid


def stop(place):
    place.backend.call(StopRun(id=place.found("flow").run.id, why="enough"))


def nothing_goes_on(place, pid):
    assert place.ended("flow") == ("stopped", {"a": "aborted"})
    until(lambda: not alive(pid))
    (attempt,) = place.attempts("flow", "a")
    assert (attempt.status, attempt.reason) == (Status.STOPPED, EndReason.ABORTED)
    until(lambda: place.backend.call(ListHeld()) == [])
    assert all((one.waiting, one.running) == (0, 0) for one in place.backend.call(ListQueues()))


@EVERYWHERE
def test_a_run_whose_process_dies_before_it_hears_that_it_is_to_stop_stops_in_the_next_one(place):
    """T16: the stop comes first, and then the crash."""
    place.agent("--workers", "1")
    place.run(SCRIPT)
    pid = place.told("a")
    controller = controller_of(place)
    os.kill(controller, signal.SIGSTOP)
    stop(place)
    os.kill(controller, signal.SIGKILL)
    nothing_goes_on(place, pid)


@EVERYWHERE
def test_a_run_that_is_stopped_while_nobody_carries_it_out_ends_at_once(place):
    """T16: the crash comes first, and then the stop."""
    place.agent("--workers", "1")
    place.run(SCRIPT)
    pid = place.told("a")
    place.backend.call(ChangeQueue(name="services", paused=True))
    os.kill(controller_of(place), signal.SIGKILL)
    until(lambda: place.found("flow").run.task.status is Status.QUEUED)
    stop(place)
    assert place.found("flow").run.task.status is Status.STOPPED
    nothing_goes_on(place, pid)


def test_a_run_that_is_stopped_before_an_agent_has_it_never_begins(place):
    """T51."""
    place.run(SCRIPT)
    stop(place)
    place.agent("--workers", "1")
    assert place.ended("flow") == ("stopped", {})
    assert place.found("flow").run.number == 0


@EVERYWHERE
def test_a_run_that_is_stopped_while_it_begins_stops(place):
    """T51: whether its process has looked at that moment or not."""
    place.agent("--workers", "1")
    place.run(SCRIPT)
    until(lambda: place.found("flow").run.task.status is Status.IN_PROGRESS)
    stop(place)
    until(lambda: place.found("flow").run.task.ended is not None)
    found = place.backend.call(GetRun(id=place.found("flow").run.id))
    assert found.run.task.status is Status.STOPPED
    assert {str(one.status) for one in found.steps} <= {"aborted", "skipped"}
