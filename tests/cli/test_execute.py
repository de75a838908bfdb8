"""`penstock execute`: drafts of tasks and of runs, in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import textwrap
import uuid

import pytest

from penstock.core.task import EndReason, Parameter, Script, ScriptKind, Status
from penstock.ops.lifecycle import BeginTask, Copied, EnqueueTask
from penstock.ops.outputs import ReadConsole
from penstock.ops.runs import CloneRun, CreateRun, FindRun, GetRun, ListRuns
from penstock.ops.steps import DraftStep
from penstock.ops.tasks import CreateTask, GetTask, NewTask, SetParameters
from penstock.run.liveness import here

PIPELINE = """
    from penstock import PipelineController

    def double(n):
        print("doubling", n)
        return 2 * n

    pipe = PipelineController("double", "Tests")
    pipe.add_parameter("n", 4, "What is doubled")
    pipe.add_function_step("one", double, {"n": "${pipeline.n}"}, ["out"])
    pipe.start_locally(run_pipeline_steps_locally=True)
    print("done")
"""


class Drafts:
    """Records drafts in the home."""

    def __init__(self, recorder):
        self.call = recorder.call

    def task(self, source="", entry="train.py", id=None, name="train", **facts):
        script = facts.pop("script", None) or Script(
            source=textwrap.dedent(source), entry_point=entry, kind=ScriptKind.SCRIPT
        )
        return self.call(
            CreateTask(task=NewTask(id=id or uuid.uuid4().hex, name=name, project="P", script=script, **facts))
        )

    def run(self, source, name="double", project="Tests", **facts):
        script = facts.pop("script", None) or Script(
            source=textwrap.dedent(source), entry_point="pipeline.py", kind=ScriptKind.SCRIPT
        )
        new = NewTask(id=uuid.uuid4().hex, name=name, project="", script=script, **facts)
        return self.call(CreateRun(pipeline=name, project=project, task=new))

    def found(self, task):
        return self.call(GetTask(id=task.id))


@pytest.fixture
def drafts(recorder):
    return Drafts(recorder)


# Tasks


def test_a_draft_runs_and_says_how_it_ended(drafts, process):
    task = drafts.task("print('out')")
    answer = process("execute", task.id)
    assert (answer.code, answer.out) == (0, "out\n")
    assert answer.err == f"train ({task.id[:12]}): completed\n"
    assert drafts.found(task).status is Status.COMPLETED


def test_a_script_that_prints_and_fails_is_shown_and_fails_the_command(drafts, process):
    task = drafts.task("print('before')\nraise ValueError('no good')")
    answer = process("execute", task.id[:8])
    assert answer.code == 1
    assert answer.out.splitlines()[0] == "before"
    assert "ValueError: no good" in answer.out, "its own standard error is part of its console"
    assert answer.err == f"train ({task.id[:12]}): failed: ValueError: no good\n"


def test_its_parameters_are_those_that_it_has_now(drafts, process):
    source = """
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--rate", type=float, default=0.1)
        print(parser.parse_args().rate)
    """
    task = drafts.task(source, parameters=(Parameter(section="Args", name="rate", value=0.5, type="float"),))
    drafts.call(SetParameters(task=task.id, parameters=(Parameter(section="Args", name="rate", value=0.7),)))
    assert process("execute", task.id).out == "0.7\n"


@pytest.fixture
def configured(wheels, home, monkeypatch, tmp_path):
    """The machine's configuration: packages come from a folder."""
    file = tmp_path / "config.toml"
    file.write_text(f'[environments]\nindex = "none"\nfind_links = ["{wheels.folder}"]\n')
    monkeypatch.setenv("PENSTOCK_CONFIG", str(file))


SEES = "import iniconfig; print(getattr(iniconfig, 'VERSION', 'that of here'))"


def other(**facts):
    return Script(source=SEES, entry_point="train.py", kind=ScriptKind.SCRIPT, packages=("iniconfig==0.0.1",), **facts)


