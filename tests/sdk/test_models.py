"""`Model`: files and folders with weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock import PipelineController
from penstock.core.errors import Damaged, Invalid
from penstock.sdk import session


@pytest.fixture
def pipe(home):
    return PipelineController("flow", "Tests")


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
    copy = Path(pipe.task.models["output"][0].get_local_copy())
    assert {file.relative_to(copy).as_posix() for file in copy.rglob("*") if file.is_file()} == {"a/b", "c"}


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


def test_a_model_whose_bytes_were_changed_is_not_given_out(pipe, tmp_path):
    (tmp_path / "w").write_text("weights")
    model = pipe.upload_model("net", str(tmp_path / "w"))
    file = session.backend().blobs.path(model.hash)
    file.chmod(0o600)
    file.write_text("WEIGHTS")
    with pytest.raises(Damaged, match=model.hash):
        model.get_local_copy()
