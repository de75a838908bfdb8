"""Runs that go on: by the script, by the command, after failures, stops and deaths."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from penstock import PipelineController
from penstock.core.errors import Conflict, NotFound
from penstock.core.run import attempt_id
from penstock.core.task import Status
from penstock.ops.runs import FindRun, GetRun, ListRuns
from penstock.ops.tasks import ListTasks
from penstock.run import liveness
from penstock.sdk import session


def give(value=1):
    return value


def note(file, value=1):
    with Path(file).open("a") as lines:
        lines.write("executed\n")
    return value


def need(file, value=1):
    return Path(file).read_text() + str(value)


@pytest.fixture
def files(tmp_path):
    return {"noted": tmp_path / "noted", "needed": tmp_path / "needed"}


def define(files, **changes):
    """Return a pipeline whose second step fails as long as a file is missing."""
    pipe = PipelineController("resumed", "Tests", **changes.pop("pipeline", {}))
    pipe.add_parameter("rate", default=changes.pop("rate", 2))
    given = {"file": str(files["noted"]), "value": changes.pop("value", "${pipeline.rate}")}
    pipe.add_function_step("a", note, given, ["x"], **changes)
    pipe.add_function_step("b", need, {"file": str(files["needed"]), "value": "${a.x}"}, ["x"])
    pipe.add_function_step("c", give, {"value": "${b.x}"}, ["x"])
    pipe.add_function_step("d", give, {"value": {1, 2}})
    return pipe


def run(pipe, **options):
    pipe.start_locally(run_pipeline_steps_locally=True, **options)
    return {name: node.status for name, node in pipe.get_pipeline_dag().items()}


DONE = dict.fromkeys("abcd", "completed")


def test_a_run_that_failed_goes_on_where_it_stood(home, files):
    first = define(files)
    assert run(first) == {"a": "completed", "b": "failed", "c": "skipped", "d": "completed"}
    files["needed"].write_text("now ")
    again = define(files)
    assert run(again, resume="last") == DONE
    assert again.id == first.id
    assert again.task.name == "resumed"
    assert files["noted"].read_text() == "executed\n"
    assert again.get_pipeline_dag()["c"].job.task.artifacts["x"].get() == "now 2"
    tasks = session.backend().call(ListTasks(run=first.id))
    assert [(task.step, task.attempt, task.status.value) for task in tasks] == [
        ("a", 1, "completed"),
        ("d", 1, "completed"),
        ("b", 1, "failed"),
        ("b", 2, "completed"),
        ("c", 1, "completed"),
    ] or len(tasks) == 5
    assert len(session.backend().call(ListRuns())) == 1  # no draft is left behind


def test_a_run_that_was_stopped_goes_on(home, files):
    files["needed"].write_text("now ")
    first = define(files, post_execute_callback=lambda pipeline, node: pipeline.stop())
    assert run(first)["a"] == "completed"
    assert first.task.status == "stopped"
    again = define(files, post_execute_callback=lambda pipeline, node: None)
    assert run(again, resume=first.id) == DONE
    assert files["noted"].read_text() == "executed\n"


def test_retries_count_anew_when_a_run_goes_on(home, files):
    options = {"retry_on_failure": 1, "pipeline": {"retry_on_failure": 1}}
    first = define(files, **options)
    assert run(first)["b"] == "failed"
    assert run(define(files, **options), resume="last")["b"] == "failed"
    numbers = [task.attempt for task in session.backend().call(ListTasks(run=first.id, step="b"))]
    assert numbers == [1, 2, 3, 4]


def test_a_step_that_was_vetoed_stays_so_when_its_run_goes_on(home, files):
    asked = []

    def no(pipeline, node, parameters):
        asked.append(node.name)
        return False

    def made():
        pipe = define(files)
        pipe.add_function_step("e", give, pre_execute_callback=no)
        pipe.add_function_step("f", give, parents=["e"])
        return pipe

    run(made())
    files["needed"].write_text("now ")
    assert run(made(), resume="last") == DONE | {"e": "skipped", "f": "skipped"}
    assert asked == ["e"]


CHANGES = {
    "the code of step 'b' changed": lambda pipe, files: pipe.add_function_step("b", give, {"value": "${a.x}"}, ["x"]),
    "an argument of step 'b' changed": lambda pipe, files: pipe.add_function_step(
        "b", need, {"file": "other", "value": "${a.x}"}, ["x"]
    ),
    "a parent of step 'b' changed": lambda pipe, files: pipe.add_function_step(
        "b", need, {"file": str(files["needed"]), "value": "${a.x}"}, ["x"], parents=["d"]
    ),
    "an option of step 'b' changed": lambda pipe, files: pipe.add_function_step(
        "b", need, {"file": str(files["needed"]), "value": "${a.x}"}, ["x"], time_limit=5
    ),
    "step 'b' was removed": lambda pipe, files: pipe.add_function_step("z", give, function_return=["x"]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_script_that_changed_is_refused_by_name(home, files, change):
    run(define(files))
    first = session.backend().call(FindRun(text="last"))
    pipe = PipelineController("resumed", "Tests")
    pipe.add_parameter("rate", default=2)
    pipe.add_function_step("a", note, {"file": str(files["noted"]), "value": "${pipeline.rate}"}, ["x"])
    CHANGES[change](pipe, files)
    source = "${b.x}" if "removed" not in change else "${z.x}"
    pipe.add_function_step("c", give, {"value": source}, ["x"])
    pipe.add_function_step("d", give, {"value": {1, 2}})
    with pytest.raises(Conflict, match=change):
        run(pipe, resume="last")
    assert session.backend().call(GetRun(id=first.id)).run.task == first.task
    assert pipe.task.status == "created"


def test_other_parameters_and_other_objects_are_refused(home, files):
    run(define(files))
    with pytest.raises(Conflict, match="parameter 'rate' changed"):
        run(define(files, rate=3), resume="last")
    pipe = PipelineController("resumed", "Tests")
    pipe.add_parameter("rate", default=2)
    pipe.add_function_step("a", note, {"file": str(files["noted"]), "value": "${pipeline.rate}"}, ["x"])
    pipe.add_function_step("b", need, {"file": str(files["needed"]), "value": "${a.x}"}, ["x"])
    pipe.add_function_step("c", give, {"value": "${b.x}"}, ["x"])
    pipe.add_function_step("d", give, {"value": {1, 3}})
    with pytest.raises(Conflict, match=r"argument 'd\.value' has another value"):
        run(pipe, resume="last")


def test_only_a_run_of_this_pipeline_that_did_not_complete_goes_on(home, files):
    files["needed"].write_text("now ")
    first = define(files)
    assert run(first) == DONE
    with pytest.raises(Conflict, match="only one that failed, was stopped or lost can be resumed"):
        run(define(files), resume="last")
    other = PipelineController("other", "Tests")
    with pytest.raises(Conflict, match="is one of pipeline 'resumed' in project 'Tests', not of 'other'"):
        run(other, resume="last")
    with pytest.raises(NotFound):
        run(define(files), resume="nothing")


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_run_whose_process_lives_or_cannot_be_seen_is_left_alone(home, files, monkeypatch, elsewhere):
    refused = []

    def try_to_resume(pipeline, node):
        again = define(files, post_execute_callback=try_to_resume)
        with pytest.raises(Conflict, match=f"is in progress, in process {os.getpid()}") as caught:
            again.start_locally(run_pipeline_steps_locally=True, resume=pipeline.id)
        refused.append(caught.value.hint)

    if elsewhere:
        monkeypatch.setattr(liveness, "is_alive", lambda worker: None)
    run(define(files, post_execute_callback=try_to_resume))
    assert "penstock abort" in refused[0]


SCRIPT = """
import os
import sys
from penstock import PipelineController

