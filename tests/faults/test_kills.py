"""Processes that are killed in the middle: what they started goes with them, and what was recorded stays."""

from __future__ import annotations

import json
import os
import select
import signal
import sqlite3
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from penstock.backend import connect
from penstock.core.task import EndReason, Status
from penstock.ops.outputs import ListArtifacts
from penstock.ops.runs import FindRun, GetRun, ListRuns
from penstock.ops.tasks import ListTasks
from penstock.run.reconcile import close_lost
from penstock.run.storage import Values
from penstock.settings import Settings

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="watches processes as only Linux lets one do")

PATIENCE = 60  # seconds after which a test is lost; none comes near
PRELUDE = """
import json, os, subprocess, sys, time
from penstock import PipelineController

def made(value):
    return value

def tell(ready):
    "Start a child, and one that leaves its process group; say who is who; go on for ever."
    near = subprocess.Popen(["sleep", "1000"])
    far = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    with open(ready, "w") as told:
        told.write(json.dumps({"step": os.getpid(), "near": near.pid, "far": far.pid, "zygote": os.getppid()}))
    time.sleep(1000)

def wait_for(go):
    with open(go) as opened:
        return opened.read()

def say(number):
    print(number, flush=True)
    return number

def finish(pipe):
    nodes = pipe.get_pipeline_dag().values()
    print(json.dumps({"run": pipe.task.status, **{node.name: [node.status, node.reason] for node in nodes}}))

ready, go = sys.argv[1:3]
pipe = PipelineController("flow", "Tests")
"""
LINE = """
pipe.add_function_step("first", made, {"value": [1, 2]}, ["x"])
pipe.add_function_step("middle", tell, {"ready": ready}, parents=["first"])
pipe.add_function_step("last", made, {"value": "${first.x}"}, ["x"], parents=["middle"])
pipe.start_locally(run_pipeline_steps_locally=True)
finish(pipe)
"""
ONE_BY_ONE = """
pipe.add_function_step("first", made, {"value": [1, 2]}, ["x"])
pipe.add_function_step("middle", tell, {"ready": ready}, parents=["first"])
pipe.add_function_step("waiting", made, {"value": "${first.x}"}, ["x"])
pipe.start_locally(run_pipeline_steps_locally=True)
finish(pipe)
"""
SIBLINGS = """
pipe.add_function_step("middle", tell, {"ready": ready})
pipe.add_function_step("sibling", wait_for, {"go": go}, ["x"])
pipe.start_locally(run_pipeline_steps_locally=True)
finish(pipe)
"""
MANY = """
for number in range(300):
    value = number if number < 4 else f"${{s{number - 4}.x}}"
    pipe.add_function_step(f"s{number}", say, {"number": value}, ["x"])
pipe.start_locally(run_pipeline_steps_locally=True)
finish(pipe)
"""


class Script:
    """A user's script that runs a pipeline, and the processes of one of its steps."""

    def __init__(self, folder, text, **variables):
        self.folder = folder
        self.settings = Settings(home=folder / "home", workers=1)
        self.ready, self.go = folder / "ready", folder / "go"
        for name in (self.ready, self.go):
            os.mkfifo(name)
        file = folder / "script.py"
        file.write_text(PRELUDE + text)
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
        mine = {"PENSTOCK_HOME": str(self.settings.home), "PENSTOCK_CONFIG": "/nowhere", "PENSTOCK_PROGRESS": "plain"}
        self.process = subprocess.Popen(
            [sys.executable, str(file), str(self.ready), str(self.go)],
            env=clean | mine | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._handles = {}

    def hear(self):
        """Wait until the step says who is who; from then on their ends are watched."""
        descriptor = os.open(self.ready, os.O_RDONLY | os.O_NONBLOCK)
        try:
            assert select.select([descriptor], [], [], PATIENCE)[0], "the step never began"
            os.set_blocking(descriptor, True)
            said = b""
            while more := os.read(descriptor, 65536):
                said += more
        finally:
            os.close(descriptor)
        pids = json.loads(said)
        self._handles = {name: os.pidfd_open(pid) for name, pid in pids.items()}
        return pids

    def gone(self, *names):
        """Wait for these to end; return those that did not."""
        left = set()
        for name in names or self._handles:
            if not select.select([self._handles[name]], [], [], PATIENCE / 4)[0]:
                left.add(name)
        return left

    def end(self):
        """Wait for the script; return what it printed."""
        return self.process.communicate(timeout=PATIENCE)

    def result(self):
        out, err = self.end()
        assert self.process.returncode == 0, err
        return json.loads(out.splitlines()[-1])

    def close(self):
        self.process.kill()
        self.process.communicate()
        for handle in self._handles.values():
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            os.close(handle)


@pytest.fixture
def start(tmp_path):
    """Start scripts that share a home."""
    started = []

    def start(text, **variables):
        folder = tmp_path / str(len(started))
        folder.mkdir()
        started.append(Script(folder, text, **{"PENSTOCK_HOME": str(tmp_path / "home")} | variables))
        started[-1].settings = Settings(home=tmp_path / "home", workers=1)
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def backend(tmp_path):
    opened = connect(Settings(home=tmp_path / "home", workers=1))
    yield opened
    opened.close()


def is_intact(settings):
    connection = sqlite3.connect(settings.database)
    found = connection.execute("PRAGMA integrity_check").fetchall()
    connection.close()
    return found == [("ok",)]


def recorded(backend, text):
    """A run, its steps' statuses, and its tasks by step."""
    run = backend.call(FindRun(text=text))
    steps = {state.name: str(state.status) for state in backend.call(GetRun(id=run.id)).steps}
    return run, steps, {task.step: task for task in backend.call(ListTasks(run=run.id))}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda one: one.name)
