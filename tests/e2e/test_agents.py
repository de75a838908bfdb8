"""Pipelines whose steps, and whose own script, are carried out by agents: real processes on one home."""

from __future__ import annotations

import signal
import subprocess
import sys
import urllib.request

import pytest
from tests.place import alive, until

from penstock.core.task import EndReason, Status
from penstock.ops.outputs import ListArtifacts, ReadConsole
from penstock.ops.queues import ChangeQueue, CreateQueue, ListEntries, ListQueues
from penstock.ops.tasks import GetTask

EVERYWHERE = pytest.mark.parametrize("place", ["home", "server", "postgres"], indirect=True)
PRELUDE = """
import json, os, sys, time
from pathlib import Path
from penstock import PipelineController, Task

FOLDER = Path(__file__).parent

def double(value):
    print("doubling", value)
    return value * 2

def frame(rows):
    import pandas as pd
    return pd.DataFrame({"x": range(rows)})

def total(table):
    return int(table["x"].sum())

def who(name):
    Path(os.environ["PYTHONPATH"], name).write_text(json.dumps(os.environ.get("WHO", "nobody")))

def hold(name):
    "Say which process this is, and go on for ever."
    import subprocess
    child = subprocess.Popen(["sleep", "1000"])
    Path(os.environ["PYTHONPATH"], name).write_text(json.dumps([os.getpid(), child.pid]))
    time.sleep(1000)

pipe = PipelineController("flow", "Tests")
pipe.set_default_execution_queue("default")
"""
LINE = """
pipe.add_parameter("n", 3)
pipe.add_function_step("a", double, {"value": "${pipeline.n}"}, ["x"])
pipe.add_function_step("b", double, {"value": "${a.x}"}, ["y"])
"""
FRAMES = """
pipe.add_function_step("a", frame, {"rows": 10}, ["table"])
pipe.add_function_step("b", total, {"table": "${a.table}"}, ["sum"])
"""


def printed(place, text, step):
    (task,) = place.attempts(text, step)
    return [line.text for chunk in place.backend.call(ReadConsole(task=task.id)) for line in chunk.lines]


@EVERYWHERE
def test_steps_that_wait_in_a_queue_are_carried_out_by_an_agent_and_their_values_come_back(place):
    place.agent()
    place.run(PRELUDE + LINE + FRAMES.replace('"a"', '"c"').replace('"b"', '"d"').replace("${a", "${c")
              + "pipe.start_locally()")  # fmt: skip
    assert place.ended("flow") == ("completed", dict.fromkeys("abcd", "completed"))
    assert printed(place, "flow", "b") == ["doubling 6"]
    (summed,) = place.attempts("flow", "d")
    assert [one.preview for one in place.backend.call(ListArtifacts(task=summed.id))] == ["45"]


def asked(place, name):
    """How often the server was asked for an operation."""
    request = urllib.request.Request(
        f"{place.url}/metrics", headers={"Authorization": f"Bearer {place.settings.key.text}"}
    )
    with urllib.request.urlopen(request) as answer:
        lines = [one for one in answer.read().decode().splitlines() if f'operation="{name}"' in one and "_total" in one]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


@pytest.mark.parametrize("place", ["server", "postgres"], indirect=True)
def test_what_a_step_left_behind_comes_with_the_word_that_it_has_ended(place):
    place.agent()
    place.run(PRELUDE + LINE + 'pipe.add_function_step("c", double, {"value": "${b.y}"}, ["z"])\npipe.start_locally()')
    assert printed(place, "flow", "c") == ["doubling 12"]
    assert asked(place, "EnqueueStep") == 3
    assert asked(place, "GetOutputs") == 0


@EVERYWHERE
def test_what_a_callback_changed_of_a_step_that_has_ended_is_what_the_next_one_gets(place):
    place.agent()
    place.run(
        PRELUDE
        + """
def late(pipe, node):
    Task.get_task(node.executed).set_parameter("General/late", 5)

pipe.add_function_step("a", double, {"value": 1}, ["x"], post_execute_callback=late)
pipe.add_function_step("b", double, {"value": "${a.parameters.General/late}"}, ["y"], parents=["a"])
pipe.start_locally()
"""
    )
    assert printed(place, "flow", "b") == ["doubling 5"]


@EVERYWHERE
def test_a_run_and_its_steps_need_no_more_than_one_agent_with_one_worker(place):
    """T07: the run takes no worker."""
    place.agent("--workers", "1")
    out = place.run(PRELUDE + LINE + "pipe.start()\nprint('after', pipe.is_successful())")
    assert out == ""
    assert place.ended("flow") == ("completed", {"a": "completed", "b": "completed"})
    lines = [line.text for chunk in place.backend.call(ReadConsole(task=place.found().run.id)) for line in chunk.lines]
    assert "after True" in lines


