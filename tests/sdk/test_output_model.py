"""`OutputModel`: one model however often it is updated, recorded for its task."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from penstock import PipelineController
from penstock.core.errors import Conflict, Invalid, NotFound
from penstock.run import current
from penstock.sdk import session
from penstock.sdk.models import Model
from penstock.sdk.output_model import OutputModel


@pytest.fixture
def pipe(home):
    return PipelineController("flow", "Tests")


@pytest.fixture
def file(tmp_path):
    """A file with weights that is nobody's temporary one."""
    (tmp_path / "net.pt").write_text("weights")
    return tmp_path / "net.pt"


@pytest.fixture(autouse=True)
def _nothing_is_temporary(monkeypatch, tmp_path_factory):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("temporary")))


def outputs(pipe):
    return pipe.task.models.output


def text_of(model):
    return Path(model.get_local_copy()).read_text()


def test_several_updates_keep_one_model(pipe, file):
    model = OutputModel(name="net")
    for text in ("first", "second"):
        file.write_text(text)
        url = model.update_weights(str(file))
        (found,) = outputs(pipe)
        assert (found.id, found.url, text_of(found)) == (model.id, url, text)
    assert model.wait_for_uploads()
    assert OutputModel.wait_for_all_uploads()
    assert repr(model) == "<OutputModel 'net': 6 bytes>"


def test_what_is_said_at_once_is_recorded_with_the_weights(pipe, file):
    model = OutputModel(
        config_dict={"layers": 3}, label_enumeration={"cat": 1}, name="net", tags=["a"], comment="c", framework="mine"
    )
    assert outputs(pipe) == []
    model.update_weights(str(file), iteration=7)
    found = Model(model.id)
    assert (found.config_dict, found.labels, found.tags) == ({"layers": 3}, {"cat": 1}, ["a"])
    assert (found.comment, found.framework, found.name) == ("c", "mine", "net")
    assert found.get_metadata_casted("iteration") == 7
    assert (found.task, found.project) == (pipe.id, pipe.task.project)


def test_the_file_tells_the_framework_and_where_it_came_from(pipe, file):
    model = OutputModel()
    model.update_weights(str(file))
    assert (model.name, model.framework, model.comment) == (pipe.task.name, "PyTorch", str(file))
    other = OutputModel()
    other.update_weights(str(file), update_comment=False, target_filename="best.bin")
    assert (other.comment, Path(other.get_local_copy()).name) == ("", "best.bin")


def test_a_model_is_recorded_when_its_id_is_asked_for_or_anything_is_set(pipe, file):
    first, second, third = OutputModel(name="1"), OutputModel(name="2"), OutputModel(name="3")
    assert Model(first.id).url == ""
    second.set_metadata("k", "v")
    third.update_design(config_text="layers: 3")
    assert [one.name for one in outputs(pipe)] == ["1", "2", "3"]
    third.update_labels({"cat": 1})
    third.tags = ["x"]
    third.update_weights(str(file))
    found = Model(third.id)
    assert (found.design, found.labels, found.tags, text_of(found)) == ("layers: 3", {"cat": 1}, ["x"], "weights")


def test_a_model_takes_over_what_its_base_says_and_not_more(pipe, file):
    base = OutputModel(config_text="x", label_enumeration={"a": 1}, framework="f", tags=["t"], name="base")
    base.update_weights(str(file))
    model = OutputModel(name="next", base_model_id=base.id, label_enumeration={"b": 2})
    assert model.id != base.id
    assert (model.design, model.labels, model.framework) == ("x", {"b": 2}, "f")
    assert (model.tags, model.url, model.name) == ([], "", "next")
    with pytest.raises(NotFound, match="no model x"):
        OutputModel(base_model_id="x")


def test_without_a_task_it_says_so(home):
    with pytest.raises(Invalid, match="no task that this model could belong to") as caught:
        OutputModel()
    assert "OutputModel(task=...)" in caught.value.hint


def test_a_task_that_is_given_makes_the_model(pipe, file):
    other = PipelineController("other", "Tests")
    model = OutputModel(pipe.task, name="net")
    model.update_weights(str(file))
    assert (model.task, [one.id for one in outputs(pipe)], outputs(other)) == (pipe.id, [model.id], [])


def test_a_registered_address_is_recorded_and_nothing_is_read(pipe, file):
    model = OutputModel()
    model.update_weights(str(file))
    assert model.update_weights(register_uri="s3://bucket/net.onnx") == "s3://bucket/net.onnx"
    found = Model(model.id)
    assert (found.url, found.hash, found.size) == ("s3://bucket/net.onnx", "", 0)
    assert model.update_weights(register_uri=str(file)) == file.as_uri()
    assert model.get_local_copy() == str(file)


@pytest.mark.parametrize("given", [{}, {"weights_filename": "a", "register_uri": "b"}])
def test_there_is_one_source_of_weights(pipe, given):
    with pytest.raises(Invalid, match="weights_filename or register_uri"):
        OutputModel().update_weights(**given)
    assert outputs(pipe) == []


