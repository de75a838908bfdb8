"""One step is skipped or aborted while its run goes on, here and with agents: real processes, and the command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import closing, contextmanager

import pytest
from tests.place import Place, alive, until

from penstock.core.task import EndReason, Script, ScriptKind, Status
from penstock.ops.claims import ListHeld
from penstock.ops.lifecycle import EnqueueTask
from penstock.ops.outputs import ReadConsole
from penstock.ops.queues import ListQueues
from penstock.ops.steering import AbortStep, AbortTask, SkipStep
from penstock.ops.tasks import CreateTask, GetTask, NewTask

EVERYWHERE = pytest.mark.parametrize("place", ["home", "server", "postgres"], indirect=True)
PRELUDE = """
import json, os, signal, subprocess, sys, time
from pathlib import Path
from penstock import PipelineController

def hold(name, stubborn=False):
    "Say which processes these are, and go on until asked to leave."
    import signal
    folder = Path(os.environ["PYTHONPATH"])

    def leave(number, frame):
        print("asked to leave", flush=True)
        if not stubborn:
            (folder / f"{name}-left").write_text(json.dumps(number))
            sys.exit(3)

    signal.signal(signal.SIGTERM, leave)
    child = subprocess.Popen(["sleep", "1000"])
    (folder / name).write_text(json.dumps([os.getpid(), child.pid]))
    while True:
        time.sleep(1000)

def double(value):
    return value * 2

pipe = PipelineController("flow", "Tests")
"""
STEPS = """
pipe.add_function_step("long", hold, {"name": "long"})
pipe.add_function_step("below", double, {"value": 1}, parents=["long"])
pipe.add_function_step("other", hold, {"name": "other"})
pipe.add_function_step("left_out", double, {"value": 2}, parents=["other"])
pipe.add_function_step("under", double, {"value": 3}, parents=["left_out"])
"""
HERE = "pipe.start_locally(run_pipeline_steps_locally=True)"
ON_QUEUES = 'pipe.set_default_execution_queue("default")\npipe.start()'


@contextmanager
def started(place, steps):
    """A script that carries these steps out in its own process; it is gone when a test fails."""
    script = place.start(PRELUDE + steps + HERE, PENSTOCK_WORKERS="3")
    try:
        yield script
        script.communicate(timeout=120)
    finally:
        script.kill()
        script.wait()


def steer(place):
    """Skip what waits, abort one of the two steps that run, and then the other."""
    pids = place.told("long")
    run = place.found("flow").run.id
    until(lambda: place.state("flow", "other").status == "running")
    place.backend.call(SkipStep(run=run, step="left_out", by="ada"))
    until(lambda: place.state("flow", "under").status == "skipped")
    assert place.state("flow", "other").status == "running"
    place.backend.call(AbortStep(run=run, step="long", by="ada"))
    until(lambda: place.state("flow", "below").status == "skipped")
    until(lambda: not any(map(alive, pids)))
    others = place.told("other")
    assert all(map(alive, others))
    place.backend.call(AbortStep(run=run, step="other", by="ada"))
    return [*pids, *others]


def all_is_as_it_was_steered(place, pids):
    assert place.ended("flow") == (
        "failed",
        {"long": "aborted", "below": "skipped", "other": "aborted", "left_out": "skipped", "under": "skipped"},
    )
    reasons = {state.name: state.reason for state in place.found("flow").steps}
    who = place.found("flow").steps[0].reason.removeprefix("aborted by ")
    assert reasons == {
        "long": f"aborted by {who}",
        "below": "parent 'long' aborted",
        "other": f"aborted by {who}",
        "left_out": f"skipped by {who}",
        "under": "parent 'left_out' skipped",
    }
    (attempt,) = place.attempts("flow", "long")
    assert (attempt.status, attempt.reason) == (Status.STOPPED, EndReason.ABORTED)
    assert place.attempts("flow", "left_out") == []
    until(lambda: not any(map(alive, pids)))


def printed(place, task):
    return [line.text for chunk in place.backend.call(ReadConsole(task=task)) for line in chunk.lines]


def test_steps_of_a_run_in_a_script_of_this_machine_are_steered(place):
    with started(place, STEPS):
        pids = steer(place)
    all_is_as_it_was_steered(place, pids)
    assert place.told("long-left") == signal.SIGTERM
    (attempt,) = place.attempts("flow", "long")
    assert printed(place, attempt.id) == ["asked to leave"]


@EVERYWHERE
def test_steps_that_agents_carry_out_are_steered(place):
    place.agent("--workers", "3")
    place.run(PRELUDE + STEPS + ON_QUEUES)
    pids = steer(place)
    all_is_as_it_was_steered(place, pids)
    assert place.told("long-left") == signal.SIGTERM
    (attempt,) = place.attempts("flow", "long")
    until(lambda: printed(place, attempt.id) == ["asked to leave"])
    until(lambda: place.backend.call(ListHeld()) == [])
    assert all((one.waiting, one.running) == (0, 0) for one in place.backend.call(ListQueues()))


LATE = """
import os, time
from pathlib import Path
from penstock.ops.claims import BeginClaimed
from penstock.service.base import Service

