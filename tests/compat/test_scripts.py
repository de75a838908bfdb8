"""Scripts that were written for ClearML run unchanged, by the command line, without any server.

What they recorded is read through our own API.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from penstock import Dataset, Model, PipelineController, Task

SCRIPTS = Path(__file__).parent / "scripts"
COMMANDS = {"option": ("penstock", "run", "--plain", "--as-clearml"), "module": ("penstock.compat",)}


@pytest.fixture
def run(home):
    """Runs a script to its end and returns what it and its steps printed."""

    def running(name, *arguments, command="option", code=0):
        behind = ("--", *arguments) if arguments and command == "option" else arguments
        whole = [sys.executable, "-m", *COMMANDS[command], str(SCRIPTS / f"{name}.py"), *behind]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
        done = subprocess.run(whole, env=clean, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    return running


def recorded(name, project="Compat"):
    found = Task.get_task(project_name=project, task_name=name)
    assert found is not None
    return found


def steps_of(name):
    pipe = PipelineController.get(pipeline_project="Compat", pipeline_name=name)
    attempts = Task.get_tasks(task_filter={"parent": pipe.id})  # the newest first
    return pipe, {one.name: one for one in reversed(attempts)}


def test_a_pipeline_of_functions(run):
    out = run("pipeline_of_functions")
    pipe, steps = steps_of("functions")
    assert (pipe.version, pipe.task.status, "pipeline done True" in out) == ("1.2.0", "completed", True)
    assert pipe.task.get_parameters()["Args/count"] == 4
    assert set(steps) == {"make", "scale"}
    assert steps["make"].get_tags() == ["seen"]
    numbers = steps["make"].artifacts["numbers"].get()
    assert pipe.task.artifacts["scaled"].get() == [10 * one for one in numbers]
    assert steps["scale"].get_parameters()["return/largest"] == 10 * max(numbers)


def test_a_pipeline_of_recorded_tasks(run):
    run("pipeline_of_tasks")
    pipe, steps = steps_of("tasks")
    assert pipe.task.status == "completed"
    first, second = steps["first"].get_parameters(), steps["second"].get_parameters()
    assert (first["General/rate"], first["General/name"]) == (0.25, "plain")
    assert (second["General/rate"], second["General/name"]) == (0.25, f"after {steps['first'].id}")
    assert steps["second"].get_reported_single_values() == {"rate": 0.25}


def test_a_pipeline_in_decorators(run):
    out = run("pipeline_decorators")
    pipe, steps = steps_of("decorated")
    assert ("best 20" in out, "pipeline done" in out) == (True, True)
    assert (pipe.version, pipe.task.status, pipe.task.get_parameters()["Args/goal"]) == ("0.3", "completed", 15)
    assert set(steps) == {"load", "train", "train_1", "choose"}
    assert (steps["load"].get_tags(), steps["load"].task_type) == (["loads"], "data_processing")
    assert steps["choose"].artifacts["best"].get() == {"best": 20}


def test_callbacks_monitors_and_retries_of_a_pipeline(run):
    run("pipeline_callbacks")
    pipe, steps = steps_of("callbacks")
    assert steps["flaky"].get_parameters()["return/result"] == "done"
    assert pipe.task.get_reported_scalars()["test"]["loss"]["y"] == [5, 4, 3, 2, 1]
    assert pipe.task.artifacts["from the step"].get() == {"tries": 2}
    assert pipe.task.get_user_properties(value_only=True) == {"seen": "[('flaky', 'completed')]"}


def test_what_a_task_says_of_itself(run):
    assert "running locally: True" in run("task_life")
    task, copy = recorded("life", "Compat/Life"), recorded("a copy", "Compat/Copies")
    assert (task.status, task.task_type, task.comment) == ("completed", "data_processing", "a life")
    assert (task.get_tags(), task.get_progress()) == (["first", "second"], 40)
    assert task.get_user_properties(value_only=True) == {"owner": "ada", "stars": 5}
    assert (copy.status, copy.parent, copy.get_parameters()["General/rate"]) == ("created", task.id, 0.5)
    failed = recorded("failing", "Compat/Life")
    assert (failed.status, failed.get_status_message()) == ("failed", "it was told to")


def test_a_script_that_leaves_its_task_for_others_is_carried_out_with_the_same_names(run, home):
    run("remote")
    task = recorded("remote")
    assert (task.status, task.data.script.stands_for) == ("created", "clearml")
    task.set_parameter("General/n", 7)
    done = subprocess.run(
        [sys.executable, "-m", "penstock", "execute", task.id], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert recorded("remote").artifacts["square"].get() == 49


def test_scalars_and_text(run):
    run("logger_scalars")
    task = recorded("scalars")
    curves = task.get_reported_scalars()
    assert curves["loss"]["train"]["y"] == [1.0 / (number + 1) for number in range(20)]
    assert len(curves["loss"]["test"]["x"]) == 20
    assert task.get_reported_single_values() == {"accuracy": 0.93}
    printed = "\n".join(task.get_reported_console_output(100))
    assert "a line of text" in printed
    assert "a printed line" in printed


def test_plots(run):
    run("logger_plots")
    plots = recorded("plots").get_reported_plots()
    titles = {one["metric"] for one in plots}
    assert titles >= {"table", "histogram", "scatter", "confusion", "surface", "lines", "image", "matplotlib"}


def test_models_that_a_task_makes_and_another_uses(run):
    run("output_models")
    run("input_models")
    maker, user = recorded("makes models"), recorded("uses models")
    made = maker.models["output"][-1]
    assert (made.name, made.framework, made.published, made.tags) == ("classifier", "custom", True, ["good"])
    assert made.labels == {"cat": 0, "dog": 1}
    assert made.config_dict == {"layers": [8, 4]}
    assert Model(made.id).get_metadata("epochs") == "7"
    assert user.models["input"]["starting point"].id == made.id
    assert user.get_reported_single_values() == {"sum": 6}


def test_artifacts(run):
    run("artifacts")
    found = recorded("artifacts").artifacts
    assert set(found) == {"frame", "array", "facts", "one file", "folder", "growing"}
    assert found["array"].get().tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found["frame"].metadata["rows"] == "2"
    assert found["growing"].get()["x"].tolist() == [0, 1]


def test_configurations(run):
    assert "layers 2" in run("configurations")
    task = recorded("configured")
    assert task.get_configuration_object_as_dict("settings") == {"depth": 3, "nested": {"on": True}}
    assert task.get_configuration_object("notes") == "free = text"
    assert '"layers": 2' in task.get_configuration_object("model file")


def test_a_connected_dict(run):
    assert "rate 0.1 name plain" in run("hyperparameters_dict")
    found = recorded("dict").get_parameters()
    assert found["General/layers"] == [8, 8]
    assert (found["General/deep/on"], found["General/added"]) == (True, 1)


def test_connected_objects_and_single_parameters(run):
    assert "folder /data" in run("hyperparameters_objects")
    found = recorded("objects").get_parameters()
    assert (found["training/epochs"], found["training/rate"], found["data/folder"]) == (3, 0.5, "/data")
    assert (found["extra/seed"], found["extra/workers"]) == (42, 2)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_line(run, command):
    assert "epochs 5 fast True" in run("command_line", "--epochs", "5", "--fast", command=command)
    found = recorded("command line").get_parameters()
    assert (found["Args/epochs"], found["Args/rate"], found["Args/fast"]) == (5, 0.1, True)


def test_files_behind_urls(run):
    run("storage")
    assert recorded("storage").artifacts["copied"].get() == "content!"


def test_data_sets(run):
    assert "files ['a.csv']" in run("datasets")
    task = recorded("uses data")
    second = Dataset.get(dataset_project="Compat", dataset_name="numbers")
    assert (second.version, second.list_modified_files(), second.list_removed_files()) == (
        "1.0.1",
        ["a.csv"],
        ["b.csv"],
    )
    assert task.artifacts["sum"].get() == 11
    assert task.get_parameters()["Datasets/training"] == second.id
    assert Dataset.get(dataset_id=second.get_dependency_graph()[second.id][0]).tags == ["raw"]


def test_a_step_of_a_draft_of_a_pipeline_sees_the_same_names(run, home):
    """A run that is carried out from its record, as agents do it."""
    run("pipeline_of_functions")
    pipe, _ = steps_of("functions")
    again = PipelineController.clone(pipe.id)
    done = subprocess.run(
        [sys.executable, "-m", "penstock", "execute", "--plain", again.id], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert again.task.get_status() == "completed"


def test_there_is_a_script_for_every_test_and_a_test_for_every_script():
    used = Path(__file__).read_text("utf-8")
    assert [one.stem for one in SCRIPTS.glob("*.py") if f'run("{one.stem}"' not in used] == []
    assert len(list(SCRIPTS.glob("*.py"))) >= 12
