"""When an earlier execution stands for a step of a recorded task, and what is said when none does. Promise 23."""

from __future__ import annotations

import subprocess

import pytest

from penstock import PipelineController, Task
from penstock.ops.tasks import ListTasks
from penstock.sdk import session

WORK = """
    import random

    import some_package
    from penstock import Task

    task = Task.init()
    given = task.connect({"x": 1, "source": ""})
    task.connect_configuration({"rate": 0.1}, name="config")
    task.upload_artifact("drawn", random.random())
    task.upload_artifact("same", [given["x"]])
"""


class Work:
    """A pipeline of recorded tasks that runs again and again, each time with something else about it."""

    def __init__(self, record, run, reasons):
        self.record, self._run, self._reasons = record, run, reasons
        self.pipe = None

    def run(self, base, cache=True, **given):
        """Run it and return how the step of the task ended."""
        self.pipe = PipelineController("cached", "Tests")
        self.pipe.add_step("work", base.id, cache_executed_step=cache, **given)
        return self._run(self.pipe)["work"]

    def task(self):
        return Task.get_task(self.pipe.get_pipeline_dag()["work"].task_id)

    @property
    def why(self):
        return " ".join(self._reasons(self.pipe, "work"))


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Return what installs a version of the package that the script imports."""
    folder = tmp_path / "packages"
    monkeypatch.syspath_prepend(str(folder))

    def install(version):
        facts = folder / f"some_package-{version}.dist-info"
        for old in folder.glob("*.dist-info"):
            old.rename(facts)
        facts.mkdir(parents=True, exist_ok=True)
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: some-package\nVersion: {version}\n")
        (facts / "RECORD").write_text("some_package.py,,\n")
        (facts / "top_level.txt").write_text("some_package\n")
        (folder / "some_package.py").write_text("VALUE = 1\n")

    install("1.0")
    return install


@pytest.fixture
def work(packages, record, run, reasons, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Work(record, run, reasons)


def test_an_equal_step_is_not_run_again_and_has_the_outputs_of_the_first(work):
    """No process is started; the outputs are identical; the reason names the run."""
    base = work.record("work", WORK)
    assert work.run(base) == "completed"
    first = work.task()
    assert work.run(base) == "cached"
    again = work.task()
    assert again.artifacts["drawn"].get() == first.artifacts["drawn"].get()
    assert again.artifacts["drawn"].hash == first.artifacts["drawn"].hash
    assert work.pipe.get_pipeline_dag()["work"].job.is_cached_task()
    assert "its code, arguments, inputs and packages are those of" in work.why
    assert work.pipe.task.status == "completed"


def test_what_does_not_decide_what_it_makes_does_not_count(work):
    """Another id, name, comment and tag of the base, another name of the step's task, another queue."""
    assert work.run(work.record("work", WORK)) == "completed"
    other = work.record("work", WORK, project="Elsewhere")
    other.set_name("another name")
    other.set_comment("other")
    other.add_tags("x")
    assert work.run(other, task_overrides={"name": "renamed"}, execution_queue="fast") == "cached"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"parameter_override": {"General/x": 2}}, "General/x"),
        ({"parameter_override": {"General/more": 1}}, "General/more"),
        ({"configuration_overrides": {"config": {"rate": 0.2}}}, "config"),
        ({"task_overrides": {"script.diff": WORK.replace("    ", "") + "print(1)\n"}}, "the script changed"),
        ({"task_overrides": {"container.image": "python:3.12"}}, "container"),
    ],
)
def test_what_is_overridden_makes_it_run_and_is_named(work, given, said):
    """Parameters, configurations, the script's text, the container."""
    base = work.record("work", WORK)
    assert work.run(base) == "completed"
    assert work.run(base, **given) == "completed"
    assert said in work.why
    assert work.run(base, **given) == "cached"
    assert work.run(base) == "cached"