def test_a_run_waits_in_the_services_queue_and_its_script_has_left_with_code_0(place):
    place.run(PRELUDE + LINE + "pipe.start()")
    (entry,) = place.backend.call(ListEntries(queue="services"))
    assert (entry.name, str(entry.type)) == ("flow", "controller")
    assert place.found("flow").run.task.status == "queued"


@pytest.mark.parametrize(("queue", "status"), [("'default'", "queued"), ("None", "created")])
def test_a_run_may_go_to_another_queue_or_stay_a_draft(place, queue, status):
    place.run(PRELUDE + LINE + f"pipe.start(queue={queue})")
    assert place.found("flow").run.task.status == status


def test_start_returns_where_the_process_is_not_to_leave_and_the_run_can_be_waited_for(place):
    place.agent()
    out = place.run(PRELUDE + LINE + "pipe.start(exit_process=False)\nprint(pipe.wait(), pipe.is_successful())")
    assert out.splitlines()[-1] == "True True"


def test_each_step_goes_to_the_agent_that_serves_its_queue(place):
    place.backend.call(CreateQueue(name="gpu"))
    place.agent("--queue", "gpu", WHO="gpu agent")
    place.agent("--queue", "default", WHO="default agent")
    place.run(
        PRELUDE
        + """
pipe.add_function_step("a", who, {"name": "a.txt"})
pipe.add_function_step("b", who, {"name": "b.txt"}, execution_queue="gpu")
pipe.start_locally()
"""
    )
    assert place.ended("flow")[0] == "completed"
    assert (place.told("a.txt"), place.told("b.txt")) == ("default agent", "gpu agent")


def test_an_unknown_queue_is_refused_before_anything_starts_and_the_known_ones_are_named(place):
    """T08."""
    process = place.start(PRELUDE + "pipe.add_function_step('a', double, {'value': 1}, execution_queue='defualt')\n"
                          "pipe.start_locally()")  # fmt: skip
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "step 'a' names the queue 'defualt', which is not there\nhint: did you mean 'default'?" in err
    assert place.found("flow").run.task.status == "created"


def test_a_step_that_nobody_would_carry_out_says_so_and_how_to_change_that(place):
    """T06."""
    process = place.start(PRELUDE + LINE + "pipe.start_locally()")
    said = "no agent serves queue 'default'; start one with: penstock agent --queue default"
    until(lambda: (state := place.state("flow", "a")) and state.reason == said)
    assert said in place.penstock("show", "flow")
    place.agent("--once", "--queue", "default")
    place.agent("--queue", "default")
    assert process.wait(60) == 0
    assert place.ended("flow")[0] == "completed"
    assert said in process.stderr.read()
    process.stdout.close()
    process.stderr.close()


def test_without_any_agent_one_is_started_here_and_leaves_when_nothing_waits(place):
    place.run(PRELUDE + LINE + "pipe.start_locally()", PENSTOCK_START_AGENT="auto")
    assert place.ended("flow")[0] == "completed"
    until(lambda: place.agents() == [])


@EVERYWHERE
def test_a_run_that_is_stopped_leaves_no_process_and_nothing_in_a_queue(place):
    place.agent("--workers", "1")
    process = place.start(
        PRELUDE
        + """
pipe.add_function_step("a", hold, {"name": "a.json"})
pipe.add_function_step("b", double, {"value": 1})
pipe.start_locally()
"""
    )
    pids = place.told("a.json")
    until(lambda: place.backend.call(ListEntries(queue="default")))
    place.penstock("abort", "flow")
    process.communicate(timeout=60)
    assert place.ended("flow") == ("stopped", {"a": "aborted", "b": "aborted"})
    until(lambda: not any(alive(pid) for pid in pids))
    assert [(one.waiting, one.running) for one in place.backend.call(ListQueues(names=("default",)))] == [(0, 0)]


def test_a_time_limit_holds_on_an_agent_too(place):
    place.agent()
    place.run(PRELUDE + "pipe.add_function_step('a', hold, {'name': 'a.json'}, time_limit=1)\npipe.start_locally()")
    assert place.ended("flow")[1] == {"a": "aborted"}
    (task,) = place.attempts("flow", "a")
    assert task.reason is EndReason.TIME_LIMIT
    until(lambda: not any(alive(pid) for pid in place.told("a.json")))


def test_callbacks_of_all_steps_are_called_where_the_run_is_carried_out(place):
    place.agent()
    place.run(
        PRELUDE
        + LINE
        + """
def created(pipe, node, parameters):
    print("created", node.name, parameters["kwargs/value"])
    return node.name != "b"

def completed(pipe, node):
    print("completed", node.name, node.status)

pipe.start(step_task_created_callback=created, step_task_completed_callback=completed)
"""
    )
    assert place.ended("flow") == ("completed", {"a": "completed", "b": "skipped"})
    lines = [line.text for chunk in place.backend.call(ReadConsole(task=place.found().run.id)) for line in chunk.lines]
    assert [line for line in lines if line.startswith(("created", "completed"))] == [
        "created a 3",
        "completed a completed",
        "created b 6",
    ]


