"""How recorded scripts end, and which task a script gets when it is started again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from penstock import PipelineController, Task

SCRIPT = """
    import os, sys, time
    from sys import exit as leave

    from penstock import Logger, Task

    task = Task.init("Scripts", "script")
    print("started", flush=True)
"""
WAITS = SCRIPT + "    time.sleep(600)\n"
REPORTS = SCRIPT + "    Logger.current_logger().report_scalar('loss', 'train', 0.5, 3)\n"


def tasks():
    """Return the tasks of the script, oldest first."""
    return Task.get_tasks(project_name="Scripts", task_name="^script$")[::-1]


def ended(task):
    return task.get_status(), str(task.data.reason or ""), task.data.message.partition("\n")[0]


def interrupted(folder, how):
    """Start a script, send it a signal when it has begun, and return its exit code."""
    folder.write("script.py", WAITS)
    with folder.start("script.py") as process:
        assert process.stdout.readline() == "started\n"
        process.send_signal(how)
        folder.out, folder.err = process.communicate(timeout=60)
    return process.returncode


# How it ends


@pytest.mark.parametrize(
    ("last", "code", "expected"),
    [
        ("", 0, ("completed", "", "")),
        ("sys.exit()", 0, ("completed", "", "")),
        ("raise ValueError('no luck')", 1, ("failed", "exception", "ValueError: no luck")),
        ("sys.exit(3)", 3, ("failed", "exit code", "sys.exit(3)")),
        ("sys.exit('gave up')", 1, ("failed", "exit code", "sys.exit('gave up')")),
        ("exit(4)", 4, ("failed", "exit code", "sys.exit(4)")),
        ("quit()", 0, ("completed", "", "")),
        ("leave(6)", 6, ("failed", "exit code", "sys.exit(6)")),
        ("raise KeyboardInterrupt", -2, ("stopped", "aborted", "interrupted from the keyboard")),
        ("task.close(); sys.exit(5)", 5, ("completed", "", "")),
        ("task.mark_failed(status_message='by hand')", 0, ("failed", "callback", "by hand")),
    ],
)
def test_a_script_ends_as_its_process_does(folder, last, code, expected):
    """The exit code is the script's own, whatever is recorded; the traceback is on its console and in the message."""
    folder.run("script.py", f"{SCRIPT}    {last}\n", code=code)
    (task,) = tasks()
    assert ended(task) == expected
    if "ValueError" in last:
        assert 'script.py", line 9' in task.data.message
        assert "ValueError: no luck" in "\n".join(task.get_reported_console_output(100))
        assert "ValueError: no luck" in folder.err


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        (signal.SIGTERM, ("stopped", "signal", "stopped by SIGTERM")),
        (signal.SIGINT, ("stopped", "aborted", "interrupted from the keyboard")),
    ],
)
def test_a_script_that_is_stopped_says_so_and_dies_of_the_signal(folder, how, expected):
    assert interrupted(folder, how) == -how
    (task,) = tasks()
    assert ended(task) == expected
    assert "started" in "\n".join(task.get_reported_console_output(100)).splitlines()


def doctor(*options):
    said = subprocess.run(
        [sys.executable, "-m", "penstock", "doctor", "--json", *options], capture_output=True, text=True, check=False
    )
    return {check["name"]: check["found"] for check in json.loads(said.stdout)["checks"]}


def test_a_script_that_was_killed_is_found_and_ended(folder):
    """It could say nothing itself."""
    assert interrupted(folder, signal.SIGKILL) == -signal.SIGKILL
    (task,) = tasks()
    assert task.status == "in_progress"
    assert f"1 task in progress whose process is gone: script ({task.id[:12]})" in doctor()["lost tasks"]
    assert task.get_status() == "in_progress"
    assert doctor("--fix")["lost tasks"].startswith("ended 1 task")
    assert ended(task) == ("stopped", "controller lost", "the process of the task is gone")
    assert doctor()["lost tasks"] == "none"


def test_a_child_process_ends_nothing(folder):
    """Neither one that is forked, nor one that inherits the script's hooks."""
    folder.run("script.py", SCRIPT + "    if os.fork() == 0:\n        sys.exit(7)\n    os.wait()\n")
    (task,) = tasks()
    assert ended(task) == ("completed", "", "")


# Started again


