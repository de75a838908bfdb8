"""The example and the code in README and guides run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def scripts():
    for page in ("README.md", "docs/getting-started.md", "docs/decorators.md"):
        text = (ROOT / page).read_text("utf-8")
        for number, block in enumerate(re.findall(r"```python\n(.*?)```", text, re.DOTALL)):
            if "start_locally" in block or "run_locally" in block:
                yield pytest.param(block, id=f"{page} {number}")


def run(home, *command):
    environment = {**os.environ, "PENSTOCK_HOME": str(home), "PENSTOCK_PROGRESS": "plain"}
    found = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, cwd=ROOT, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout + found.stderr


@pytest.mark.parametrize("block", list(scripts()))
def test_a_script_of_the_documentation_completes(block, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(block)
    assert ": completed\n" in run(tmp_path / "home", sys.executable, str(script))


def test_the_recorded_tasks_become_a_pipeline_that_runs_again_only_where_something_changed(tmp_path):
    """Promises 18, 21, 23, 26 to 31 and 64: three scripts recorded as drafts, then a pipeline of them, three times."""
    folder, home = ROOT / "examples" / "recorded_tasks", tmp_path / "home"
    for name in ("dataset", "process", "train"):
        assert f"task '{name}' is recorded as a draft" in run(home, sys.executable, str(folder / f"{name}.py"))
    command = (sys.executable, "-m", "penstock", "run", str(folder / "pipeline.py"))
    first = run(home, *command)
    assert "stage_data | stored 150 rows" in first
    assert "stage_train | accuracy 0.9" in first
    assert first.count(": completed\n") == 4
    again = run(home, *command)
    assert again.count(": cached:") == 3
    assert " | " not in again
    changed = run(home, *command, "--param", "test_size=0.3")
    assert "stage_data: cached" in changed
    assert "stage_process: running: argument 'General/test_size' is 0.3, was 0.25" in changed
    assert "stage_train | accuracy 0.9" in changed
    shown = run(home, sys.executable, "-m", "penstock", "artifacts", "last")
    assert "model" in shown


def test_the_iris_example_trains_a_model_and_says_where_it_lies(tmp_path):
    output = run(tmp_path / "home", sys.executable, "examples/iris.py")
    assert "train | accuracy 0.9" in output
    (line,) = [line for line in output.splitlines() if "train.model" in line]
    assert Path(line.rpartition("file://")[2]).is_file()


def test_the_search_example_keeps_the_best_of_its_models(tmp_path):
    output = run(tmp_path / "home", sys.executable, "examples/search.py")
    assert "the best of 10 numbers: accuracy 0.9" in output
    again = run(tmp_path / "home", sys.executable, "-m", "penstock", "run", "examples/search.py", "--param", "trials=4")
    assert "the best of 4 numbers: accuracy 0.9" in again
    assert again.count(": cached") == 5


def test_the_search_example_runs_in_one_process(tmp_path):
    command = (sys.executable, "-m", "penstock", "run", "examples/search.py", "--param", "trials=2", "--", "--debug")
    assert "the best of 2 numbers: accuracy 0.9" in run(tmp_path / "home", *command)
