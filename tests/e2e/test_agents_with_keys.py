"""Agents and users that come to a server with keys of their own, which allow no more than they need."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from tests.place import Place

from penstock.ops.queues import CreateQueue

SCRIPT = """
from penstock import PipelineController

def double(value):
    return value * 2

pipe = PipelineController("flow", "Tests/deep")
pipe.set_default_execution_queue("default")
pipe.add_function_step("a", double, {"value": 2}, ["x"])
pipe.add_function_step("b", double, {"value": "${a.x}"}, ["y"])
pipe.start()
"""


class WithKeys(Place):
    """A server, and what makes keys in its home."""

    def made(self, *arguments):
        variables = self.environment | {"PENSTOCK_HOME": str(self.folder / "kept"), "PENSTOCK_URL": ""}
        command = [sys.executable, "-m", "penstock", *arguments]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
        return done.stdout.strip()


@pytest.fixture
def site(tmp_path):
    found = WithKeys(tmp_path, server=True)
    found.made("user", "add", "root", "--scope", "admin")
    found.made("user", "add", "ada", "--scope", "run", "--project", "Tests")
    yield found
    found.close()


def test_a_run_is_carried_out_for_a_user_of_one_project_by_an_agent_that_may_only_claim(site):
    agent = site.made("key", "add", "root", "--agent", "--queue", "default", "--queue", "services", "--name", "gpu-1")
    ada = site.made("key", "add", "ada", "--scope", "run")
    site.agent("--queue", "services", "--queue", "default", PENSTOCK_KEY=agent)
    site.run(SCRIPT, PENSTOCK_KEY=ada)
    assert site.ended("flow") == ("completed", {"a": "completed", "b": "completed"})
    told = json.loads(site.made("audit", "--limit", "200", "--json"))
    assert {"ada", "gpu-1"} <= {row["who"] for row in next(iter(told.values()))}


def test_an_agent_gets_nothing_from_queues_that_its_key_is_not_for(site):
    agent = site.made("key", "add", "root", "--agent", "--queue", "gpu")
    site.backend.call(CreateQueue(name="gpu"))
    process = site.start("import sys; from penstock.cli.main import main; sys.argv[1:] = ['agent']; main()",
                         PENSTOCK_KEY=agent)  # fmt: skip
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "is for 'gpu'" in err


def test_commands_work_with_a_key_that_may_only_read(site):
    reads = site.made("key", "add", "ada", "--scope", "read")
    site.run(SCRIPT, PENSTOCK_KEY=site.made("key", "add", "ada", "--scope", "run"))
    for command in (
        ["runs"],
        ["show", "flow"],
        ["tasks"],
        ["queue"],
        ["agents"],
        ["logs", "flow"],
        ["explain", "flow"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "penstock", *command],
            env=site.environment | {"PENSTOCK_KEY": reads},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