def test_the_last_task_is_used_again_when_it_left_nothing(folder):
    """`reuse_last_task_id`: one task, without what it recorded before."""
    folder.run("script.py", f"{REPORTS}    task.connect({{'a': 1}})\n    sys.exit(3)\n", code=3)
    (first,) = tasks()
    folder.run("script.py", f"{SCRIPT}    task.connect({{'b': 2}})\n")
    (task,) = tasks()
    assert (task.id, task.status, task.data.message) == (first.id, "completed", "")
    assert task.get_parameters() == {"General/b": 2}
    assert task.get_reported_scalars() == {}
    assert len("".join(task.get_reported_console_output(100)).split()) == 1


@pytest.mark.parametrize(
    "last",
    [
        "task.upload_artifact('x', 1)",
        "task.upload_model('x', __file__)",
        "task.close(); task.publish()",
        "task.close(); task.set_archived(True)",
    ],
)
def test_a_task_that_left_something_or_is_kept_is_not_used_again(folder, last):
    folder.run("script.py", f"{SCRIPT}    {last}\n")
    folder.run("script.py", SCRIPT)
    assert len(tasks()) == 2


def test_a_task_of_another_kind_or_on_request_is_not_used_again(folder):
    folder.run("script.py", SCRIPT)
    folder.run("script.py", SCRIPT.replace('"script")', '"script", task_type="testing")'))
    folder.run("script.py", SCRIPT.replace('"script")', '"script", reuse_last_task_id=False)'))
    assert [task.task_type for task in tasks()] == ["training", "testing", "training"]


def test_one_task_is_used_again_by_its_id(folder):
    folder.run("script.py", REPORTS)
    folder.run("script.py", SCRIPT.replace('"script")', '"script", reuse_last_task_id=False)'))
    first, _ = tasks()
    folder.run("script.py", SCRIPT.replace('"script")', f'"script", reuse_last_task_id="{first.id}")'))
    assert tasks()[0].id == first.id
    assert (len(tasks()), first.get_reported_scalars()) == (2, {})


@pytest.mark.parametrize(("go_on", "iterations"), [("True", [3, 7]), ("10", [3, 13]), ("0", [3, 3])])
def test_a_task_goes_on_with_all_that_it_recorded(folder, go_on, iterations):
    """`continue_last_task`: iterations count on from the last one, or from the number that is given."""
    folder.run("script.py", f"{REPORTS}    task.upload_artifact('x', 1)\n    sys.exit(3)\n", code=3)
    folder.run("script.py", REPORTS.replace('"script")', f'"script", continue_last_task={go_on})'))
    (task,) = tasks()
    assert (task.status, task.data.message, task.artifacts["x"].get()) == ("completed", "", 1)
    assert task.get_reported_scalars()["loss"]["train"]["x"] == iterations
    assert "\n".join(task.get_reported_console_output(100)).split() == ["started", "started"]


def test_a_task_whose_script_was_killed_goes_on(folder):
    """As where a machine was taken away, and the script is started again on another."""
    interrupted(folder, signal.SIGKILL)
    folder.run("script.py", SCRIPT.replace('"script")', '"script", continue_last_task=True)'))
    (task,) = tasks()
    assert ended(task) == ("completed", "", "")
    assert "\n".join(task.get_reported_console_output(100)).split()[-1] == "started"


# Called again in one process


def test_a_second_call_returns_the_same_task_and_another_one_is_refused(folder):
    """One task a process, until it is closed."""
    folder.run(
        "script.py",
        SCRIPT
        + """
    assert Task.init().id == task.id == Task.init("Scripts", "script").id == Task.current_task().id
    for other in ({"task_name": "other"}, {"project_name": "Other"}):
        try:
            Task.init(**other)
        except Exception as error:
            print(type(error).__name__, error)
    task.close()
    second = Task.init("Scripts", "second")
    assert second.id != task.id
    print("of the second")
    """,
    )
    (first,) = tasks()
    second = Task.get_task(project_name="Scripts", task_name="second")
    assert [task.status for task in (first, second)] == ["completed", "completed"]
    assert folder.out.count("Conflict this process works on task 'script'") == 2
    assert "\n".join(second.get_reported_console_output(100)).splitlines() == ["of the second"]
    assert "of the second" not in "".join(first.get_reported_console_output(100))


def test_in_a_process_that_carries_a_task_out_its_own_arguments_do_not_count(record, run, task_of, home):
    """`Task.init` attaches to the task that is carried out, whatever name and project it is called with."""
    base = record(
        "named", "from penstock import Task\ntask = Task.init('Other', 'other')\ntask.upload_artifact('x', task.id)\n"
    )
    pipe = PipelineController("attached", "Tests")
    pipe.add_step("step", base.id)
    assert run(pipe) == {"step": "completed"}
    assert task_of(pipe, "step").artifacts["x"].get() == task_of(pipe, "step").id
    assert Task.get_task(project_name="Other", task_name="other") is None
