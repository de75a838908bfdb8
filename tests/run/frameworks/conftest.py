"""A recorder that keeps what it is told, and scripts beside which stand-ins of large libraries lie.

A stand-in has the functions of the library with their real parameters, and writes small files.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from penstock.run import frameworks

KINDS = ("model_saved", "model_loaded", "scalar", "figure", "image", "histogram", "text", "parameters")


class Kept:
    """A recorder; `then` is called on each event with its kind, and may do or raise anything."""

    def __init__(self):
        self.events = []
        self.then = lambda _kind: None

    def __getattr__(self, kind):
        if kind not in KINDS:
            raise AttributeError(kind)
        return lambda *told: self.take(kind, *told)

    def take(self, kind, *told):
        self.events.append((kind, *told))
        self.then(kind)

    def models(self):
        """What was told of models: what was done, the file's name, the library."""
        return [(kind, Path(told[0]).name, *told[1:]) for kind, *told in self.events if kind.startswith("model_")]

    def of(self, kind):
        return [tuple(told) for one, *told in self.events if one == kind]


@pytest.fixture
def kept():
    return Kept()


@pytest.fixture
def follow(kept):
    """Installs the recorder `kept`, and takes it away after the test."""
    installed = []

    def start(wanted=True):
        installed.append(frameworks.install(kept, wanted))
        return installed[-1]

    yield start
    for one in reversed(installed):
        one.remove()


PRELUDE = """
import json, sys
from penstock.run.frameworks import install

class Recorder:
    events = []
    def __getattr__(self, kind):
        return lambda *told: self.events.append([kind, *map(str, told)])

def follow(wanted=True):
    return install(Recorder(), wanted)
"""


@pytest.fixture
def script(tmp_path):
    """Runs a script in a new interpreter that finds the given modules; returns what the recorder was told.

    The script calls `follow(wanted)`. Of paths only the names are returned.
    """

    def run(modules, code):
        for name, text in modules.items():
            file = tmp_path / "lib" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dedent(text))
        whole = PRELUDE + dedent(code) + "\nprint(json.dumps(Recorder.events))\n"
        file = tmp_path / "script.py"
        file.write_text(whole)
        folder = tmp_path / "work"
        folder.mkdir(exist_ok=True)
        paths = [str(tmp_path / "lib"), *(entry for entry in sys.path if entry)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        found = subprocess.run(
            [sys.executable, "-W", "error", "-W", "ignore:This process:DeprecationWarning", str(file)],
            cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert found.returncode == 0, found.stderr
        assert not found.stderr
        events = json.loads(found.stdout.splitlines()[-1])
        return [(kind, Path(first).name, *rest) for kind, first, *rest in events]

    return run