def test_a_recorded_script_waits_in_a_queue_and_is_carried_out(place):
    place.agent()
    out = place.run("""
from penstock import Task
task = Task.init("Tests", "script", auto_connect_frameworks=False)
args = {"rate": 0.5}
task.connect(args)
task.execute_remotely(queue_name=None, exit_process=True)
print("rate", args["rate"])
""")
    assert out == ""
    (task,) = [one for one in place.backend.call(_all_tasks()) if one.name == "script"]
    place.run(f"""
from penstock import Task
task = Task.get_task({task.id!r})
task.set_parameter("General/rate", 0.25)
Task.enqueue(task, queue_name="default")
task.wait_for_status(["completed"])
""")
    lines = [line.text for chunk in place.backend.call(ReadConsole(task=task.id)) for line in chunk.lines]
    assert lines[-1] == "rate 0.25"


SERVED = pytest.mark.parametrize("place", ["server"], indirect=True)


@SERVED
def test_execute_remotely_hands_a_script_over_to_a_queue_and_its_agent(place):
    script = """
from penstock import Task
task = Task.init("Tests", "script", auto_connect_frameworks=False)
print("begun")
task.execute_remotely(queue_name="default")
print("carried out")
"""
    assert place.run(script) == "begun\n"
    (task,) = [one for one in place.backend.call(_all_tasks()) if one.name == "script"]
    assert (task.status, task.queue) == (Status.QUEUED, "default")
    place.agent("--until-idle")
    until(lambda: place.backend.call(GetTask(id=task.id)).status is Status.COMPLETED)
    lines = [line.text for chunk in place.backend.call(ReadConsole(task=task.id)) for line in chunk.lines]
    assert lines == ["begun", "carried out"]


@SERVED
def test_a_queue_that_is_not_there_stops_execute_remotely_before_anything_changes(place):
    place.run("""
from penstock import Task
from penstock.core.errors import NotFound
task = Task.init("Tests", "script", auto_connect_frameworks=False)
try:
    task.execute_remotely(queue_name="gone")
except NotFound as error:
    assert "'gone'" in str(error), error
    assert "'default'" in str(error.hint), error.hint
    assert task.get_status() == "in_progress"
""")
    (task,) = [one for one in place.backend.call(_all_tasks()) if one.name == "script"]
    assert task.status is Status.COMPLETED


def _all_tasks():
    from penstock.ops.tasks import ListTasks

    return ListTasks(limit=1_000)


@EVERYWHERE
def test_function_and_script_steps_are_mixed_on_queues(place):
    place.agent("--workers", "2")
    place.run("""
from penstock import Task
task = Task.init("Tests", "base", auto_connect_frameworks=False)
args = {"n": 1}
task.connect(args)
task.execute_remotely(queue_name=None, exit_process=True)
task.upload_artifact("result", args["n"] * 10)
""")
    place.run(
        PRELUDE
        + """
pipe.add_function_step("a", double, {"value": 2}, ["x"])
pipe.add_step("s", base_task_project="Tests", base_task_name="base", parameter_override={"General/n": "${a.x}"})
pipe.add_function_step("b", double, {"value": "${s.artifacts.result}"}, ["y"])
pipe.start_locally()
"""
    )
    assert place.ended("flow") == ("completed", {"a": "completed", "s": "completed", "b": "completed"})
    assert printed(place, "flow", "b") == ["doubling 40"]


def test_a_paused_queue_says_why_its_steps_wait(place):
    place.backend.call(ChangeQueue(name="default", paused=True))
    place.agent("--queue", "services")
    process = place.start(PRELUDE + LINE + "pipe.start_locally()")
    until(lambda: (state := place.state("flow", "a")) and "queue 'default' is paused" in state.reason)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert place.ended("flow")[0] == "stopped"


def test_the_command_that_runs_a_script_says_where_its_run_waits_and_takes_parameters(place):
    (place.folder / "script.py").write_text(PRELUDE + LINE + "pipe.start()")
    command = ["penstock", "run", "script.py", "--param", "n=5"]
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=place.folder,
        env=place.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, "waits in queue 'services'; see it with: penstock show" in done.stderr) == (0, True)
    assert "did not start it" not in done.stderr
    place.agent()
    assert place.ended("flow")[0] == "completed"
    assert printed(place, "flow", "a") == ["doubling 5"]


def test_a_pipeline_that_an_agent_carries_out_shows_how_its_steps_stand_where_it_was_made(place):
    place.agent()
    text = (
        "pipe.start(exit_process=False)\npipe.wait()\nprint({k: n.status for k, n in pipe.get_pipeline_dag().items()})"
    )
    assert place.run(PRELUDE + LINE + text).splitlines()[-1] == "{'a': 'completed', 'b': 'completed'}"
