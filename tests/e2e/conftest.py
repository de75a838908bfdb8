"""What the tests of recorded tasks share: drafts of scripts, and runs of pipelines of them."""

from __future__ import annotations

import textwrap

import pytest

from penstock import Task
from penstock.ops.decisions import ListDecisions
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