def call(self, op, by=None, *, before=Service.call, **given):
    while isinstance(op, BeginClaimed) and not Path(os.environ["PYTHONPATH"], "go").exists():
        time.sleep(0.02)
    return before(self, op, by, **given)

Service.call = call
"""


def test_what_a_step_printed_is_kept_where_it_was_aborted_before_it_was_recorded_that_it_began(tmp_path):
    with closing(Place(tmp_path, server=True, breaking=LATE)) as place:
        place.agent("--workers", "3")
        script = place.start(PRELUDE + STEPS + 'pipe.set_default_execution_queue("default")\npipe.start_locally()')
        pids = place.told("long")
        place.backend.call(AbortStep(run=place.found("flow").run.id, step="long", by="ada"))
        (tmp_path / "go").touch()
        place.backend.call(AbortStep(run=place.found("flow").run.id, step="other", by="ada"))
        script.communicate(timeout=120)
        until(lambda: not any(map(alive, pids)))
        assert place.told("long-left") == signal.SIGTERM
        (attempt,) = place.attempts("flow", "long")
        until(lambda: printed(place, attempt.id) == ["asked to leave"])


WRITTEN_AS_A_FUNCTION = """
import json, os, time
from pathlib import Path
from penstock import PipelineDecorator

@PipelineDecorator.component(return_values=["x"])
def first(folder):
    while not Path(folder, "go").exists():
        time.sleep(0.05)
    return 1

@PipelineDecorator.component(return_values=["y"])
def second(x):
    return x + 1

@PipelineDecorator.component(return_values=["z"])
def third(folder):
    Path(folder, "third").write_text("1")
    return 3

@PipelineDecorator.pipeline(name="flow", project="Tests")
def flow(folder):
    x = first(folder)
    y = second(x)
    third(folder)
    Path(folder, "value").write_text(json.dumps([y == None]))
    return x + 0

PipelineDecorator.run_locally()
flow(os.environ["PYTHONPATH"])
"""


def test_the_value_of_a_step_that_somebody_skipped_is_none_as_if_its_callback_had_vetoed_it(place):
    with place.start(WRITTEN_AS_A_FUNCTION, PENSTOCK_WORKERS="3") as script:
        try:
            place.told("third")
            place.backend.call(SkipStep(run=place.found("flow").run.id, step="second", by="ada"))
            assert place.told("value") == [True]
            (place.folder / "go").touch()
            script.communicate(timeout=120)
        finally:
            script.kill()
    assert place.ended("flow") == ("completed", {"first": "completed", "second": "skipped", "third": "completed"})


def test_the_command_line_steers(place):
    with started(place, STEPS):
        place.told("long")
        place.told("other")
        assert place.penstock("skip", "flow", "left_out").startswith("left_out: skipped by ")
        assert place.penstock("abort", "flow", "long", "other").startswith("long: aborted by ")
    assert place.ended("flow")[0] == "failed"
    assert "left_out was skipped by" in place.penstock("explain", "flow", "left_out")


def test_a_step_that_does_not_leave_when_it_is_asked_to_is_killed(place):
    options = 'continue_behaviour={"continue_on_abort": True}'
    with started(place, f'pipe.add_function_step("long", hold, {{"name": "long", "stubborn": True}}, {options})\n'):
        pids = place.told("long")
        place.backend.call(AbortStep(run=place.found("flow").run.id, step="long"))
    assert place.ended("flow") == ("completed", {"long": "aborted"})
    assert not any(map(alive, pids))


@EVERYWHERE
def test_what_was_steered_while_the_process_of_the_run_was_asleep_holds_when_it_dies_and_the_run_goes_on(place):
    """T16: the wish comes first, then the crash; the next process finds what was wished, and nothing runs again."""
    place.agent("--workers", "3")
    place.run(PRELUDE + STEPS + ON_QUEUES)
    pids = place.told("long")
    others = place.told("other")
    controller = until(lambda: place.found("flow").run.task.worker).pid
    run = place.found("flow").run.id
    os.kill(controller, signal.SIGSTOP)
    place.backend.call(SkipStep(run=run, step="left_out"))
    place.backend.call(AbortStep(run=run, step="long"))
    os.kill(controller, signal.SIGKILL)
    until(lambda: place.state("flow", "below").status == "skipped")
    until(lambda: place.state("flow", "under").status == "skipped")
    assert place.state("flow", "other").status == "running"
    place.backend.call(AbortStep(run=run, step="other"))
    all_is_as_it_was_steered(place, [*pids, *others])
    assert len(place.attempts("flow", "other")) == 1


SCRIPT = """
import json, os, signal, sys, time
from pathlib import Path
from penstock import Task