def test_when_the_script_is_killed_its_steps_go_with_it_and_its_records_stay(start, backend, number):
    """T09, T13: the step, its children and theirs are gone; what had ended is there; the home works on."""
    script = start(LINE)
    script.hear()
    script.process.send_signal(number)
    script.end()
    assert script.process.returncode == -number
    assert script.gone() == set()
    assert is_intact(script.settings)
    run, steps, tasks = recorded(backend, "flow")
    assert steps == {"first": "completed", "middle": "running", "last": "pending"}
    (artifact,) = backend.call(ListArtifacts(task=tasks["first"].id))
    assert Values(backend.blobs, "/nowhere").load(artifact) == [1, 2]
    (closed,) = close_lost(backend)
    assert (closed.id, closed.task.status, closed.task.reason) == (run.id, Status.STOPPED, EndReason.CONTROLLER_LOST)
    assert recorded(backend, "flow")[1] == {"first": "completed", "middle": "aborted", "last": "skipped"}
    again = start("pipe.add_function_step('made', made, {'value': 1}); pipe.start_locally(True); finish(pipe)")
    assert again.result() == {"run": "completed", "made": ["completed", ""]}
    assert [one.task.name for one in backend.call(ListRuns())] == ["flow #2", "flow"]


def test_ctrl_c_stops_the_run_and_then_the_script(start, backend):
    script = start(LINE)
    script.hear()
    script.process.send_signal(signal.SIGINT)
    out, err = script.end()
    assert script.process.returncode == -signal.SIGINT
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert '"run"' not in out, "the script does not go on behind the run"
    assert script.gone() == set()
    run, steps, tasks = recorded(backend, "flow")
    assert (run.task.status, run.task.reason) == (Status.STOPPED, EndReason.ABORTED)
    assert steps == {"first": "completed", "middle": "aborted", "last": "skipped"}
    assert tasks["middle"].status is Status.STOPPED


@pytest.mark.parametrize("after", [1, 9, 30])
def test_ctrl_c_in_a_busy_run_stops_it_all_the_same(start, backend, after):
    """Whatever the controller is doing just then: starting, recording, hearing from many steps."""
    script = start(MANY, PENSTOCK_WORKERS="4")
    heard = 0
    for line in script.process.stderr:
        heard += line.rstrip().endswith(": completed")
        if heard == after:
            break
    script.process.send_signal(signal.SIGINT)
    _, err = script.end()
    assert script.process.returncode == -signal.SIGINT, err
    run, steps, tasks = recorded(backend, "flow")
    assert (run.task.status, run.task.reason) == (Status.STOPPED, EndReason.ABORTED)
    assert not {"running", "queued", "pending"} & set(steps.values())
    assert Status.IN_PROGRESS not in {task.status for task in tasks.values()}


def test_the_second_ctrl_c_leaves_at_once(start, backend):
    """Also when something keeps the run from stopping; what it started is gone, and it is recorded as ended."""
    script = start(LINE)
    script.hear()
    for _ in range(2):
        script.process.send_signal(signal.SIGINT)
    script.end()
    assert script.process.returncode == -signal.SIGINT
    assert script.gone() == set()
    assert recorded(backend, "flow")[0].task.status in {Status.STOPPED, Status.FAILED}


