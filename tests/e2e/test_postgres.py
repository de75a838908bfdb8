"""Runs of pipelines whose records go to PostgreSQL: the same as with a file, and seen from elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

import pytest

FLOW = """
import sys
from penstock import PipelineController

def double(x):
    import os, sys
    print("database modules:", [name for name in sys.modules if name.split(".")[0] in ("psycopg", "sqlite3")])
    return x * 2

def add(a, b):
    return a + b

def sleep():
    import time
    print("asleep", flush=True)
    time.sleep(600)

pipe = PipelineController(name="flow", project="P", version="1.0")
pipe.add_function_step("double", double, function_kwargs={"x": 2}, function_return=["y"])
pipe.add_function_step("add", add, function_kwargs={"a": "${double.y}", "b": 1}, function_return=["z"])
if "sleep" in sys.argv:
    pipe.add_function_step("sleep", sleep, parents=["add"])
pipe.start_locally(run_pipeline_steps_locally=True)
"""


@pytest.fixture
def person(home, tmp_path, postgres_url):
    """Return what starts a process of somebody who has this database and a home, her own unless another is named."""
    (tmp_path / "flow.py").write_text(textwrap.dedent(FLOW))

    def person(*command, home=home):
        environment = {**os.environ, "PENSTOCK_HOME": str(home), "PENSTOCK_DATABASE": postgres_url}
        environment["PENSTOCK_PROGRESS"] = "plain"
        return subprocess.Popen(
            [sys.executable, *map(str, command)],
            env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    return person


def said(process):
    """What a process printed; fail when it failed."""
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    return output


def test_a_run_is_recorded_in_the_database_and_seen_from_another_home(person, home, tmp_path):
    output = said(person("flow.py"))
    assert "database modules: []" in output
    assert not list(home.glob("*.db*"))
    elsewhere = tmp_path / "elsewhere"
    (shown,) = json.loads(said(person("-m", "penstock", "runs", "--json", home=elsewhere)))["runs"]
    assert (shown["task"]["name"], shown["task"]["status"]) == ("flow", "completed")
    assert "database modules" in said(person("-m", "penstock", "logs", "last", home=elsewhere))


def test_a_run_is_stopped_by_a_process_that_knows_only_the_database(person, tmp_path):
    running = person("flow.py", "sleep")
    for line in running.stdout:
        if "asleep" in line:
            break
    said(person("-m", "penstock", "abort", "last", home=tmp_path / "elsewhere"))
    running.communicate()
    (shown,) = json.loads(said(person("-m", "penstock", "runs", "--json")))["runs"]
    assert shown["task"]["status"] == "stopped"
