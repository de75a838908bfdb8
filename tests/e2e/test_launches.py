"""New runs as people ask for them: over HTTP as the page does, with the command, and from Python."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request

import pytest
from tests.place import until

from penstock.core.task import Status
from penstock.ops.agents import ListAgents
from penstock.ops.lifecycle import DequeueTask
from penstock.ops.outputs import ListArtifacts
from penstock.ops.queues import CreateQueue
from penstock.ops.runs import FindRun, GetRun
from penstock.ops.tasks import GetParameters

SCRIPT = """
    from typing import Literal
    from penstock import PipelineController

    def double(rate):
        return rate * 2

    pipe = PipelineController(name="flow", project="P")
    pipe.add_parameter("rate", 1.5, "how fast")
    pipe.add_parameter("kind", "tree", param_type=Literal["tree", "net"])
    pipe.add_function_step(
        "double", double, function_kwargs={"rate": "${pipeline.rate}"}, function_return=["twice"],
        cache_executed_step=True,
    )
    pipe.start_locally(run_pipeline_steps_locally=True)
"""


@pytest.fixture
def page(place):
    """What a page can ask `penstock ui` for, by the cookie of a browser that is logged in."""
    command = [sys.executable, "-m", "penstock", "ui"]
    variables = place.environment | {"PENSTOCK_START_AGENT": "auto"}
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as ui:
        url, _, code = ui.stdout.readline().strip().partition("/login#c=")
        cookies = []

        def post(path, document, **headers):
            body = json.dumps(document).encode()
            headers = {"Content-Type": "application/json", "Origin": url, "Cookie": "".join(cookies), **headers}
            with urllib.request.urlopen(urllib.request.Request(f"{url}{path}", body, headers)) as answer:
                cookies.extend(answer.headers.get_all("Set-Cookie", []))
                text = answer.read()
                return json.loads(text) if text else None

        post("/login", {"code": code})
        cookies[:] = [cookies[0].partition(";")[0]]
        yield lambda name, headers=None, **fields: post(f"/api/v1/{name}", fields, **(headers or {}))
        ui.terminate()
        ui.wait()
    until(lambda: not place.backend.call(ListAgents()), "its agent never left")


def values(place, run):
    return {one.path: one.value for one in place.backend.call(GetParameters(task=run.id))}


def result(place, text):
    """Return how a run ended, once it has, and what its step was given."""
    place.ended(text)
    detail = place.found(text)
    (state,) = detail.steps
    given = {one.path: one.value for one in place.backend.call(GetParameters(task=state.task))}
    return str(detail.run.task.status), str(state.status), given["kwargs/rate"]


def test_what_the_page_starts_is_carried_out_on_this_machine_and_the_run_before_stays_as_it_was(place, page):
    """Promises 9, 11 and 64."""
    place.run(SCRIPT)
    before = place.found("flow")
    form = page("GetLaunchForm", pipeline="flow", project="P")
    assert [(one["name"], one["value"], one["description"]) for one in form["fields"]] == [
        ("rate", 1.5, "how fast"), ("kind", "tree", ""),
    ]  # fmt: skip
    asked = {"source": form["source"], "parameters": {"rate": "1e-1"}, "tags": ["page"]}
    key = {"Idempotency-Key": "k"}
    made = [page("LaunchRun", headers=key, **asked)["task"]["id"] for _ in range(2)]
    assert made[0] == made[1]
    assert result(place, made[0]) == ("completed", "completed", 0.1)
    assert place.found(made[0]).run.task.name == "flow #2"
    assert place.found("flow #1").run.task.tags == ()
    assert place.found(before.run.id) == before


def test_a_new_run_without_the_cache_runs_every_step(place, page):
    place.run(SCRIPT)
    source = place.found("flow").run.id
    cached, anew = (page("LaunchRun", source=source, cache=cache)["task"]["id"] for cache in (True, False))
    assert [result(place, one)[1] for one in (cached, anew)] == ["cached", "completed"]


def test_the_command_launches_and_waits_for_the_end(place):
    place.run(SCRIPT)
    place.agent("--queue", "services")
    place.penstock("launch", "flow", "-p", "rate=4", "-p", "kind=net", "--tag", "a b", "--name", "mine", "--wait")
    run = place.found("mine").run
    assert (run.task.status, run.task.tags, run.number) == (Status.COMPLETED, ("a b",), 2)
    assert values(place, run) == {"Args/rate": 4.0, "Args/kind": "net"}
    place.penstock("launch", "flow", "-p", "kind=other", code=2)


def test_without_an_agent_the_command_says_what_helps(place):
    place.run(SCRIPT)
    command = [sys.executable, "-m", "penstock", "launch", "flow"]
    done = subprocess.run(command, env=place.environment, capture_output=True, text=True, check=True)
    assert "flow waits in queue 'services'; see it with: penstock show" in done.stderr
    assert "no agent serves queue 'services'; start one with: penstock agent --queue services" in done.stderr


def test_python_launches_as_the_command_does(place):
    place.run(SCRIPT)
    place.agent("--queue", "services")
    place.run("""
        from penstock import PipelineController

        run = PipelineController.launch("flow #1", {"rate": 8}, tags=["python"], use_cache=False)
        assert run.wait(100)
    """)
    newest = place.backend.call(FindRun(text="flow #2"))
    assert (newest.task.tags, values(place, newest)["Args/rate"]) == (("python",), 8.0)
    assert place.backend.call(GetRun(id=newest.id)).steps[0].status == "completed"


FAILING = """
    import os
    from pathlib import Path
    from penstock import PipelineController

    def load(rate):
        return rate

    def use(value, file):
        return f"{{value}} {{Path(file).read_text()}}"

    pipe = PipelineController(name="flow", project="P")
    pipe.set_default_execution_queue("default")
    pipe.add_parameter("rate", 1)
    pipe.add_function_step("load", load, {{"rate": "${{pipeline.rate}}"}}, ["x"])
    pipe.add_function_step("use", use, {{"value": "${{load.x}}", "file": {file!r}}}, ["text"])
    pipe.{start}
