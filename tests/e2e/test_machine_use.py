"""What steps and agents use of their machine, reported by whoever carries the steps out, and by the agents."""

from __future__ import annotations

import sys
import urllib.request

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


EMBEDDED = """
import time
from pathlib import Path
from penstock import PipelineController

def work(go):
    "Work until it may end."
    until = Path(go)
    until.with_name("begun").write_text("true")
    while not until.exists():
        time.sleep(0.02)

pipe = PipelineController("flow", "Tests")
pipe.add_function_step("a", work, {"go": str(Path(__file__).with_name("go"))})
pipe.start_locally(run_pipeline_steps_locally=True)
"""
MACHINE = {"cpu_usage", "memory_used_gb", "memory_free_gb", "disk_free_gb", "io_read_mbs", "io_write_mbs"}
OWN = {"process_cpu_usage", "process_memory_gb", "process_io_read_mbs", "process_io_write_mbs"}


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
    assert set(found) >= MACHINE | OWN
    assert found["process_memory_gb"][-1] > 0.2
    assert found["process_cpu_usage"][-1] > 0
    (off,) = place.attempts("flow", "b")
    assert place.backend.call(GetTask(id=off.id)).runtime["resource_monitoring"] == "off"
    (place.folder / "go").touch()
    assert script.wait(120) == 0, script.communicate()[1]
    script.communicate()
    assert place.ended("flow") == ("completed", {"a": "completed", "b": "completed"})
    assert measured(place, "b") == before[1]


def test_what_a_step_uses_is_reported_where_there_is_neither_an_agent_nor_a_server(place):
    script = place.start(EMBEDDED)
    place.told("begun")
    found = until(lambda: measured(place, "a"))
    (place.folder / "go").touch()
    assert script.wait(120) == 0, script.communicate()[1]
    script.communicate()
    assert set(found) >= MACHINE | OWN


@pytest.mark.parametrize("place", ["home", "server", "postgres"], indirect=True)
def test_what_the_machine_of_an_agent_uses_is_shown_with_it(place):
    place.agent("--name", "one")
    usage = until(lambda: (found := place.agents()[0].usage).keys() >= {"cpu", "memory", "disk"} and found)
    assert all(0 <= percent <= 100 for percent in usage.values())
    header, line = place.penstock("agents").splitlines()
    assert header.split()[4:7] == ["CPU", "MEMORY", "DISK"]
    assert line.count("%") == len(usage)
    if place.settings.url:
        key = {"Authorization": f"Bearer {place.settings.key.text}"}
        with urllib.request.urlopen(urllib.request.Request(f"{place.url}/metrics", headers=key)) as answer:
            numbers = answer.read().decode()
        assert all(f'penstock_agent_usage_percent{{agent="one",of="{of}"}}' in numbers for of in usage)