def test_a_task_runs_with_the_packages_that_were_recorded_unless_it_is_told_otherwise(configured, drafts, process):
    for options, seen, said in (
        ((), "0.0.1", "own: iniconfig==0.0.1 is needed, and"),
        (("--own-env",), "0.0.1", "own: it was asked for"),
        (("--same-env",), "that of here", "same: it was asked for"),
    ):
        task = drafts.task(script=other())
        answer = process("execute", *options, task.id)
        assert answer.code == 0, answer.err
        assert answer.out.splitlines()[-1] == seen
        assert drafts.found(task).runtime["environment"].startswith(said)
        assert said in process("task", task.id).out


def test_a_task_whose_packages_cannot_be_had_fails_and_names_them(configured, drafts, process):
    task = drafts.task(script=Script(entry_point="t.py", kind=ScriptKind.SCRIPT, packages=("nosuchpackage",)))
    answer = process("execute", task.id)
    assert answer.code == 1
    assert "failed: package 'nosuchpackage' cannot be had" in answer.err


def test_a_run_has_no_environment_of_its_own(drafts, penstock):
    run = drafts.run(PIPELINE)
    answer = penstock("execute", run.id, "--own-env")
    assert answer.code == 2
    assert "has no environment of its own" in answer.err
    assert drafts.found(run.task).status is Status.CREATED


def test_a_task_that_waits_in_a_queue_is_carried_out(drafts, process):
    task = drafts.task("print('out')")
    drafts.call(EnqueueTask(id=task.id, queue="default"))
    assert (process("execute", task.id).code, drafts.found(task).status) == (0, Status.COMPLETED)


def test_with_json_the_document_is_all_that_is_printed(drafts, process):
    good, bad = drafts.task("print('out')"), drafts.task("import sys; sys.exit(4)")
    answer = process("execute", good.id, "--json")
    document = json.loads(answer.out)
    assert (answer.code, document["exit_code"], document["task"]["status"]) == (0, 0, "completed")
    assert "out" in answer.err
    answer = process("execute", bad.id, "--json")
    document = json.loads(answer.out)
    assert (answer.code, document["exit_code"], document["task"]["message"]) == (1, 1, "sys.exit(4)")


@pytest.mark.parametrize("text", ["", "f", "abc", "no hex", "b" * 33, "beef" * 8, "'; DROP TABLE tasks", "\udcff"])
def test_a_task_that_is_not_there_is_an_error_of_its_own(drafts, penstock, text):
    drafts.task()
    answer = penstock("execute", text)
    assert answer.code == 3
    assert answer.err.startswith(f"error: there is no task {text!r}")
    assert "hint: give the name of a task, its id or its first four digits" in answer.err
    assert json.loads(penstock("execute", text, "--json").out)["error"]["code"] == "not_found"


def test_a_beginning_that_may_mean_several_lists_them(drafts, penstock):
    for number in range(7):
        drafts.task(id=f"abcd{number:028x}", name=f"n{number}")
    drafts.task(id=f"abce{0:028x}")
    answer = penstock("execute", "ABCD")
    assert answer.code == 2
    assert "'ABCD' may mean several tasks: abcd00000000 (n" in answer.err
    assert "hint: give more of the id" in answer.err


@pytest.mark.parametrize("status", ["in progress", "ended", "a function's"])
def test_what_is_no_draft_is_refused_and_left_alone(drafts, recorder, penstock, status):
    if status == "a function's":
        run = recorder.run({"a": []})
        task = recorder.end(recorder.attempt(run, "a"))
    else:
        task = drafts.task()
        drafts.call(BeginTask(id=task.id, worker=here()))
        if status == "ended":
            recorder.end(task)
    before = drafts.found(task)
    answer = penstock("execute", task.id)
    assert answer.code == 1
    assert answer.err.splitlines() == [
        f"error: task {before.name!r} is {before.status}; only a draft can be carried out",
        "hint: clone it, and carry out the clone",
    ]
    assert drafts.found(task) == before


def test_the_draft_of_a_step_is_the_business_of_its_run(drafts, recorder, penstock):
    run = recorder.run({"a": []})
    new = NewTask(id="", name="a", project="P")
    task = drafts.call(DraftStep(run=run.id, step="a", attempt=1, task=new))
    answer = penstock("execute", task.id)
    assert (answer.code, "its run decides about it" in answer.err) == (1, True)
    assert drafts.found(task) == task


