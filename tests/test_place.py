"""What the tests with real processes do to the machine that they run on."""

from __future__ import annotations

import subprocess
import sys

import pytest
from msgspec.structs import replace
from tests.place import Place

from penstock.core.pipeline import Pipeline
from penstock.ops.runs import CreateRun, StartRun
from penstock.ops.tasks import NewTask
from penstock.run.liveness import here

RUN = "1" * 32


@pytest.fixture
def process():
    """A process that waits until it is ended."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_a_place_that_is_closed_leaves_alone_who_has_the_pid_of_a_worker_that_is_gone(tmp_path, process):
    place = Place(tmp_path)
    place.backend.call(CreateRun(pipeline="p", project="P", task=NewTask(id=RUN, name="p", project="")))
    gone = replace(here(), pid=process.pid, started="1")
    place.backend.call(StartRun(id=RUN, definition=Pipeline(name="p", project="P"), worker=gone))
    place.close()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.2)
