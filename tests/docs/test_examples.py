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
    for page in ("README.md", "docs/getting-started.md"):
        text = (ROOT / page).read_text("utf-8")
        for number, block in enumerate(re.findall(r"```python\n(.*?)```", text, re.DOTALL)):
            if "start_locally" in block:
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


def test_the_iris_example_trains_a_model_and_says_where_it_lies(tmp_path):
    output = run(tmp_path / "home", sys.executable, "examples/iris.py")
    assert "train | accuracy 0.9" in output
    (line,) = [line for line in output.splitlines() if "train.model" in line]
    assert Path(line.rpartition("file://")[2]).is_file()