@pytest.mark.parametrize("given", [{}, {"weights_filenames": ["a"], "weights_path": "b"}])
def test_there_is_one_source_of_a_package(pipe, given):
    with pytest.raises(Invalid, match="weights_filenames or weights_path"):
        OutputModel().update_weights_package(**given)


def test_weights_that_are_not_there_leave_the_model_as_it_was(pipe, file, tmp_path):
    model = OutputModel(name="net")
    model.update_weights(str(file))
    for wrong in (
        lambda: model.update_weights("nothing"),
        lambda: model.update_weights_package(weights_path=str(file)),
        lambda: model.update_weights_package(weights_filenames=["nothing"]),
        lambda: model.update_weights(register_uri="nothing"),
    ):
        with pytest.raises(Invalid, match="there is no"):
            wrong()
    assert text_of(Model(model.id)) == "weights"


def test_a_package_comes_back_as_a_folder(pipe, tmp_path):
    for name in ("p/a", "p/x/b"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    whole, chosen = OutputModel(name="whole"), OutputModel(name="chosen")
    whole.update_weights_package(weights_path=str(tmp_path / "p"), iteration=3)
    chosen.update_weights_package(weights_filenames=[str(tmp_path / "p/x/b")], target_filename="pack")
    copy = Path(Model(whole.id).get_local_copy())
    assert ((copy / "a").read_text(), (copy / "x/b").read_text()) == ("p/a", "p/x/b")
    assert Path(chosen.get_local_copy()).name == "pack"
    assert [Path(one).name for one in chosen.get_weights_package()] == ["b"]
    assert whole.get_metadata("iteration") == "3"


def test_only_what_lies_with_temporary_files_is_removed(pipe, file):
    temporary = Path(tempfile.mkdtemp())
    for name in ("a", "b", "c"):
        (temporary / name).write_text(name)
    model = OutputModel()
    model.update_weights(str(file))
    model.update_weights(str(temporary / "a"))
    model.update_weights(str(temporary / "b"), auto_delete_file=False)
    model.update_weights_package(weights_filenames=[str(temporary / "b"), str(temporary / "c")])
    model.update_weights_package(weights_path=str(temporary))
    assert file.exists()
    assert list(temporary.iterdir()) == []


def test_a_published_model_gets_no_other_weights(pipe, file):
    model = OutputModel(name="net")
    with pytest.raises(Conflict, match="no weights to publish"):
        model.publish()
    model.update_weights(str(file))
    model.publish()
    for wrong in (
        lambda: model.update_weights(str(file)),
        lambda: model.update_weights_package(weights_path=str(file.parent)),
        lambda: model.update_design("x"),
        lambda: model.update_labels({"a": 1}),
        lambda: model.set_metadata("a", 1),
    ):
        with pytest.raises(Conflict, match="is published and stays as it is"):
            wrong()
    model.comment = "good"
    assert Model(model.id).comment == "good"


def test_what_somebody_published_meanwhile_is_not_replaced(pipe, file):
    """The object does not know it yet; the record does."""
    model = OutputModel()
    model.update_weights(str(file))
    Model(model.id).publish()
    file.write_text("other")
    with pytest.raises(Conflict, match="is published"):
        model.update_weights(str(file))
    assert text_of(Model(model.id)) == "weights"


def test_a_model_is_made_one_of_another_task_too(pipe, file):
    model = OutputModel(name="net")
    model.update_weights(str(file))
    other = PipelineController("other", "Tests")
    model.connect(other.task, name="from elsewhere")
    model.connect(pipe.task)
    assert [(one.id, one.name, one.task) for one in outputs(other)] == [(model.id, "from elsewhere", pipe.id)]
    assert [one.id for one in outputs(pipe)] == [model.id]
    fresh = OutputModel(other.task, name="fresh")
    fresh.connect(other.task)
    assert outputs(other).keys() == ["from elsewhere", "fresh"]


def test_update_design_needs_a_design(pipe):
    with pytest.raises(Invalid, match="config_text or config_dict"):
        OutputModel().update_design()


@pytest.mark.parametrize("how", ["argument", "default"])
def test_weights_are_sent_where_they_are_asked_for(pipe, file, monkeypatch, how):
    sent = []

    def upload_file(local_file, remote_url):
        sent.append((Path(local_file).read_text(), remote_url))
        return remote_url

    storage = SimpleNamespace(StorageManager=SimpleNamespace(upload_file=upload_file))
    monkeypatch.setitem(sys.modules, "penstock.sdk.storage", storage)
    model = OutputModel()
    if how == "default":
        model.set_default_upload_uri("s3://bucket/x")
        assert model.upload_storage_uri == "s3://bucket/x"
    url = model.update_weights(str(file), upload_uri="s3://bucket/x" if how == "argument" else None)
    assert sent == [("weights", url)]
    assert url.startswith(f"s3://bucket/x/Tests/pipelines/flow/{pipe.id}/models/")
    assert (Model(model.id).url, text_of(model)) == (url, "weights")
    model.update_weights(str(file), upload_uri=False)
    assert (model.url, len(sent)) == (session.backend().blobs.url(model.hash), 1)


def test_the_task_of_this_process_is_the_one_that_it_works_on_now(pipe, home):
    assert current.get().task == pipe.id
    assert OutputModel().task == pipe.id