"""
HERE, ON_QUEUES = "start_locally(run_pipeline_steps_locally=True)", "start()"


def attempts(place, text):
    return {state.name: (str(state.status), state.attempt) for state in place.found(text).steps}


def test_what_failed_is_tried_again_from_the_page_with_the_values_that_the_run_has(place, page):
    file = place.folder / "file"
    place.run(FAILING.format(file=str(file), start=HERE))
    launched = page("LaunchRun", source=place.found("flow").run.id, parameters={"rate": 5})["task"]["id"]
    assert place.ended(launched)[0] == "failed"
    plan = page("PlanAction", id=launched, action="resume")
    assert [(one["name"], one["effect"]) for one in plan["steps"]] == [("load", "stays"), ("use", "runs")]
    file.write_text("here")
    assert page("RequeueRun", id=launched)["task"]["status"] == "queued"
    assert place.ended(launched)[0] == "completed"
    assert attempts(place, launched) == {"load": ("completed", 1), "use": ("completed", 2)}
    (artifact,) = place.backend.call(ListArtifacts(task=place.state(launched, "use").task))
    assert artifact.preview == "5 here"


def test_a_run_that_waited_in_a_queue_goes_on_by_an_agent_and_others_where_one_is_asked_for(place):
    file = place.folder / "file"
    place.agent("--queue", "services", "--queue", "default")
    place.run(FAILING.format(file=str(file), start=ON_QUEUES))
    assert place.ended("flow")[0] == "failed"
    place.penstock("resume", "flow", "--wait", code=1)
    file.write_text("here")
    place.penstock("resume", "flow", "--wait")
    assert attempts(place, "flow") == {"load": ("completed", 1), "use": ("completed", 3)}
    assert all(one.worker for one in place.attempts("flow", "use")), "an agent carried each try out"
    place.penstock("resume", "flow", code=1)
    place.penstock("resume", "flow", "--here", "--queue", "services", code=2)


def test_a_run_that_is_to_go_on_and_is_taken_out_of_its_queue_stays_stopped(place):
    file = place.folder / "file"
    place.run(FAILING.format(file=str(file), start=HERE))
    place.penstock("resume", "flow", "--queue", "services")
    assert str(place.found("flow").run.task.status) == "queued"
    place.backend.call(DequeueTask(id=place.found("flow").run.id))
    assert str(place.found("flow").run.task.status) == "stopped"
    file.write_text("here")
    place.penstock("resume", "flow", "--here")
    assert str(place.found("flow").run.task.status) == "completed"


LISTED = """
    from penstock import PipelineController

    def work():
        return 1

    pipe = PipelineController(name="flow", project="P")
    pipe.add_function_step("work", work, function_return=["x"], execution_queue="default")
    pipe.start_locally()
"""
GROWN = """
    from penstock import PipelineDecorator

    @PipelineDecorator.component(return_values=["x"], execution_queue="default")
    def work():
        return 1

    @PipelineDecorator.pipeline(name="flow", project="P")
    def flow():
        return work()

    if __name__ == "__main__":
        flow()
"""


@pytest.mark.parametrize("script", [LISTED, GROWN], ids=["steps", "function"])
def test_a_step_goes_to_the_queue_that_the_launch_names_and_so_it_does_in_what_is_launched_from_that(place, script):
    place.backend.call(CreateQueue(name="other"))
    place.agent("--queue", "services", "--queue", "default", "--queue", "other")
    place.run(script)
    place.ended("flow")
    for text, given in (("flow #2", ("--step-queue", "work=other", "--step-cache", "work=on")), ("flow #3", ())):
        place.penstock("launch", "last", *given, "--wait")
        detail = place.found(text)
        (attempt,) = place.attempts(text, "work")
        assert (attempt.status, attempt.queue) == (Status.COMPLETED, "other")
        assert [(one.queue, one.cache) for one in detail.definition.steps] == [("other", True)]