def test_an_override_with_the_value_that_it_has_anyway_changes_nothing(work):
    base = work.record("work", WORK)
    base.set_parameter("General/x", 1)
    assert work.run(base) == "completed"
    assert work.run(base, parameter_override={"General/x": 1}) == "cached"
    assert work.run(base, parameter_override={"General/x": "${pipeline.id}"}) == "completed"
    assert "General/x" in work.why


def test_what_was_edited_at_the_base_makes_it_run_and_is_named(work):
    base = work.record("work", WORK)
    assert work.run(base) == "completed"
    base.set_parameter("General/x", 3)
    assert work.run(base) == "completed"
    assert "General/x" in work.why
    base.set_configuration_object("config", "rate: 0.3")
    assert work.run(base) == "completed"
    assert "config" in work.why


def test_another_version_of_a_package_makes_it_run_and_is_named(work, packages):
    base = work.record("work", WORK)
    assert work.run(base) == "completed"
    packages("2.0")
    assert work.run(base) == "completed"
    assert "some-package" in work.why
    assert "2.0" in work.why


def git(folder, *arguments):
    said = subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return said.stdout.strip()


def test_another_commit_or_another_change_since_makes_it_run_and_is_named(work, tmp_path):
    """A script in a repository: its commit, and what was not committed."""
    folder = tmp_path / "repository"
    folder.mkdir()
    file = folder / "work.py"
    file.write_text("from penstock import Task\ntask = Task.init()\ntask.upload_artifact('x', 1)\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")

    def recorded():
        return Task.create("Base", "work", script=str(file), packages=[])

    first = recorded()
    assert first.get_script()["commit"] == git(folder, "rev-parse", "HEAD")
    assert work.run(first) == "completed"
    assert work.run(recorded()) == "cached"
    file.write_text(file.read_text().replace("1)", "2)"))
    changed = recorded()
    assert work.run(changed) == "completed"
    assert "script.diff" in work.why
    assert work.task().artifacts["x"].get() == 2
    git(folder, "commit", "-qam", "second")
    committed = recorded()
    assert work.run(committed) == "completed"
    assert f"the commit is {committed.get_script()['commit']}, was {first.get_script()['commit']}" in work.why
    assert (work.run(first), work.run(changed), work.run(committed)) == ("cached", "cached", "cached")
    assert work.task().artifacts["x"].get() == 2


def test_neither_archived_nor_failed_executions_are_reused(work):
    base = work.record("work", WORK)
    assert work.run(base) == "completed"
    done = work.pipe.task
    done.set_archived(archive=True)
    assert work.run(base) == "completed"
    assert "archived" in work.why
    work.pipe.task.set_archived(archive=True)
    done.set_archived(archive=False)
    assert work.run(base) == "cached"
    failing = work.record("fail", "from penstock import Task\nTask.init()\nraise ValueError\n")
    assert (work.run(failing), work.run(failing)) == ("failed", "failed")


def test_a_task_that_does_not_ask_for_it_runs_and_can_stand_for_others(work):
    base = work.record("work", WORK)
    assert (work.run(base, cache=False), work.run(base, cache=False)) == ("completed", "completed")
    assert work.run(base) == "cached"


def load(count):
    return list(range(count))


def test_inputs_count_by_their_content_and_ids_by_what_they_were_reused_from(work, run, reasons):
    """A whole chain is reused; when its first step makes something else, so does what comes after."""
    base = work.record("work", WORK)

    def chain(count):
        pipe = PipelineController("chain", "Tests")
        pipe.add_function_step("load", load, {"count": count}, ["rows"], cache_executed_step=True)
        given = {"General/source": "${load.artifacts.rows.url}", "General/by": "${load.id}"}
        pipe.add_step("work", base.id, cache_executed_step=True, parameter_override=given)
        return pipe, list(run(pipe).values())

    assert chain(3)[1] == ["completed", "completed"]
    assert chain(3)[1] == ["cached", "cached"]
    pipe, statuses = chain(4)
    assert statuses == ["completed", "completed"]
    assert "General/source" in " ".join(reasons(pipe, "work"))
    assert len(session.backend().call(ListTasks(run=pipe.id))) == 2
