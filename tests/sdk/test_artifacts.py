"""`Artifact`: values by name, checked when they are read; bad ones are refused before anything is stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock import Artifact, PipelineController
from penstock.core.errors import Damaged, Invalid, NotSerializable, PenstockError
from penstock.sdk import session


@pytest.fixture
def pipe(home):
    return PipelineController("flow", "Tests")


def upper(value):
    return value.upper().encode()


def test_an_artifact_says_what_it_is(pipe):
    pipe.upload_artifact("numbers", {"a": [1, 2]}, metadata={"rows": 2})
    found = pipe.task.artifacts["numbers"]
    assert isinstance(found, Artifact)
    assert (found.name, found.type, found.mode) == ("numbers", "dict", "output")
    assert found.metadata["rows"] == "2"
    assert found.timestamp > 0
    assert Path(found.url.removeprefix("file://")).stat().st_size == found.size
    assert repr(found) == f"<Artifact 'numbers': dict, {found.size} bytes>"
    assert "1" in found.preview


def test_what_was_changed_on_the_disk_is_not_given_out(pipe):
    pipe.upload_artifact("x", "the truth, the whole truth")
    found = pipe.task.artifacts["x"]
    file = session.backend().blobs.path(found.hash)
    file.chmod(0o600)
    file.write_bytes(file.read_bytes().replace(b"truth", b"trust"))
    for read in (found.get, found.get_local_copy):
        with pytest.raises(Damaged, match=found.hash):
            read()
    file.unlink()
    with pytest.raises(Damaged, match="is missing"):
        found.get()


def test_storing_the_same_bytes_again_repairs_them(pipe):
    pipe.upload_artifact("x", "as it was")
    found = pipe.task.artifacts["x"]
    session.backend().blobs.path(found.hash).unlink()
    pipe.upload_artifact("y", "as it was")
    assert found.get() == "as it was"


@pytest.mark.parametrize("name", ["", "a\nb", "\x00"])
def test_an_artifact_without_a_proper_name_is_refused(pipe, name):
    with pytest.raises(Invalid, match="cannot be called"):
        pipe.upload_artifact(name, 1)
    assert pipe.task.artifacts == {}


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "..", ".", "x" * 300, "é 1"])
def test_a_name_is_never_a_path(pipe, tmp_path, name):
    """S02: names are data; the copy lies in the home, whatever the name."""
    pipe.upload_artifact(name, [1])
    copy = Path(pipe.task.artifacts[name].get_local_copy())
    assert copy.resolve().is_relative_to(session.settings().home.resolve())
    assert copy.read_text() == "[1]"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["home"]


def test_a_value_that_no_format_can_store_leaves_nothing(pipe):
    with pytest.raises(NotSerializable, match="artifact 'x' cannot be stored"):
        pipe.upload_artifact("x", (one for one in "ab"))
    assert pipe.task.artifacts == {}
    assert [file for file in session.settings().blobs.rglob("*") if file.is_file()] == []


def test_a_text_that_names_a_file_stores_the_file_and_others_the_text(pipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("data.txt").write_text("inside")
    Path("folder/inner").mkdir(parents=True)
    Path("folder/inner/a").write_text("deep")
    for name, value in {
        "file": "data.txt",
        "path": Path("data.txt"),
        "folder": "folder",
        "lines": "data.txt\n",
        "none": "",
        "long": "x" * 5000,
        "nul": "a\0b",
    }.items():
        pipe.upload_artifact(name, value)
    found = pipe.task.artifacts
    assert Path(found["file"].get_local_copy()).read_text() == "inside"
    assert Path(found["path"].get()).read_text() == "inside"
    assert Path(found["folder"].get_local_copy(), "inner", "a").read_text() == "deep"
    assert [found[name].get() for name in ("lines", "none", "long", "nul")] == ["data.txt\n", "", "x" * 5000, "a\0b"]


def test_a_copy_of_a_folder_may_be_its_archive(pipe, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a").write_text("1")
    pipe.upload_artifact("folder", str(tmp_path / "folder"))
    found = pipe.task.artifacts["folder"]
    assert (
        Path(found.get_local_copy(extract_archive=False)).read_bytes()
        == session.backend().blobs.path(found.hash).read_bytes()
    )


def test_a_copy_is_the_reader_s_own(pipe):
    """Writing to it changes nothing that is stored."""
    pipe.upload_artifact("x", [1])
    found = pipe.task.artifacts["x"]
    for options in ({}, {"raise_on_error": False, "force_download": True}):
        copy = Path(found.get_local_copy(**options))
        assert copy.read_text() == "[1]"
        copy.chmod(0o600)
        copy.write_text("[2]")
    assert found.get() == [1]


def test_a_function_of_the_caller_s_own_makes_the_bytes(pipe):
    pipe.upload_artifact("x", "text", serialization_function=upper)
    found = pipe.task.artifacts["x"]
    assert found.get(deserialization_function=bytes.decode) == "TEXT"
    with pytest.raises(PenstockError, match="'x' was written by a function of the pipeline's own"):
        found.get()


def test_an_artifact_is_replaced_by_one_of_the_same_name(pipe):
    for value in (1, "two"):
        pipe.upload_artifact("x", value)
    assert {name: one.get() for name, one in pipe.task.artifacts.items()} == {"x": "two"}
