"""What keeps a process that was frozen from writing when it wakes up: without each guard, something of it is there.

The server runs without the guard; everything else is as it is.
"""

from __future__ import annotations

import os
import signal

import pytest
from tests.place import Place, until

from penstock.core.task import Status
from penstock.ops.outputs import ReadConsole

NO_FENCE = """
from penstock.ports.queues import Lease, Waiting
from penstock.store.leases import SqlLeases

def whoever_asks(self, held):
    waited = Waiting(task=held.task, queue="default", urgency=0, rank=0.0, takes_slot=True, lost=0, resumed=False)
    return self.find(held.task) or Lease(held=held, waited=waited, agent="", request="", begun=True, ends=0.0)

SqlLeases.hold = whoever_asks

from penstock.service import gate

gate._must_hold = lambda *_: None  # nor does the token of an attempt end with its lease
"""
NO_STATUS = """
from contextlib import suppress
from penstock.core.errors import PenstockError
from penstock.store import runs, tasks

def end_of_step(self, *given, guarded=runs.SqlSteps.end):
    with suppress(PenstockError):
        guarded(self, *given)

runs.SqlSteps.end = end_of_step

for to, statement in tasks._MOVES.items():
    before, guard, _ = statement.partition("AND status IN")
    assert guard
    tasks._MOVES[to] = before
"""
SCRIPT = """
import json, os, time
from pathlib import Path
from penstock import PipelineController

def speak():
    "Say which process this is, wait until it may go on, and say that it did."
    folder = Path(os.environ["PYTHONPATH"])
    with open(folder / "begun", "a") as begun:
        begun.write("x")
    while not (folder / "go").exists():
        time.sleep(0.02)
    print("afterwards")
    return 1

pipe = PipelineController("flow", "Tests")
pipe.set_default_execution_queue("default")
pipe.add_function_step("a", speak, function_return=["x"])
pipe.start_locally()
"""


@pytest.fixture
def place_without(tmp_path):
    """Makes a server that runs without a part of it."""
    places = []

    def make(breaking):
        places.append(Place(tmp_path, server=True, breaking=breaking))
        return places[0]

    yield make
    places[0].close()


@pytest.mark.parametrize(
    ("breaking", "stale", "status"),
    [
        ("", [], Status.FAILED),
        (NO_FENCE, ["afterwards"], Status.FAILED),
        (NO_FENCE + NO_STATUS, ["afterwards"], Status.COMPLETED),
    ],
    ids=["as it is", "without the fence", "without fence and guarded status"],
)
def test_a_stale_write_is_kept_out_by_the_fence_and_a_second_completion_by_the_guarded_status(
    tmp_path, place_without, breaking, stale, status
):
    """T28."""
    place = place_without(breaking)
    place.agent("--workers", "2", "--lease", "2")
    script = place.start(SCRIPT)
    until((tmp_path / "begun").exists)
    frozen = until(lambda: next((one.worker.pid for one in place.attempts("flow", "a") if one.worker), None))
    os.kill(frozen, signal.SIGSTOP)
    until(lambda: len((tmp_path / "begun").read_text()) == 2)
    (tmp_path / "go").touch()
    assert script.wait(120) == 0
    script.communicate()
    os.kill(frozen, signal.SIGCONT)
    first, second = place.attempts("flow", "a")
    until(lambda: not list(tmp_path.rglob(f"{first.id}-*.journal")))  # it has said all that it had to say
    first = place.attempts("flow", "a")[0]
    chunks = place.backend.call(ReadConsole(task=first.id))
    assert [line.text for chunk in chunks for line in chunk.lines] == stale
    assert (first.status, second.status) == (status, Status.COMPLETED)
