"""What a task left, as it is read back: artifacts, models, scalars, plots, console."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from penstock import PipelineController, Task
from penstock.core.errors import Invalid


@pytest.fixture
def task(home):
    return Task.create("P", "work", script=__file__, packages=[], force_single_script_file=True)


def test_artifacts_and_models_of_any_task(task, tmp_path):
    (tmp_path / "w.bin").write_bytes(b"w")
    assert task.upload_artifact("x", {"a": 1}, metadata={"rows": 3}, preview=["one row"])
    model = task.upload_model("net", str(tmp_path / "w.bin"))
    found = task.artifacts["x"]
    assert (found.get(), found.metadata["rows"], found.preview) == ({"a": 1}, "3", "['one row']")
    assert [one.id for one in task.models["output"]] == [model.id]
    assert task.models["input"] == []


@pytest.mark.parametrize("of_run", [False, True])
def test_a_file_is_removed_once_it_is_stored_where_that_is_asked(home, task, tmp_path, of_run):
    to = PipelineController("flow", "Tests") if of_run else task
    for name in ("kept", "gone"):
        (tmp_path / name).write_text(name)
        to.upload_artifact(name, str(tmp_path / name), delete_after_upload=name == "gone")
    to.upload_artifact("text", "no file at all", delete_after_upload=True)
    assert [(tmp_path / name).exists() for name in ("kept", "gone")] == [True, False]
    found = task.artifacts if not of_run else to.task.artifacts
    assert Path(found["gone"].get()).read_text() == "gone"


def test_scalars_are_read_as_points_and_as_extremes(task):
    logger = task.get_logger()
    for iteration, value in enumerate([3.0, 1.0, 2.0]):
        logger.report_scalar("loss", "train", value, iteration)
    logger.report_single_value("accuracy", 0.5)
    assert task.flush()
    assert task.get_reported_scalars()["loss"] == {"train": {"name": "train", "x": [0, 1, 2], "y": [3.0, 1.0, 2.0]}}
    assert task.get_last_scalar_metrics()["loss"]["train"] == {"last": 2.0, "min": 1.0, "max": 3.0}
    assert task.get_reported_single_values() == {"accuracy": 0.5}
    assert (task.get_reported_single_value("accuracy"), task.get_reported_single_value("x")) == (0.5, None)
    assert task.get_last_iteration() == 2


def test_what_reported_nothing_has_nothing(task):
    assert (task.get_reported_scalars(), task.get_last_scalar_metrics(), task.get_last_iteration()) == ({}, {}, 0)
    assert (task.get_reported_plots(), task.get_reported_console_output(), task.artifacts) == ([], [], {})


def test_plots_are_read_as_json(task):
    task.get_logger().report_histogram("sizes", "all", [1, 2], iteration=4)
    task.flush()
    (plot,) = task.get_reported_plots()
    assert (plot["metric"], plot["variant"], plot["iter"]) == ("sizes", "all", 4)
    assert json.loads(plot["plot_str"])["data"]


def test_the_console_is_read_from_its_end(task):
    for text in ("one", "two", "three"):
        task.get_logger().report_text(text, print_console=False)
        task.flush()
    assert task.get_reported_console_output(2) == ["two", "three"]
    assert task.get_reported_console_output() == ["three"]
    assert task.get_reported_console_output(9) == ["one", "two", "three"]
    assert task.get_reported_console_output(0) == []


def test_points_are_read_along_the_axis_that_is_asked_for_and_thinned_out(task):
    logger = task.get_logger()
    for number in range(100):
        logger.report_scalar("loss", "train", 50.0 if number == 40 else number / 100, number)
    logger.flush()
    every = task.get_reported_scalars()["loss"]["train"]
    assert (every["name"], every["x"], len(every["y"])) == ("train", list(range(100)), 100)
    some = task.get_reported_scalars(max_samples=10)["loss"]["train"]
    assert len(some["x"]) <= 10
    assert {0, 40, 99} <= set(some["x"])
    at = task.get_reported_scalars(x_axis="timestamp")["loss"]["train"]["x"]
    assert at == sorted(at)
    assert all(isinstance(one, int) and one > 1.7e12 for one in at)
    assert task.get_reported_scalars(x_axis="iso_time")["loss"]["train"]["x"][0].endswith("+00:00")
    with pytest.raises(Invalid, match="x_axis 'time'"):
        task.get_reported_scalars(x_axis="time")