task = Task.init("Tests", "plain")
folder = Path(os.environ["PYTHONPATH"])
if "handle" in sys.argv:
    def leave(number, frame):
        (folder / "plain-left").write_text(json.dumps(number))
        sys.exit(0)
    signal.signal(signal.SIGTERM, leave)
print("it runs", flush=True)
(folder / "plain").write_text(json.dumps([os.getpid(), task.id]))
time.sleep(1000)
"""


@EVERYWHERE
@pytest.mark.parametrize("handles", [False, True])
def test_a_plain_script_notices_that_its_task_was_aborted_and_leaves(place, handles):
    script = place.start(SCRIPT, *(["handle"] if handles else []))
    try:
        _, id = place.told("plain")
        place.backend.call(AbortTask(id=id, by="ada"))
        _, err = script.communicate(timeout=120)
    finally:
        script.kill()
    assert script.returncode == (0 if handles else -signal.SIGTERM)
    assert "task 'plain' was aborted by " in err
    ended = place.backend.call(GetTask(id=id))
    assert (ended.status, ended.reason) == (Status.STOPPED, EndReason.ABORTED)
    assert ended.message.startswith("aborted by ")
    assert "it runs" in printed(place, id)
    assert not handles or place.told("plain-left") == signal.SIGTERM


def test_a_task_that_the_command_carries_out_is_aborted_from_elsewhere(place):
    source = """
import json, os, time
from pathlib import Path
Path(os.environ["PYTHONPATH"], "executed").write_text(json.dumps(os.getpid()))
time.sleep(1000)
"""
    script = Script(source=source, entry_point="alone.py", kind=ScriptKind.SCRIPT, packages=())
    task = place.backend.call(CreateTask(task=NewTask(id="a" * 32, name="alone", project="Tests", script=script)))
    command = [sys.executable, "-m", "penstock", "execute", "--plain", task.id]
    with subprocess.Popen(command, env=place.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            pid = place.told("executed")
            assert place.penstock("abort", "alone").startswith("alone: aborted by ")
            assert process.wait(120) == 1
        finally:
            process.kill()
    assert not alive(pid)
    assert place.backend.call(GetTask(id=task.id)).status is Status.STOPPED


@EVERYWHERE
def test_a_task_of_its_own_is_aborted_where_an_agent_carries_it_out(place):
    place.agent()
    source = """
import json, os, subprocess, time
from pathlib import Path
child = subprocess.Popen(["sleep", "1000"])
Path(os.environ["PYTHONPATH"], "alone").write_text(json.dumps([os.getpid(), child.pid]))
time.sleep(1000)
"""
    script = Script(source=source, entry_point="alone.py", kind=ScriptKind.SCRIPT, packages=())
    task = place.backend.call(CreateTask(task=NewTask(id="a" * 32, name="alone", project="Tests", script=script)))
    place.backend.call(EnqueueTask(id=task.id, queue="default"))
    pids = place.told("alone")
    place.backend.call(AbortTask(id=task.id, by="ada"))
    until(lambda: not any(map(alive, pids)))
    ended = place.backend.call(GetTask(id=task.id))
    assert (ended.status, ended.reason) == (Status.STOPPED, EndReason.ABORTED)
    until(lambda: place.backend.call(ListHeld()) == [])
