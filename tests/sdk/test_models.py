"""`Model`: found by id or query, described, copied, published, archived, removed; and the models of a task."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from penstock import PipelineController
from penstock.core import outputs
from penstock.core.errors import Conflict, Damaged, Invalid, NotFound
from penstock.ops.models import AddModel, LinkModel
from penstock.sdk import session
from penstock.sdk.models import Model, ModelList, of_task


@pytest.fixture
def pipe(home):
    return PipelineController("flow", "Tests")


@pytest.fixture
def made(pipe, tmp_path):
    """A recorded model with weights."""
    (tmp_path / "w.pt").write_bytes(b"weights")
    return Model(pipe.upload_model("net", str(tmp_path / "w.pt")).id)


def add(**fields):
    facts = {"id": "1" * 32, "task": "", "project": "P", "name": "net", "url": "s3://b/net"}
    return Model.from_record(session.backend().call(AddModel(model=outputs.Model(**facts | fields))))


@pytest.mark.parametrize(
    ("name", "framework"), [("w.pt", "PyTorch"), ("w.joblib", "joblib"), ("w.onnx", "ONNX"), ("weights", "")]
)
def test_the_name_of_a_file_tells_its_framework(pipe, tmp_path, name, framework):
    (tmp_path / name).write_bytes(b"\0\1")
    model = pipe.upload_model("net", str(tmp_path / name))
    (found,) = pipe.task.models["output"]
    assert (found.id, found.name, found.framework, found.size) == (model.id, "net", framework, 2)
    assert Path(found.get_local_copy()).read_bytes() == b"\0\1"
    assert repr(found) == "<Model 'net': 2 bytes>"


def test_a_folder_comes_back_with_all_that_is_in_it(pipe, tmp_path):
    """Promise 59: a folder becomes one archive."""
    for name in ("a/b", "c"):
        (tmp_path / "net" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "net" / name).write_text(name)
    pipe.upload_model("net", str(tmp_path / "net"))
    model = pipe.task.models["output"][0]
    copy = Path(model.get_local_copy())
    assert {file.relative_to(copy).as_posix() for file in copy.rglob("*") if file.is_file()} == {"a/b", "c"}
    assert [Path(file).name for file in model.get_weights_package()] == ["b", "c"]
    assert Path(model.get_weights_package(return_path=True)).is_dir()
    assert Path(model.get_weights()).suffix == ".zip"


def test_models_of_one_name_are_kept_side_by_side(pipe, tmp_path):
    for text in ("first", "second"):
        (tmp_path / "w").write_text(text)
        pipe.upload_model("net", str(tmp_path / "w"))
    copies = [Path(model.get_local_copy()).read_text() for model in pipe.task.models["output"]]
    assert copies == ["first", "second"]


def test_a_model_that_is_not_there_is_named(pipe, tmp_path):
    with pytest.raises(Invalid, match="model 'net': there is no file"):
        pipe.upload_model("net", str(tmp_path / "nothing"))
    assert pipe.task.models["output"] == []
    with pytest.raises(NotFound, match="there is no model x"):
        Model("x")


def test_a_model_whose_bytes_were_changed_is_not_given_out(made):
    file = session.backend().blobs.path(made.hash)
    file.chmod(0o600)
    file.write_text("WEIGHTS")
    for raises in (False, True):
        with pytest.raises(Damaged, match=made.hash):
            made.get_local_copy(raise_on_error=raises)


def test_weights_that_cannot_be_fetched_are_none_with_a_warning_or_an_error(home, tmp_path, caplog):
    model = add(url=(tmp_path / "gone").as_uri())
    with caplog.at_level(logging.WARNING, "penstock"):
        assert model.get_local_copy() is None
    assert "model 'net' cannot be fetched: there is nothing at file:///" in caplog.text
    with pytest.raises(NotFound):
        model.get_local_copy(raise_on_error=True)
    with pytest.raises(Invalid, match="is a single file"):
        model.get_weights_package()


def test_a_model_tells_all_that_is_recorded_of_it(made, pipe):
    assert (made.task, made.original_task, made.project) == (pipe.id, pipe.id, pipe.task.project)
    assert (made.name, made.size, len(made.hash), made.url[:8]) == ("net", 7, 64, "file:///")
    assert (made.tags, made.labels, made.comment, made.design, made.config_text) == ([], {}, "", "", "")
    assert (made.config_dict, made.published, made.archived) == (None, False, False)
    assert made.created > 0


@pytest.mark.parametrize(("design", "found"), [('{"a": 1}', {"a": 1}), ("[1]", None), ("a: 1", None), ("", None)])
def test_a_configuration_is_a_dict_where_it_is_a_json_object(home, design, found):
    model = add(design=design)
    assert (model.config_dict, model.design) == (found, design)


def test_what_is_said_of_a_model_is_recorded(made):
    made.name, made.comment, made.tags = "best", "the best", ["prod", "a b"]
    made.tags = [*made.tags, "c"]
    found = Model(made.id)
    assert (found.name, found.comment, found.tags) == ("best", "the best", ["prod", "a b", "c"])
    found.tags = "x y"
    made.reload()
    assert made.tags == ["x", "y"]


def test_facts_are_noted_as_texts_with_their_types(made):
    assert made.set_metadata("accuracy", 0.5)
    assert made.set_metadata("labels", "cat", "text")
    assert made.set_metadata("deep", True)
    found = Model(made.id)
    assert found.get_metadata("accuracy") == "0.5"
    assert found.get_metadata("nothing") is found.get_metadata_casted("nothing") is None
    assert found.get_all_metadata()["labels"] == {"key": "labels", "type": "text", "value": "cat"}
    values = {key: one["value"] for key, one in found.get_all_metadata_casted().items()}
    assert values == {"accuracy": 0.5, "labels": "cat", "deep": True}
    found.set_metadata("accuracy", "high", "float")
    assert found.get_metadata_casted("accuracy") == "high", "a text that is not of its type stays a text"
    found.set_all_metadata({"epochs": {"value": 3, "type": "int"}})
    assert Model(made.id).get_all_metadata_casted() == {"epochs": {"key": "epochs", "type": "int", "value": 3}}


def test_what_users_note_says_nothing_about_how_bytes_are_read(made):
    """A note called `format` must not make weights be loaded as something else."""
    for key, value in (("format", "pickle"), ("type", "x"), ("file_name", "../x"), ("package", "true")):
        made.set_metadata(key, value)
    copy = Path(Model(made.id).get_local_copy())
    assert (copy.name, copy.read_bytes()) == ("w.pt", b"weights")


def test_a_published_model_stays_as_it_is(made):
    made.publish()
    made.publish()
    assert made.published
    assert Model(made.id).published
    made.tags, made.comment = ["prod"], "good"
    for wrong in (lambda: made.set_metadata("a", 1), lambda: setattr(made, "name", "x"), lambda: Model.remove(made)):
        with pytest.raises(Conflict, match="is published"):
            wrong()
    assert (Model(made.id).comment, Model(made.id).name) == ("good", "net")


def test_models_are_queried_newest_first(home):
    for number, fields in enumerate(({"tags": ("a",)}, {"tags": ("a", "b"), "metadata": {"k": "1"}}, {"name": "x"})):
        add(id=f"{number}" * 32, created=float(number + 1), **fields)
    add(id="3" * 32, project="Q", created=9.0).publish()

    def found(**wanted):
        return [one.id[0] for one in Model.query_models(**wanted)]

    assert found() == ["3", "2", "1", "0"]
    assert found(project_name="P") == ["2", "1", "0"]
    assert found(project_name="P", model_name="net") == ["1", "0"]
    assert found(tags=["a", "-b"]) == ["0"]
    assert found(tags=["__$all", "a", "b"]) == ["1"]
    assert found(only_published=True) == ["3"]
    assert found(metadata={"k": 1}) == ["1"]
    assert found(max_results=1) == ["3"]
    assert found(project_name="nothing") == []


def test_an_archived_model_is_found_by_who_asks_for_it(home):
    model = add()
    model.archive()
    assert model.archived
    assert (Model.query_models(), len(Model.query_models(include_archived=True))) == ([], 1)
    model.unarchive()
    assert not Model(model.id).archived
    assert len(Model.query_models()) == 1


def test_a_model_that_is_removed_takes_its_bytes_along_unless_they_are_needed(pipe, made, tmp_path):
    blobs = session.backend().blobs
    twin = pipe.upload_model("twin", str(tmp_path / "w.pt"))
    assert Model.remove(made)
    assert blobs.stat(twin.hash) is not None
    assert Model.remove(twin.id, delete_weights_file=False)
    assert blobs.stat(twin.hash) is not None
    third = pipe.upload_model("third", str(tmp_path / "w.pt"))
    assert Model.remove(third)
    assert blobs.stat(third.hash) is None
    assert pipe.task.models.output == []


def test_removing_what_is_only_registered_touches_no_file(home, tmp_path):
    (tmp_path / "w").write_text("mine")
    assert Model.remove(add(url=(tmp_path / "w").as_uri()))
    assert (tmp_path / "w").read_text() == "mine"


def test_a_model_that_another_task_has_is_removed_by_force(pipe, made):
    other = PipelineController("other", "Tests")
    session.backend().call(LinkModel(task=other.id, model=made.id, direction="input"))
    with pytest.raises(Conflict, match="another task has it"):
        Model.remove(made)
    Model.remove(made, force=True)
    assert other.task.models.input == []


def test_the_models_of_a_task_are_a_list_and_a_dict_by_name(pipe, made, tmp_path):
    pipe.upload_model("other", str(tmp_path / "w.pt"))
    newest = pipe.upload_model("net", str(tmp_path / "w.pt"))
    start = add()
    session.backend().call(LinkModel(task=pipe.id, model=start.id, direction="input", name="start"))
    models = of_task(pipe.id)
    assert list(models) == ["input", "output"]
    assert [one.name for one in models.input] == ["start"]
    assert [one.id for one in models["output"]] == [one.id for one in pipe.task.models.output]
    assert models.output["net"].id == models.output[-1].id == newest.id
    assert models.output[0].id == made.id
    assert [one.name for one in models.output[:2]] == ["net", "other"]
    assert models.output.keys() == ["net", "other"]
    assert [one.id for one in models.output.values()] == [one.id for _, one in models.output.items()]
    assert "other" in models.output
    assert "start" not in models.output
    assert models.input[0] in models.input
    assert models.output.get("nothing") is None
    assert isinstance(models.output.get("net"), Model)
    with pytest.raises(KeyError):
        models.output["nothing"]
    assert ModelList().keys() == []
    with pytest.raises(NotFound):
        of_task("x")