def test_a_task_whose_process_is_gone_is_said_to_have_stopped(drafts, penstock, dead_worker):
    task = drafts.task()
    drafts.call(BeginTask(id=task.id, worker=dead_worker))
    assert "is stopped; only a draft" in penstock("execute", task.id).err


def test_code_that_cannot_be_had_fails_the_task_and_says_why(drafts, process):
    script = Script(entry_point="x.py", kind=ScriptKind.SCRIPT, repository="/none/of/this/name", commit="c" * 40)
    task = drafts.task(script=script)
    answer = process("execute", task.id)
    assert answer.code == 1
    assert (drafts.found(task).status, drafts.found(task).reason) == (Status.FAILED, EndReason.INPUT)


WAITS = "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(600)"


@pytest.mark.parametrize("with_json", [False, True])
def test_the_keyboard_stops_the_task(drafts, start, with_json):
    task = drafts.task(WAITS)
    running = start("execute", task.id, *(["--json"] if with_json else []))
    stream = running.stderr if with_json else running.stdout
    pid = int(stream.readline())
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    ended = drafts.found(task)
    assert (ended.status, ended.reason) == (Status.STOPPED, EndReason.ABORTED)
    assert err.splitlines()[-1] == f"train ({task.id[:12]}): stopped: interrupted from the keyboard"
    if with_json:
        assert (json.loads(out)["exit_code"], json.loads(out)["task"]["status"]) == (130, "stopped")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_command_that_is_killed_leaves_nothing_in_progress_for_long(drafts, start, penstock):
    task = drafts.task(WAITS)
    running = start("execute", task.id)
    running.stdout.readline()
    running.kill()
    running.wait()
    assert penstock("runs").code == 0
    ended = drafts.found(task)
    assert (ended.status, ended.reason) == (Status.STOPPED, EndReason.CONTROLLER_LOST)


def test_a_reader_who_leaves_does_not_end_the_task(drafts, start):
    task = drafts.task("for n in range(20000):\n    print(n)")
    running = start("execute", task.id)
    running.stdout.readline()
    running.stdout.close()
    running.stderr.read()
    running.wait(timeout=60)
    assert drafts.found(task).status is Status.COMPLETED
    lines = [line for chunk in drafts.call(ReadConsole(task=task.id)) for line in chunk.lines]
    assert len(lines) == 20000


def test_in_a_terminal_what_a_task_prints_controls_nothing(drafts, terminal):
    task = drafts.task("print('\\x1b]0;title\\x07plain \\x1b[31mred')", name="a\x1b[31mb")
    answer = terminal(90, 30).call("execute", task.id)
    assert answer.code == 0
    assert "\x1b]0;" not in answer.out
    assert "plain" in answer.out


# Runs


def test_a_draft_run_is_carried_out_by_its_script_with_its_own_values(drafts, process):
    run = drafts.run(PIPELINE, parameters=(Parameter(section="Args", name="n", value=21, type="int"),))
    answer = process("execute", run.id[:6])
    assert (answer.code, answer.out.splitlines()) == (0, ["one | doubling 21", "done"])
    assert answer.err.splitlines()[-1] == "next: penstock show double"
    (found,) = drafts.call(ListRuns())
    assert (found.id, found.task.status, found.number) == (run.id, Status.COMPLETED, 1)


def test_a_run_in_a_queue_is_taken_out_of_it(drafts, process):
    run = drafts.run(PIPELINE)
    drafts.call(EnqueueTask(id=run.id, queue="services"))
    assert process("execute", run.id).code == 0
    assert drafts.call(GetRun(id=run.id)).run.task.status is Status.COMPLETED


def test_of_a_run_the_document_is_that_of_other_commands(drafts, process):
    run = drafts.run(PIPELINE)
    answer = process("execute", run.id, "--json", "--plain")
    document = json.loads(answer.out)
    assert (answer.code, document["exit_code"]) == (0, 0)
    assert [one["task"]["id"] for one in document["runs"]] == [run.id]


