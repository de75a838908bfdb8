"""What the tests of recorded tasks share: drafts of scripts, and runs of pipelines of them."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest
from tests.place import until

from penstock import PipelineController, Task
from penstock.ops.agents import ListAgents
from penstock.ops.decisions import ListDecisions
from penstock.ops.queues import CreateQueue
from penstock.sdk import session


@pytest.fixture
def record(home, tmp_path):
    """Return what records a draft of a script that is given as a text."""

    def record(name, text, project="Base", **facts):
        file = tmp_path / f"{name}.py"
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        given = {"packages": [], "force_single_script_file": True} | facts
        return Task.create(project, name, script=str(file), **given)

    return record


@pytest.fixture
def run():
    """Return what runs a pipeline here, and says how each step stands at the end."""

    def run(pipe):
        pipe.start_locally(run_pipeline_steps_locally=True)
        return {name: node.status for name, node in pipe.get_pipeline_dag().items()}

    return run


@pytest.fixture
def task_of():
    """Return what finds the task of a step's latest try."""
    return lambda pipe, step: Task.get_task(pipe.get_pipeline_dag()[step].task_id)


@pytest.fixture
def reasons():
    """Return what tells why a step was run, tried again or reused, decision by decision."""

    def reasons(pipe, step):
        found = session.backend().call(ListDecisions(run=pipe.id, step=step))
        return [" ".join((one.reason, *one.details)) for one in found]

    return reasons


class Folder:
    """Where a person's scripts lie, and the home that they use."""

    def __init__(self, root):
        self.root = root
        self.out = self.err = ""

    def write(self, name, text):
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        return file

    def start(self, name, *arguments, cwd=None):
        """Start a script in a process of its own, and return the process."""
        clean = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE")}
        return subprocess.Popen(
            [sys.executable, *arguments] if name is None else [sys.executable, str(self.root / name), *arguments],
            cwd=cwd or self.root,
            env=clean | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def run(self, name, text="", *arguments, code=0, cwd=None):
        """Run a script to its end, which must leave with this code."""
        if text:
            self.write(name, text)
        assert self._end(self.start(name, *arguments, cwd=cwd)) == code, self.err

    def execute(self, task):
        """Carry a draft out by the command; return its exit code."""
        return self._end(self.start(None, "-m", "penstock", "execute", task.id))

    def _end(self, process):
        with process:
            self.out, self.err = process.communicate(timeout=120)
        return process.returncode


@pytest.fixture
def folder(home, tmp_path):
    (tmp_path / "scripts").mkdir()
    return Folder(tmp_path / "scripts")


@pytest.fixture(autouse=True)
def _on_queues(request, monkeypatch):
    """Have an agent carry out the steps that tests run here, where that is asked for."""
    if "PENSTOCK_TESTS_ON_QUEUES" not in os.environ or request.node.get_closest_marker("here"):
        yield
        return
    here, agents = PipelineController.start_locally, []

    def start_locally(pipe, run_pipeline_steps_locally=False, resume=None):
        if pipe._definition.default_queue is None:
            pipe.set_default_execution_queue("default")
        for name in {pipe._definition.default_queue, *(step.queue for step in pipe._steps.values())} - {None}:
            if "${" not in name:
                session.backend().call(CreateQueue(name=name))
        if not agents:
            command = [sys.executable, "-m", "penstock", "agent", "--workers", "8", "--no-containers"]
            agents.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            until(lambda: session.backend().call(ListAgents()))  # or another one would start by itself
        here(pipe, resume=resume)

    monkeypatch.setattr(PipelineController, "start_locally", start_locally)
    yield
    for agent in agents:
        agent.terminate()
        agent.wait()
