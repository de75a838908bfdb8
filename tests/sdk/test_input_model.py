"""`InputModel`: found, imported or empty, and given to a task."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from penstock import PipelineController
from penstock.core.errors import Conflict, Invalid, NotFound
from penstock.run import current
from penstock.run.reporter import Reporter
from penstock.sdk import input_model, session
from penstock.sdk.input_model import InputModel
from penstock.sdk.models import Model
from penstock.sdk.output_model import OutputModel

URL = "s3://bucket/base.pt"


@pytest.fixture
def pipe(home, monkeypatch):
    monkeypatch.setattr(input_model, "_connected", set())
    return PipelineController("flow", "Tests")


def inputs(task):
    return [(one.name, one.id) for one in task.models.input]


def work_as_step(task):
    """Let this process be that of a step, as far as it can tell."""
    backend = session.backend()
    current.put(current.Current(task, "a run", backend, Reporter(backend, task), "unused", assigned=True))


def test_what_is_imported_is_recorded_as_it_was_said(pipe):
    model = InputModel.import_model(
        URL, config_dict={"a": 1}, label_enumeration={"cat": 1}, name="base", project="Zoo", tags=["t"], comment="c",
        framework="f", create_as_published=True,
    )  # fmt: skip
    found = Model(model.id)
    assert (found.url, found.name, found.project, found.task) == (URL, "base", "Zoo", "")
    assert (found.config_dict, found.labels, found.tags) == ({"a": 1}, {"cat": 1}, ["t"])
    assert (found.comment, found.framework, found.published, found.hash) == ("c", "f", True, "")
    assert pipe.task.models.output == pipe.task.models.input == []


def test_what_is_not_said_comes_from_the_url_and_the_task(pipe):
    model = InputModel.import_model(URL)
    assert (model.name, model.framework, model.project, model.published) == (
        "base.pt", "PyTorch", pipe.task.project, False,
    )  # fmt: skip


def test_without_a_task_a_model_is_imported_all_the_same(home):
    assert InputModel.import_model(URL).project == ""


def test_a_url_that_is_known_is_the_model_that_is_known(home, caplog):
    first = InputModel.import_model(URL, name="base")
    with caplog.at_level(logging.WARNING, "penstock"):
        again = InputModel.import_model(URL, name="other", tags=["x"])
    assert (again.id, again.name, again.tags) == (first.id, "base", [])
    assert f"model {first.id} is recorded with {URL} already" in caplog.text
    assert isinstance(again, InputModel)


def test_a_file_of_this_machine_is_imported_where_it_lies(home, tmp_path):
    (tmp_path / "base.pt").write_text("weights")
    model = InputModel.import_model(str(tmp_path / "base.pt"))
    assert model.get_local_copy() == str(tmp_path / "base.pt")
    with pytest.raises(Invalid, match="there is no file"):
        InputModel.import_model(str(tmp_path / "nothing"))


def test_a_url_is_loaded_where_a_model_has_it(home):
    assert InputModel.load_model(URL) is None
    model = InputModel.import_model(URL)
    assert InputModel.load_model(URL).id == model.id
    model.archive()
    assert InputModel.load_model(URL) is None
    assert InputModel.load_model(URL, load_archived=True).id == model.id


def test_a_model_is_found_by_id_or_is_the_newest_of_what_is_asked(pipe, tmp_path):
    (tmp_path / "w").write_text("w")
    models = []
    for tags in (["a"], ["a"], ["b"]):
        models.append(OutputModel(name="net", tags=tags))
        models[-1].update_weights(str(tmp_path / "w"), auto_delete_file=False)
    first, second, third = models
    assert InputModel(first.id).id == first.id
    assert InputModel(name="net").id == third.id
    assert InputModel(name="net", project=pipe.task.project, tags=["a"]).id == second.id
    first.publish()
    assert InputModel(only_published=True).id == first.id
    with pytest.raises(NotFound, match=r"no model with name 'net', tags \['c'\], only_published True"):
        InputModel(name="net", tags=["c"], only_published=True)
    with pytest.raises(NotFound, match="no model x"):
        InputModel("x")


def test_a_model_becomes_an_input_of_a_task(pipe):
    model = InputModel.import_model(URL, name="base")
    model.connect(pipe.task)
    model.connect(pipe.task, name="teacher")
    assert inputs(pipe.task) == [("base", model.id), ("teacher", model.id)]


def test_the_last_of_a_name_that_a_script_connects_is_used(pipe):
    first, second = InputModel.import_model(URL, name="a"), InputModel.import_model(f"{URL}2", name="b")
    for model in (first, second):
        model.connect(pipe.task, name="start")
    assert inputs(pipe.task) == [("start", second.id)]
    assert second.name == "b"


def test_a_task_that_was_launched_with_another_model_of_the_name_uses_that_one(pipe):
    own, given = InputModel.import_model(URL, name="own"), InputModel.import_model(f"{URL}2", name="given")
    given.connect(pipe.task, name="start")
    work_as_step(pipe.id)
    own.connect(pipe.task, name="start")
    assert (own.id, own.url) == (given.id, f"{URL}2")
    assert inputs(pipe.task) == [("start", given.id)]
    other = InputModel.load_model(URL)
    other.connect(pipe.task, name="other")
    assert inputs(pipe.task) == [("start", given.id), ("other", other.id)]


def test_a_task_may_insist_on_its_own_model(pipe):
    own, given = InputModel.import_model(URL, name="own"), InputModel.import_model(f"{URL}2", name="given")
    given.connect(pipe.task, name="start")
    work_as_step(pipe.id)
    before = own.id
    own.connect(pipe.task, name="start", ignore_remote_overrides=True)
    assert inputs(pipe.task) == [("start", before)]
    assert own.id == before


def test_what_this_process_connected_itself_is_not_what_it_was_launched_with(pipe):
    first, second = InputModel.import_model(URL, name="a"), InputModel.import_model(f"{URL}2", name="b")
    before = second.id
    work_as_step(pipe.id)
    for model in (first, second):
        model.connect(pipe.task, name="start")
    assert inputs(pipe.task) == [("start", before)]
    assert second.id == before


def test_an_empty_model_is_filled_by_what_the_task_was_launched_with(pipe):
    empty = InputModel.empty(config_text="x", label_enumeration={"a": 1})
    assert (empty.design, empty.labels, empty.url, empty.id) == ("x", {"a": 1}, "", "")
    empty.connect(pipe.task, name="start")
    assert inputs(pipe.task) == []
    given = InputModel.import_model(URL, name="given")
    given.connect(pipe.task, name="start")
    work_as_step(pipe.id)
    empty.connect(pipe.task, name="start")
    assert empty.id == given.id


def test_an_imported_model_is_published_and_then_stays_as_it_is(home):
    model = InputModel.import_model(URL)
    model.publish()
    with pytest.raises(Conflict, match="is published"):
        model.set_metadata("a", 1)
    model.tags = ["prod"]
    assert InputModel(model.id).tags == ["prod"]


def test_a_package_elsewhere_comes_back_unpacked(home, monkeypatch):
    asked = []

    class Storage:
        @staticmethod
        def get_local_copy(url, *, extract_archive, force_download):
            asked.append((url, extract_archive, force_download))
            return "/somewhere"

    module = type(sys)("penstock.sdk.storage")
    module.StorageManager = Storage
    monkeypatch.setitem(sys.modules, "penstock.sdk.storage", module)
    model = InputModel.import_model("s3://bucket/net.zip", is_package=True)
    assert Path(model.get_local_copy()) == Path("/somewhere")
    model.get_local_copy(extract_archive=False, force_download=True)
    assert asked == [("s3://bucket/net.zip", True, False), ("s3://bucket/net.zip", False, True)]
