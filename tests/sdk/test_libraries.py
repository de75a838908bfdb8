"""What becomes of what libraries did: models of the task, points of its curves, its plots."""

from __future__ import annotations

import json
from pathlib import Path

import numpy
import pytest

from penstock import Task
from penstock.sdk.libraries import Libraries


@pytest.fixture
def task(home):
    return Task.create("P", "work", script=__file__, packages=[], force_single_script_file=True)


@pytest.fixture
def libraries(task):
    return Libraries(task.id)


def written(path, text="weights"):
    path.write_text(text)
    return str(path)


def test_a_file_that_is_saved_again_is_the_same_model_with_new_weights(task, libraries, tmp_path):
    file = written(tmp_path / "net.pt", "first")
    libraries.model_saved(file, "PyTorch")
    written(tmp_path / "net.pt", "second")
    libraries.model_saved(file, "PyTorch")
    (model,) = task.models["output"]
    assert (model.name, model.framework) == ("net", "PyTorch")
    assert Path(model.get_local_copy()).read_text() == "second"
    assert (tmp_path / "net.pt").exists()


def test_files_of_one_name_in_two_folders_are_two_models(task, libraries, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        libraries.model_saved(written(tmp_path / folder / "net.pt", folder), "PyTorch")
    assert len(task.models["output"]) == 2


def test_a_folder_is_a_model(task, libraries, tmp_path):
    (tmp_path / "net").mkdir()
    written(tmp_path / "net" / "part")
    libraries.model_saved(str(tmp_path / "net"), "Keras")
    (model,) = task.models["output"]
    assert model.name == "net"
    assert (tmp_path / "net" / "part").exists()


def test_what_is_loaded_is_an_input_once_and_what_was_saved_here_is_none(task, libraries, tmp_path):
    given, mine = written(tmp_path / "given.pt"), written(tmp_path / "mine.pt")
    libraries.model_saved(mine, "PyTorch")
    for path in (given, given, mine):
        libraries.model_loaded(path, "PyTorch")
    assert [model.name for model in task.models["input"]] == ["given"]
    assert task.models["input"][0].url == (tmp_path / "given.pt").as_uri()


def test_curves_pictures_and_texts_are_reported(task, libraries):
    libraries.scalar("loss", "train", 0.5, 3)
    libraries.histogram("weights", "layer", [1, 2], [0.0, 0.5, 1.0], 1)
    libraries.image("seen", "first", numpy.zeros((2, 2, 3), dtype="uint8"), 1)
    libraries.text("notes", "first", "all is well", 2)
    task.flush()
    assert task.get_reported_scalars()["loss"]["train"] == {"name": "train", "x": [3], "y": [0.5]}
    plots = {plot["metric"]: plot for plot in task.get_reported_plots()}
    assert json.loads(plots["weights"]["plot_str"])["data"][0]["x"] == ["0 to 0.5", "0.5 to 1"]
    assert plots["seen"]["variant"] == "first"
    assert task.get_reported_console_output() == ["notes / first (2): all is well"]


def test_a_figure_is_reported(task, libraries):
    from matplotlib.figure import Figure

    figure = Figure()
    figure.subplots().plot([1, 2])
    libraries.figure("growth", "all", figure, 4)
    task.flush()
    (plot,) = task.get_reported_plots()
    assert (plot["metric"], plot["variant"], plot["iter"]) == ("growth", "all", 4)


def test_parameters_keep_their_types_and_others_are_texts(task, libraries):
    libraries.parameters({"rate": 0.5, "names": ["a"], "none": None, "odd": {1}})
    assert task.get_parameters() == {
        "General/rate": 0.5,
        "General/names": ["a"],
        "General/none": None,
        "General/odd": "{1}",
    }
