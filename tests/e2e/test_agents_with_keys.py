"""Agents and users that come to a server with keys of their own, which allow no more than they need."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from msgspec.structs import replace
from tests.place import Place

from penstock.backend import open_home
from penstock.core.errors import LeaseLost
from penstock.core.secret import Secret
from penstock.core.task import Status
from penstock.ops.outputs import AppendConsole
from penstock.ops.queues import CreateQueue
from penstock.ops.runs import ListRuns
from penstock.ops.tasks import CreateTask, NewTask

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


LOOKING = """
from penstock import PipelineController

def look(other, file):
    import json, os
    from penstock.backend import connect
    from penstock.core.errors import PenstockError
    from penstock.ops.outputs import AppendConsole
    from penstock.settings import load

    backend = connect(load())

    def said(task):
        try:
            backend.call(AppendConsole(task=task, lines=()))
        except PenstockError as error:
            return error.code
        return ""

    with open("/proc/self/environ") as began:
        facts = {"began": began.read()}
    facts |= {"key": os.environ["PENSTOCK_KEY"], "own": said(os.environ["PENSTOCK_TASK_ID"]), "other": said(other)}
    with open(file, "w") as out:
        json.dump(facts, out)

pipe = PipelineController("flow", "Tests/deep")
pipe.set_default_execution_queue("default")
pipe.add_function_step("look", look, {"other": OTHER, "file": FILE})
pipe.start()
"""

DRAFT = """
import sys
from penstock import PipelineController

options = {"packages": [], "force_single_script_file": True}
print(PipelineController.create("Tests/deep", "inner", script=sys.argv[1], **options).id)
"""

NESTED = """
from penstock import PipelineController

pipe = PipelineController("outer", "Tests/deep")
pipe.set_default_execution_queue("default")
pipe.add_step("deep", base_task_id=INNER)
pipe.start()
"""


def test_a_step_has_a_token_instead_of_the_key_of_its_agent_and_writes_to_itself_alone(site):
    agent = site.made("key", "add", "root", "--agent")
    other = "d" * 32
    site.backend.call(CreateTask(task=NewTask(id=other, name="other", project="Tests/deep")))
    site.agent(PENSTOCK_KEY=agent)
    file = site.folder / "facts.json"
    site.run(LOOKING.replace("OTHER", repr(other)).replace("FILE", repr(str(file))),
             PENSTOCK_KEY=site.made("key", "add", "ada"))  # fmt: skip
    assert site.ended("flow") == ("completed", {"look": "completed"})
    facts = site.told("facts.json")
    assert agent not in facts["began"] + facts["key"]
    assert (facts["own"], facts["other"]) == ("", "forbidden")
    token = open_home(replace(site.settings, key=Secret(facts["key"])))
    with pytest.raises(LeaseLost):
        token.call(AppendConsole(task=site.attempts("flow", "look")[0].id, lines=()))
    token.close()


def test_a_pipeline_that_is_a_step_makes_its_run_with_the_token_of_the_step(site):
    script = site.folder / "inner.py"
    script.write_text(SCRIPT.replace('"flow"', '"inner"').replace("pipe.start()", "pipe.start_locally(True)"))
    ada = site.made("key", "add", "ada")
    inner = site.run(DRAFT, str(script), PENSTOCK_KEY=ada).strip()
    site.agent(PENSTOCK_KEY=site.made("key", "add", "root", "--agent"))
    site.run(NESTED.replace("INNER", repr(inner)), PENSTOCK_KEY=ada)
    assert site.ended("outer") == ("completed", {"deep": "completed"})
    found = site.backend.call(ListRuns(pipeline="inner", statuses=(Status.COMPLETED,)))
    assert [one.task.parent for one in found] == [site.attempts("outer", "deep")[0].id]
