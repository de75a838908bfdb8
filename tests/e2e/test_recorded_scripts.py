"""Scripts that `Task.init` makes recorded tasks: what is recorded of them, and how they run again as drafts and clones.

How they end, and which task a script gets, is in `test_recorded_script_endings.py`.
"""

from __future__ import annotations

import subprocess
import textwrap
from pathlib import Path

import pytest

from penstock import Task

PARSED = """
    import argparse

    import msgspec

    from penstock import Task

    task = Task.init("Scripts", "parsed")
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=0.1)
    parser.add_argument("--names", nargs="*", default=["a"])
    parser.add_argument("--flag", action="store_true")
    parser.add_argument("path", nargs="?")
    options = parser.parse_args()
    print("rate is", options.rate)
    task.upload_artifact("seen", vars(options))
"""
CLICKED = """
    import click

    from penstock import Task

    task = Task.init("Scripts", "clicked")


    @click.command()
    @click.option("--rate", default=0.1)
    @click.option("--name", default="a")
    def main(rate, name):
        task.upload_artifact("seen", {"rate": rate, "name": name})


    main()
"""
DRAFT = """
    import sys

    from penstock import Task

    task = Task.init("Scripts", "draft")
    options = task.connect({"rate": 0.1, "deep": {"a": 1}})
    config = task.connect_configuration({"layers": [1]}, name="net")
    print("before")
    task.execute_remotely(queue_name="gpu")
    print("after", options["rate"], file=sys.stderr)
    task.upload_artifact("seen", {"options": dict(options), "config": config})
"""


def console(task):
    return "\n".join(task.get_reported_console_output(1000)).splitlines()


def newest(name, project="Scripts"):
    return Task.get_task(project_name=project, task_name=name)


def git(folder, *arguments):
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    said = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return said.stdout.strip()


@pytest.fixture
def repository(folder):
    """A repository with one commit, which holds a package and a script that uses it."""
    folder.write("project/helper.py", "ANSWER = 41\n")
    folder.write(
        "project/scripts/train.py",
        """
        import sys
        sys.path.insert(0, "..")
        import helper
        from penstock import Task

        task = Task.init("Scripts", "train")
        task.upload_artifact("answer", helper.ANSWER)
        """,
    )
    root = folder.root / "project"
    git(root, "init", "-q", "-b", "main")
    git(root, "remote", "add", "origin", str(root))
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    return root


# What is recorded


def test_a_script_outside_git_is_recorded_with_its_text_packages_and_console(folder):
    """Promise 36, for scripts: all that is needed to run it again elsewhere."""
    folder.run("parsed.py", PARSED, "--rate", "0.5", "x.csv")
    task = newest("parsed")
    script = task.get_script()
    assert (script["repository"], script["commit"], script["entry_point"]) == (None, None, "parsed.py")
    assert script["diff"] == (folder.root / "parsed.py").read_text()
    assert script["working_dir"] == "."
    packages = dict(line.split("==") for line in task.get_packages())
    assert packages["msgspec"] == __import__("importlib.metadata").metadata.version("msgspec")
    assert (task.status, task.task_type, task.project, task.get_progress()) == (
        "completed",
        "training",
        "Scripts",
        100,
    )
    assert console(task) == ["rate is 0.5"]
    assert folder.out == "rate is 0.5\n"


def test_a_script_in_git_is_recorded_with_its_repository_commit_and_what_was_not_committed(folder, repository):
    folder.run("project/scripts/train.py", cwd=repository / "scripts")
    committed = newest("train").get_script()
    assert (committed["repository"], committed["branch"]) == (str(repository), "main")
    assert committed["commit"] == git(repository, "rev-parse", "HEAD")
    assert (committed["working_dir"], committed["entry_point"]) == ("scripts", "train.py")
    assert committed["diff"] in {"", None}
    (repository / "helper.py").write_text("ANSWER = 42\n")
    folder.run("project/scripts/train.py", cwd=repository / "scripts")
    changed = newest("train")
    assert "-ANSWER = 41\n+ANSWER = 42" in changed.get_script()["diff"]
    assert changed.get_script()["commit"] == committed["commit"]


def test_a_task_of_a_repository_runs_again_from_its_commit_with_its_changes(folder, repository):
    """Whatever became of the working tree since."""
    (repository / "helper.py").write_text("ANSWER = 42\n")
    folder.run("project/scripts/train.py", cwd=repository / "scripts")
    clone = Task.clone(newest("train"), name="again")
    (repository / "helper.py").write_text("ANSWER = 43\n")
    git(repository, "commit", "-qam", "second")
    assert folder.execute(clone) == 0
    clone.reload()
    assert (clone.status, clone.artifacts["answer"].get()) == ("completed", 42)
    changed = [line for line in git(repository, "status", "--porcelain").splitlines() if "__pycache__" not in line]
    assert changed == []