def test_when_the_zygote_is_killed_its_step_fails_and_the_next_one_runs(start, backend):
    """T12: the step says why; another warm process serves what comes later."""
    script = start(ONE_BY_ONE, PENSTOCK_WORKERS="1")
    pids = script.hear()
    os.kill(pids["zygote"], signal.SIGKILL)
    result = script.result()
    assert result["run"] == "failed"
    assert result["middle"][0] == "failed"
    assert "the process that steps are forked from" in result["middle"][1]
    assert result["waiting"] == ["completed", ""]
    assert script.gone("zygote", "step", "near") == set()
    _, _, tasks = recorded(backend, "flow")
    assert (tasks["middle"].status, tasks["middle"].reason) == (Status.FAILED, EndReason.SIGNAL)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV], ids=lambda one: one.name)
def test_when_a_step_is_killed_it_fails_with_the_signal_and_its_siblings_go_on(start, backend, number):
    script = start(SIBLINGS)
    pids = script.hear()
    os.kill(pids["step"], number)
    assert script.gone("step", "near") == set()
    script.go.write_text("went on")
    result = script.result()
    assert script.gone() == set()
    assert result["middle"][0] == "failed"
    assert f"killed by {number.name}" in result["middle"][1]
    assert result["sibling"] == ["completed", ""]
    _, _, tasks = recorded(backend, "flow")
    assert tasks["middle"].reason is EndReason.SIGNAL
    (artifact,) = backend.call(ListArtifacts(task=tasks["sibling"].id))
    assert Values(backend.blobs, "/nowhere").load(artifact) == "went on"


def test_when_the_script_and_the_zygote_are_killed_at_once_the_step_still_goes(start):
    """Nobody is left to kill it: the kernel does, because its parent died."""
    script = start(LINE)
    pids = script.hear()
    script.process.send_signal(signal.SIGSTOP)
    os.kill(pids["zygote"], signal.SIGKILL)
    assert script.gone("zygote", "step") == set()
    script.process.kill()


LEAVE = """
def leave(ready):
    near = subprocess.Popen(["sleep", "1000"])
    far = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    with open(ready, "w") as told:
        told.write(json.dumps({"near": near.pid, "far": far.pid, "zygote": os.getppid()}))
    wait_for(ready + ".seen")

os.mkfifo(ready + ".seen")
pipe.add_function_step("leave", leave, {"ready": ready})
pipe.add_function_step("after", wait_for, {"go": go}, parents=["leave"])
pipe.start_locally(run_pipeline_steps_locally=True)
finish(pipe)
"""


def test_what_a_step_left_running_goes_with_it_and_the_warm_process_with_the_script(start):
    """T13: its children, and those that made a session of their own, while the run goes on."""
    script = start(LEAVE)
    script.hear()
    Path(f"{script.ready}.seen").write_text("seen")
    assert script.gone("near", "far") == set()
    script.go.write_text("go on")
    assert script.result() == {"run": "completed", "leave": ["completed", ""], "after": ["completed", ""]}
    assert script.gone() == set()


HALF_WRITTEN = """
import sys, time
from pathlib import Path
from penstock.blobs.files import FileBlobs

writer = FileBlobs(Path(sys.argv[1])).writer()
writer.write(b"half")
print("written", flush=True)
time.sleep(1000)
"""


def test_what_a_killed_process_left_half_written_is_swept_by_a_later_run(start, tmp_path):
    """It would fill the disk in the end. What is being written just now is left alone."""
    blobs = tmp_path / "home" / "blobs"
    writers = [
        subprocess.Popen([sys.executable, "-c", HALF_WRITTEN, str(blobs)], stdout=subprocess.PIPE) for _ in range(2)
    ]
    for writer in writers:
        assert writer.stdout.readline() == b"written\n"
    dead, alive = writers
    dead.kill()
    dead.communicate()
    for file in (blobs / "staging").iterdir():
        os.utime(file, (0, 0))
    start("pipe.add_function_step('made', made, {'value': 1}); pipe.start_locally(True); finish(pipe)").result()
    left = [file.name.partition("-")[0] for file in (blobs / "staging").iterdir()]
    alive.kill()
    alive.communicate()
    assert left == [str(alive.pid)]
