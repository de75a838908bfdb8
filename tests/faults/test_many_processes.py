"""Many processes on one home at once: everybody gets their turn, and nobody ever hears of a lock."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from penstock.backend import connect
from penstock.ops.runs import GetRun, ListRuns
from penstock.settings import Settings

SCRIPTS = 12
SCRIPT = """
import json, sys
from penstock import Logger, PipelineController, Task

def begin(me):
    for step in range(20):
        Logger.current_logger().report_scalar("loss", "train", step, step)
    print("begun", me)
    return [me], {"me": me}

def grow(numbers, named):
    Task.current_task().add_tags(f"of-{named['me']}")
    return numbers + [named["me"]], named

def collect(left, right):
    return left + right

pipe = PipelineController("crowd", "Tests")
pipe.add_parameter("me", int(sys.argv[1]))
pipe.add_function_step("begin", begin, {"me": "${pipeline.me}"}, ["numbers", "named"])
for side in ("left", "right"):
    given = {"numbers": "${begin.numbers}", "named": "${begin.named}"}
    pipe.add_function_step(side, grow, given, ["numbers", "named"])
pipe.add_function_step("collect", collect, {"left": "${left.numbers}", "right": "${right.numbers}"}, ["all"])
pipe.add_function_step("again", collect, {"left": "${collect.all}", "right": [0]}, ["all"])
pipe.start_locally(run_pipeline_steps_locally=True)
found = Task.get_task(pipe.get_pipeline_dag()["again"].task_id).artifacts["all"].get()
print(json.dumps([pipe.task.name, pipe.task.status, found]))
"""


def test_twelve_scripts_on_one_home_all_complete(tmp_path):
    """Many processes may use one home at once, also one that none of them has made yet."""
    (tmp_path / "script.py").write_text(SCRIPT)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
    home = Settings(home=tmp_path / "home", workers=1)
    environment = clean | {"PENSTOCK_HOME": str(home.home), "PENSTOCK_CONFIG": "/nowhere", "PENSTOCK_WORKERS": "4"}
    scripts = [
        subprocess.Popen(
            [sys.executable, str(tmp_path / "script.py"), str(number)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(SCRIPTS)
    ]
    printed = [script.communicate() for script in scripts]
    for script, (out, err) in zip(scripts, printed, strict=True):
        assert script.returncode == 0, err
        assert "locked" not in out + err
        assert "Traceback" not in out + err
    results = [json.loads(out.splitlines()[-1]) for out, _ in printed]
    assert [status for _, status, _ in results] == ["completed"] * SCRIPTS
    assert sorted(name for name, _, _ in results) == sorted(
        "crowd" if number == 1 else f"crowd #{number}" for number in range(1, SCRIPTS + 1)
    )
    assert [found for _, _, found in results] == [[number] * 4 + [0] for number in range(SCRIPTS)]
    backend = connect(home)
    runs = backend.call(ListRuns())
    assert sorted(run.number for run in runs) == list(range(1, SCRIPTS + 1))
    for run in runs:
        assert {str(state.status) for state in backend.call(GetRun(id=run.id)).steps} == {"completed"}
    backend.close()
