"""Many processes that write to one task at once: nothing is lost, and nothing is there twice."""

from __future__ import annotations

import subprocess
import sys

from penstock import Task

PROCESSES = 8
EACH = 100
SCRIPT = """
import sys
from penstock import Task

task, me, each = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
task = Task.get_task(task)
for number in range(each):
    task.upload_artifact(f"{me}-{number}", {"from": me, "number": number})
    if number % 10 == 0:
        task.set_parameter(f"General/{me}-{number}", number)
        task.add_tags(f"{me}-{number}")
"""


def test_eight_processes_add_a_hundred_artifacts_each_to_one_task(home, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    task = Task.create("P", "work", script=str(script), packages=[])
    started = [
        subprocess.Popen([sys.executable, str(script), task.id, str(me), str(EACH)], stderr=subprocess.PIPE, text=True)
        for me in range(PROCESSES)
    ]
    for process in started:
        _, err = process.communicate()
        assert process.returncode == 0, err
    found = task.artifacts
    assert len(found) == PROCESSES * EACH
    assert found["3-77"].get() == {"from": 3, "number": 77}
    tens = {f"{me}-{number}" for me in range(PROCESSES) for number in range(0, EACH, 10)}
    assert {name.partition("/")[2] for name in task.get_parameters()} == tens
    task.reload()
    assert set(task.get_tags()) == tens