def first(): return 1

def die(marker, value):
    import os, signal
    if not os.path.exists(marker):
        open(marker, "w").close()
        controller = int(open(f"/proc/{os.getppid()}/stat").read().split()[3])
        os.kill(controller, signal.SIGKILL)
        signal.pause()
    import local_helper
    return value + local_helper.ONE

def before(pipe, node, parameters):
    print("before", node.name, flush=True)

pipe = PipelineController("killed", "Tests")
pipe.add_function_step("a", first, function_return=["x"])
pipe.add_function_step("b", die, {"marker": sys.argv[1], "value": "${a.x}"}, ["x"],
                       pre_execute_callback=before if len(sys.argv) > 2 else None)
pipe.start_locally(run_pipeline_steps_locally=True)
"""


@pytest.fixture
def script(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "local_helper.py").write_text("ONE = 1\n")
    (folder / "script.py").write_text(SCRIPT)
    return folder / "script.py"


def penstock(*arguments, cwd):
    command = [sys.executable, "-m", "penstock", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=60, check=False)


def test_the_command_lets_a_run_go_on_whose_process_was_killed(home, script, tmp_path):
    """From another folder: the run remembers where it was started, and finds the modules beside its script."""
    killed = penstock("run", script, "--", tmp_path / "marker", cwd=script.parent)
    assert killed.returncode == -9
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    resumed = penstock("resume", "--plain", cwd=elsewhere)
    assert resumed.returncode == 0, resumed.stderr
    run = session.backend().call(FindRun(text="last"))
    assert run.task.status is Status.COMPLETED
    tasks = session.backend().call(ListTasks(run=run.id))
    assert [(task.step, task.attempt, str(task.status), task.reason) for task in tasks] == [
        ("a", 1, "completed", None),
        ("b", 1, "stopped", "controller lost"),
        ("b", 2, "completed", None),
    ]
    assert attempt_id(run.id, "b", 2) == tasks[-1].id


def test_a_run_with_callbacks_is_let_go_on_by_its_script(home, script, tmp_path):
    assert penstock("run", script, "--", tmp_path / "marker", "yes", cwd=tmp_path).returncode == -9
    refused = penstock("resume", cwd=tmp_path)
    assert refused.returncode == 1
    run = session.backend().call(FindRun(text="last"))
    assert "step 'b' has callbacks, which are functions of the script" in refused.stderr
    assert f"penstock run {script} --resume {run.id[:12]}" in refused.stderr
    resumed = penstock("run", script, "--resume", run.id[:12], "--", tmp_path / "marker", "yes", cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert "before b" in resumed.stdout
    assert session.backend().call(GetRun(id=run.id)).run.task.status is Status.COMPLETED
    assert len(session.backend().call(ListRuns())) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--resume", "nothing"], 3, "there is no run 'nothing'"),
        (["--resume", "last", "--param", "x=1"], 2, "a run that goes on keeps its parameters"),
    ],
)
def test_the_command_says_what_is_wrong_before_the_script_runs(home, script, arguments, code, message):
    Path(home).mkdir(exist_ok=True)
    found = penstock("run", script, *arguments, cwd=script.parent)
    assert (found.returncode, message in found.stderr) == (code, True), found.stderr