@pytest.mark.parametrize(
    ("source", "name"), [("print('nothing')", "double"), ("", "double"), (PIPELINE, "another name")]
)
def test_a_script_that_does_not_carry_the_run_out_is_an_error(drafts, process, source, name):
    run = drafts.run(source, name)
    answer = process("execute", run.id)
    assert answer.code == 1
    assert f"error: the script of run {name!r} did not carry it out" in answer.err
    assert f"hint: it has to build and start a pipeline {name!r} in project 'Tests'" in answer.err
    assert drafts.found(run.task).status is Status.CREATED


def test_a_script_that_raises_is_shown_from_its_own_first_line(drafts, process):
    run = drafts.run("def f():\n    return 1 / 0\nf()")
    answer = process("execute", run.id)
    assert answer.code == 1
    head, first, *_ = answer.err.splitlines()
    assert (head, "pipeline.py" in first) == ("Traceback (most recent call last):", True)
    assert answer.err.splitlines()[-1] == "ZeroDivisionError: division by zero"
    assert drafts.found(run.task).status is Status.CREATED


@pytest.mark.parametrize(
    "script",
    [
        Script(),
        Script(source="", entry_point="../x.py", kind=ScriptKind.SCRIPT),
        Script(entry_point="x.py", kind=ScriptKind.SCRIPT, repository="ext::sh -c true"),
        Script(entry_point="x.py", kind=ScriptKind.SCRIPT, repository="/none/of/this/name"),
    ],
)
def test_a_run_whose_code_cannot_be_had_stays_a_draft(drafts, process, script):
    run = drafts.run("", script=script)
    answer = process("execute", run.id)
    assert answer.code == 1
    assert answer.err.startswith("error: run 'double': ")
    assert drafts.found(run.task).status is Status.CREATED


def test_a_run_that_was_recorded_as_a_module_runs_as_one_with_its_relative_imports(drafts, process, tmp_path):
    root = tmp_path / "repository"
    (root / "flows").mkdir(parents=True)
    (root / "flows" / "__init__.py").write_text("")
    (root / "flows" / "sizes.py").write_text("N = 5\n")
    source = textwrap.dedent(PIPELINE).replace('"n", 4', '"n", N')
    (root / "flows" / "double.py").write_text(f"from .sizes import N\n{source}")
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "m"]):
        author = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *author, *arguments], cwd=root, check=True)
    script = Script(
        entry_point="-m flows.double", kind=ScriptKind.MODULE, repository=str(root), branch="HEAD", working_dir="."
    )
    run = drafts.run("", script=script)
    answer = process("execute", run.id)
    assert (answer.code, answer.out.splitlines()) == (0, ["one | doubling 5", "done"]), answer.err


def test_a_clone_of_a_clone_still_finds_the_modules_beside_the_first_script(drafts, process, script, tmp_path):
    """The folder that a recorded text was cut out of is remembered, not that of the text."""
    script("N = 6\n", name="near.py")
    file = script(
        PIPELINE.replace("from penstock import", "import near\n    from penstock import").replace(
            '"n", 4', '"n", near.N'
        )
    )
    assert process("run", file).code == 0
    source = drafts.call(FindRun(text="double"))
    for _ in range(2):
        clone = drafts.call(CloneRun(source=source.id, clone=Copied(id=uuid.uuid4().hex)))
        answer = process("execute", clone.id)
        assert (answer.code, "doubling 6" in answer.out) == (0, True), answer.err
        source = drafts.call(GetRun(id=clone.id)).run
        assert source.task.runtime["folder"] == str(tmp_path)


def test_the_keyboard_stops_a_run(drafts, start, tmp_path):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    source = f"""
        from penstock import PipelineController

        def wait(gate):
            print("waits", flush=True)
            open(gate).read()

        pipe = PipelineController("waits", "Tests")
        pipe.add_function_step("wait", wait, {{"gate": {str(gate)!r}}})
        pipe.start_locally(run_pipeline_steps_locally=True)
    """
    run = drafts.run(source, "waits")
    running = start("execute", run.id)
    assert running.stdout.readline() == "wait | waits\n"
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    assert running.returncode == 130
    assert drafts.found(run.task).status is Status.STOPPED