@pytest.mark.parametrize("text", [PARSED, CLICKED])
def test_a_clone_runs_with_other_arguments_without_its_script_being_touched(folder, text):
    """Promises 9 and 37, for scripts: command lines are parameters, in their types, and the task's values win."""
    folder.run("script.py", text, "--rate", "0.5")
    task = next(one for one in Task.get_tasks(project_name="Scripts"))
    given = task.get_parameters()
    assert (given["Args/rate"], type(given["Args/rate"])) == (0.5, float)
    clone = Task.clone(task, name="other")
    clone.set_parameter("Args/rate", 0.75)
    (folder.root / "script.py").unlink()
    assert folder.execute(clone) == 0
    clone.reload()
    assert clone.status == "completed"
    before, seen = task.artifacts["seen"].get(), clone.artifacts["seen"].get()
    assert (before["rate"], seen) == (0.5, before | {"rate": 0.75})


def test_every_argument_of_a_parser_is_a_parameter_of_its_type(folder):
    folder.run("parsed.py", PARSED, "--names", "x", "y", "--flag")
    found = newest("parsed").get_parameters()
    assert {path: value for path, value in found.items() if path.startswith("Args/")} == {
        "Args/rate": 0.1,
        "Args/names": ["x", "y"],
        "Args/flag": True,
        "Args/path": None,
    }


def test_packages_that_a_script_asks_for_are_recorded_too(folder):
    folder.run(
        "parsed.py", "from penstock import Task\nTask.add_requirements('other', '>=1')\n" + textwrap.dedent(PARSED)
    )
    packages = newest("parsed").get_packages()
    assert packages[-1] == "other>=1"
    assert any(line.startswith("msgspec==") for line in packages)


# Drafts


def test_execute_remotely_leaves_a_draft_with_exit_code_0(folder):
    """What stands before it ran, what comes after it did not; the queue is noted."""
    folder.run("draft.py", DRAFT)
    task = newest("draft")
    assert (task.status, task.data.queue) == ("created", "gpu")
    assert task.artifacts == {}
    assert task.get_parameters()["General/deep/a"] == 1
    assert task.get_configuration_object_as_dict("net") == {"layers": [1]}
    assert folder.out == "before\n"
    assert f"task 'draft' is recorded as a draft: {task.id}" in folder.err


def test_a_draft_is_carried_out_with_the_values_that_it_has_by_then(folder):
    """Its own values win over those of the script; it goes on where the script stopped, as the same task."""
    folder.run("draft.py", DRAFT)
    task = newest("draft")
    task.set_parameter("General/rate", "0.9")
    task.set_parameter("General/new", 1)
    task.set_configuration_object("net", config_dict={"layers": [5, 6]})
    assert folder.execute(task) == 0
    task.reload()
    assert task.status == "completed"
    assert task.artifacts["seen"].get() == {
        "options": {"rate": 0.9, "deep": {"a": 1}, "new": 1},
        "config": {"layers": [5, 6]},
    }
    assert console(task) == ["before", "after 0.9"]
    assert "after 0.9" in folder.out
    assert folder.execute(task) == 1
    assert "is completed; only a draft can be carried out" in folder.err


def test_a_clone_can_be_the_draft_and_the_script_goes_on(folder):
    """`execute_remotely(clone=True, exit_process=False)`."""
    text = DRAFT.replace('queue_name="gpu"', "clone=True, exit_process=False")
    folder.run("draft.py", text + "    assert Task.current_task() is None\n")
    created, completed = Task.get_tasks(project_name="Scripts")
    assert (created.status, completed.status) == ("created", "completed")
    assert created.get_parameters() == completed.get_parameters()


def test_a_draft_that_fails_says_so(folder):
    folder.run("draft.py", DRAFT.replace("task.upload_artifact", "raise ValueError('no luck')\n    task.up"))
    task = newest("draft")
    assert folder.execute(task) == 1
    task.reload()
    assert (task.status, task.data.message.splitlines()[0]) == ("failed", "ValueError: no luck")


def test_a_task_that_ran_is_a_step_without_being_changed(folder, run, tmp_path, monkeypatch):
    """Promises 13 and 18, with a task that a person recorded by running its script."""
    from penstock import PipelineController

    folder.run("parsed.py", PARSED, "--rate", "0.5")
    task = newest("parsed")
    before = task.export_task(), console(task)
    monkeypatch.chdir(tmp_path)
    pipe = PipelineController("of scripts", "Tests")
    pipe.add_step("again", base_task_project="Scripts", base_task_name="parsed")
    pipe.add_step("other", task.id, parameter_override={"Args/rate": "${again.parameters.Args/rate}9"})
    assert run(pipe) == {"again": "completed", "other": "completed"}
    seen = {step: node.job.task.artifacts["seen"].get()["rate"] for step, node in pipe.get_pipeline_dag().items()}
    assert seen == {"again": 0.5, "other": 0.59}
    assert (newest("parsed").export_task(), console(task)) == before
    assert Path(folder.root / "parsed.py").exists()
