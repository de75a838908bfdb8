"""Drafts from scripts that have not run."""

from __future__ import annotations

import subprocess

import pytest

from penstock import PipelineController, Task
from penstock.core.errors import Invalid, NotFound
from penstock.core.task import ScriptKind


def git(folder, *words):
    identity = ("-c", "user.name=ada", "-c", "user.email=ada@host")
    return subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def folder(home, tmp_path, monkeypatch):
    folder = tmp_path / "outside"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "train.py").write_text("import numpy\nprint('trained')\n")
    return folder


@pytest.fixture
def repository(home, tmp_path):
    root = tmp_path / "repo"
    (root / "src" / "parts").mkdir(parents=True)
    (root / "src" / "train.py").write_text("from parts import inner\nprint(inner.WORD)\n")
    (root / "src" / "parts" / "__init__.py").write_text("")
    (root / "src" / "parts" / "inner.py").write_text("WORD = 'inner'\nif __name__ == '__main__':\n    print('ran')\n")
    git(root, "init", "-q", "-b", "main")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "first")
    return root


def carried_out(task):
    pipe = PipelineController("flow", "Tests")
    pipe.add_step("a", base_task_id=task.id)
    pipe.start_locally(run_pipeline_steps_locally=True)
    return Task.get_task(pipe.get_pipeline_dag()["a"].task_id)


def printed(task):
    return "\n".join(task.get_reported_console_output(100)).splitlines()


def test_a_script_outside_of_a_repository_is_recorded_as_its_text(folder):
    task = Task.create("P", "made", script="train.py", task_type="testing")
    assert (task.name, task.project, task.task_type, task.status) == ("made", "P", "testing", "created")
    assert task.data.script.source == "import numpy\nprint('trained')\n"
    assert task.get_script()["entry_point"] == "train.py"
    assert [line.partition("==")[0] for line in task.get_packages()] == ["numpy"]
    done = carried_out(task)
    assert (done.status, printed(done)) == ("completed", ["trained"])


def test_a_script_of_a_local_repository_is_recorded_as_its_commit(repository):
    (repository / "src" / "train.py").write_text("print('changed')\n")
    task = Task.create(script="src/train.py", repo=str(repository), packages=[])
    script = task.get_script()
    assert script["commit"] == git(repository, "rev-parse", "HEAD").strip()
    assert (script["branch"], "+print('changed')" in script["diff"]) == ("main", True)
    assert (task.name, task.project) == ("train", "Untitled")
    done = carried_out(task)
    assert (done.status, printed(done)) == ("completed", ["changed"]), done.get_status_message()


@pytest.mark.parametrize("called_in", ["..", ".", "src"])
def test_a_working_directory_is_where_the_script_runs(repository, monkeypatch, called_in):
    monkeypatch.chdir(repository / called_in)
    (repository / "src" / "train.py").write_text("import os\nprint(os.path.basename(os.getcwd()))\n")
    task = Task.create(script="src/train.py", repo=str(repository), working_directory="src", packages=[])
    assert (task.get_script()["working_dir"], task.get_script()["entry_point"]) == ("src", "train.py")
    done = carried_out(task)
    assert printed(done) == ["src"], done.get_status_message()


def test_a_certain_commit_is_without_what_was_changed_since(repository):
    first = git(repository, "rev-parse", "HEAD").strip()
    (repository / "src" / "train.py").write_text("print('changed')\n")
    task = Task.create(script="src/train.py", repo=str(repository), commit=first, packages=[])
    assert (task.get_script()["commit"], task.data.script.diff) == (first, "")
    assert printed(carried_out(task)) == ["inner"]


@pytest.mark.parametrize("alone", [{"force_single_script_file": True}, {"detect_repository": False}])
def test_only_the_text_of_a_script_is_recorded_where_that_is_wished(repository, alone):
    task = Task.create(script=str(repository / "src" / "train.py"), packages=[], **alone)
    assert (task.get_script()["repository"], task.data.script.source) == (
        None,
        "from parts import inner\nprint(inner.WORD)\n",
    )


def test_a_module_runs_in_its_repository(repository):
    task = Task.create(module="-m parts.inner", repo=str(repository), working_directory="src", packages=[])
    script = task.data.script
    assert (script.kind, script.entry_point, script.working_dir) == (ScriptKind.MODULE, "-m parts.inner", "src")
    done = carried_out(task)
    assert (done.status, printed(done)) == ("completed", ["ran"]), done.get_status_message()


def test_a_module_that_is_not_there_is_refused(repository, folder):
    with pytest.raises(Invalid, match=r"no module 'parts\.none'"):
        Task.create(module="parts.none", repo=str(repository), working_directory="src")
    with pytest.raises(Invalid, match="needs a repository"):
        Task.create(module="train")


def test_what_is_behind_a_url_is_recorded_as_it_is_said(home):
    task = Task.create(
        script="src/train.py",
        repo="https://host/r.git",
        branch="dev",
        commit="c" * 40,
        working_directory="src",
        binary="/usr/bin/python3.12",
        docker="python",
        docker_args="--rm",
        argparse_args=[("--rate", 0.5), ("count", "3")],
    )
    assert task.get_script() == {
        "repository": "https://host/r.git",
        "branch": "dev",
        "commit": "c" * 40,
        "diff": "",
        "working_dir": "src",
        "entry_point": "train.py",
        "binary": "python3.12",
    }
    assert task.get_base_docker() == "python --rm"
    assert task.get_parameters() == {"Args/rate": 0.5, "Args/count": "3"}
    assert task.data.script.packages is None
    assert Task.create(module="a.b", repo="https://host/r.git").data.script.entry_point == "-m a.b"


def test_packages_are_given_or_read_from_a_file(folder):
    (folder / "needs.txt").write_text("torch==2.0\n")
    assert Task.create(script="train.py", packages=["numpy==1"]).get_packages() == ["numpy==1"]
    assert Task.create(script="train.py", requirements_file="needs.txt").get_packages() == ["torch==2.0"]
    assert Task.create(script="train.py", packages=False).get_packages() == []


def test_a_base_gives_what_is_not_given_here(folder):
    base = Task.create(
        "P", "base", script="train.py", packages=["numpy==1"], docker="python", argparse_args=[("x", 1), ("y", 2)]
    )
    same = Task.create(base_task_id=base.id)
    assert (same.project, same.data.script, same.get_base_docker()) == ("P", base.data.script, "python")
    assert (same.parent, same.get_parameters()) == (base.id, {"Args/x": 1, "Args/y": 2})
    other = Task.create(
        "Q", "other", base_task_id=base.id, packages=["torch"], docker="cuda", argparse_args=[("y", 3)], task_type="qc"
    )
    assert (other.name, other.project, other.task_type, other.get_base_docker()) == ("other", "Q", "qc", "cuda")
    assert (other.get_packages(), other.data.script.source) == (["torch"], base.data.script.source)
    assert other.get_parameters() == {"Args/x": 1, "Args/y": 3}
    moved = Task.create(base_task_id=base.id, repo="https://host/r.git", branch="dev")
    assert (moved.get_script()["repository"], moved.get_script()["branch"]) == ("https://host/r.git", "dev")
    with pytest.raises(NotFound):
        Task.create(base_task_id="f" * 32)


def test_what_says_nothing_to_run_makes_nothing(folder):
    with pytest.raises(Invalid, match="nothing says what to run"):
        Task.create("P", "made")
    with pytest.raises(Invalid, match="no script"):
        Task.create("P", "made", script="none.py")
    assert Task.get_tasks() == []
