"""What a step stores while the server is away: the step leaves, and all of it is there once the server is."""

from __future__ import annotations

import os
import signal

import pytest
from tests.faults.test_journals import SERVERS, holds_the_outcome, journal_of, shim_of
from tests.place import alive, until

from penstock.backend.transfers import SMALL
from penstock.core.outputs import Blob
from penstock.ops.claims import ListHeld
from penstock.ops.outputs import ListArtifacts

SCRIPT = """
import json, os, time
from pathlib import Path
from penstock import PipelineController

FOLDER = os.environ["PYTHONPATH"]

def work(folder):
    "Return something once it may: a lot, and a little."
    with open(f"{folder}/a.begun", "a") as begun:
        begun.write("x")
    Path(folder, "a").write_text(json.dumps(os.getpid()))
    while not Path(folder, "go").exists():
        time.sleep(0.02)
    return list(range(50_000)), {"a": 1}

def count(values, small):
    return len(values) + small["a"]

pipe = PipelineController("flow", "Tests")
pipe.set_default_execution_queue("default")
pipe.add_function_step("a", work, {"folder": FOLDER}, ["x", "y"])
pipe.add_function_step("b", count, {"values": "${a.x}", "small": "${a.y}"}, ["n"])
pipe.start_locally()
"""


def stored(place, attempt):
    """Return what is recorded of an attempt, by name; each as the server has it."""
    found = place.backend.call(ListArtifacts(task=attempt.id))
    return {one.name: place.backend.blobs.read(Blob(one.hash, one.size)) for one in found}


@SERVERS
@pytest.mark.parametrize("dies", ["nobody", "its shim", "its shim and its agent"])
def test_a_step_that_stores_while_the_server_is_away_leaves_and_nothing_of_it_is_lost(place, dies):
    """T17: whoever is there when the server comes back delivers it, bytes before what names them."""
    agent = place.agent("--workers", "1")
    script = place.start(SCRIPT)
    pid, shim = place.told("a"), shim_of(place)
    place.server.kill()
    place.server.wait()
    (place.folder / "go").touch()
    until(lambda: not alive(pid))
    until(lambda: holds_the_outcome(place))
    if dies != "nobody":
        os.kill(shim, signal.SIGKILL)
    if dies == "its shim and its agent":
        agent.kill()
        agent.wait()
    place.restart_server()
    if dies == "its shim and its agent":
        place.agent("--workers", "1", PENSTOCK_HOME=str(place.folder / "agent0"))
    assert script.wait(120) == 0
    script.communicate()
    assert place.ended("flow") == ("completed", {"a": "completed", "b": "completed"})
    (attempt,) = place.attempts("flow", "a")
    assert (place.folder / "a.begun").read_text() == "x"
    found = stored(place, attempt)
    assert found.keys() == {"x", "y"}
    assert len(found["x"]) > SMALL, "it takes more than one request"
    (after,) = place.attempts("flow", "b")
    assert [one.preview for one in place.backend.call(ListArtifacts(task=after.id))] == ["50001"]
    until(lambda: journal_of(place) is None)
    assert place.backend.call(ListHeld()) == []
