"""Real scripts, run as a task that is being recorded and as one that is carried out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import penstock

SRC = str(Path(penstock.__file__).parents[1])
LAUNCH = str(Path(__file__).with_name("launch.py"))


class Ran:
    """What a run printed, and the task after it."""

    def __init__(self, process, task):
        self.code = process.returncode
        self.output = process.stdout
        self.errors = process.stderr
        self.parameters = {one["name"]: one for one in task["parameters"]}
        self.configurations = task["configurations"]
        self.stores = task["stores"]

    @property
    def values(self):
        return {name: one["value"] for name, one in self.parameters.items()}


class Script:
    """A script and its task."""

    def __init__(self, folder, text):
        self.file = folder / "script.py"
        self.file.write_text(textwrap.dedent(text), "utf-8")
        self.task = folder / "task.json"
        self.folder = folder

    def record(self, *arguments, wanted=True):
        self.task.write_text(json.dumps({"parameters": [], "configurations": {}, "stores": 0}), "utf-8")
        return self._run("record", *arguments, wanted=wanted)

    def carry_out(self, *arguments, wanted=True, **changes):
        """Run again without a command line; the task's values are changed, in the types that they have."""
        task = json.loads(self.task.read_text("utf-8"))
        known = {one["name"]: one for one in task["parameters"]}
        for name, value in changes.items():
            plain = name.replace("__", "/")
            known.setdefault(plain, {"section": "Args", "name": plain})["value"] = value
        self.task.write_text(json.dumps({**task, "parameters": list(known.values()), "stores": 0}), "utf-8")
        return self._run("assigned", *arguments, wanted=wanted)

    def _run(self, mode, *arguments, wanted):
        command = [sys.executable, LAUNCH, str(self.task), mode, json.dumps(wanted), str(self.file), *arguments]
        environment = {**os.environ, "PYTHONPATH": SRC, "NO_COLOR": "1", "COLUMNS": "200", "TERM": "dumb"}
        process = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=120, check=False, cwd=self.folder
        )
        return Ran(process, json.loads(self.task.read_text("utf-8")))


@pytest.fixture
def script(tmp_path):
    """What makes a script of a text."""
    return lambda text: Script(tmp_path, text)
