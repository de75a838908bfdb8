"""What the tasks of agents use of their machine, reported by whoever carries them out."""

from __future__ import annotations

import sys

import pytest
from tests.place import until

from penstock.ops.outputs import GetScalars
from penstock.ops.tasks import GetTask
from penstock.run.resources import TITLE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

SCRIPT = """
import json, os, time
from pathlib import Path
from penstock import PipelineController, Task

def work(name, off):
    "Use some memory and a child, until it may end."
    import subprocess, sys
    from penstock import Task
    if off:
        Task.init("Tests", "b", auto_resource_monitoring=False)
    held = bytearray(200_000_000)
    child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    Path(os.environ["PYTHONPATH"], name).write_text(json.dumps(os.getpid()))
    while not Path(os.environ["PYTHONPATH"], "go").exists():
        time.sleep(0.02)
    child.kill()

pipe = PipelineController("flow", "Tests")
pipe.set_default_execution_queue("default")
pipe.add_function_step("a", work, {"name": "a", "off": False})
pipe.add_function_step("b", work, {"name": "b", "off": True})
pipe.start_locally()
"""


def measured(place, step):
    (attempt,) = place.attempts("flow", step)
    found = place.backend.call(GetScalars(task=attempt.id, titles=(TITLE,)))
    return {one.series: [point.value for point in one.points] for one in found}


def test_what_a_step_and_its_children_use_is_reported_unless_its_code_does_not_want_that(place):
    place.agent("--workers", "2")
    script = place.start(SCRIPT)
    place.told("a")
    place.told("b")
    before = measured(place, "a"), measured(place, "b")  # whose code has said by now that it does not want that
    found = until(lambda: (now := measured(place, "a")) != before[0] and now)
    assert found["process_memory_gb"][-1] > 0.2
    assert found["process_cpu_usage"][-1] > 0
    (off,) = place.attempts("flow", "b")
    assert place.backend.call(GetTask(id=off.id)).runtime["resource_monitoring"] == "off"
    (place.folder / "go").touch()
    assert script.wait(120) == 0, script.communicate()[1]
    script.communicate()
    assert place.ended("flow") == ("completed", {"a": "completed", "b": "completed"})
    assert measured(place, "b") == before[1]
