"""What the tests of the SDK share: scripts in processes of their own, and a process that records nothing afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from penstock import Task
from penstock.sdk import recording

QUIET = {
    "auto_connect_arg_parser": False,
    "auto_connect_frameworks": False,
    "auto_resource_monitoring": False,
    "auto_connect_streams": False,
}


@pytest.fixture(autouse=True)
def unrecorded():
    """Nothing goes on recording when a test has ended."""
    yield
    if (found := recording.get()) is not None:
        found.let_go()


@pytest.fixture
def begin(home):
    """Make this process a task that records nothing by itself."""

    def begin(name="work", project="P", **options):
        return Task.init(project, name, **{**QUIET, **options})

    return begin


@pytest.fixture
def run(home, tmp_path):
    """Run a script to its end, as `python script.py`, in this test's home; return the finished process."""

    def run(text, *arguments, command=(), code=0, name="script.py", cwd=None, **variables):
        file = tmp_path / name
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        started = [sys.executable, *command, str(file), *arguments]
        environment = {**os.environ, **variables}
        done = subprocess.run(
            started, env=environment, cwd=cwd or tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
        return done

    return run
