from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from penstock.core.errors import NotFound, RemoteError
from penstock.run.remote.local import Local, replacing
from penstock.run.remote.urls import parse


def test_a_file_is_told_about_and_a_folder_is_none(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"hello")
    facts = Local().stat(parse(tmp_path / "f"))
    assert facts is not None
    assert facts.size == 5
    assert facts.is_same(facts)
    assert Local().stat(parse(tmp_path)) is None
    assert Local().stat(parse(tmp_path / "f" / "below")) is None


def test_a_file_is_copied_both_ways(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"hello")
    target = tmp_path / "new folder" / "g"
    Local().send(tmp_path / "f", parse(target.as_uri()))
    sink = io.BytesIO()
    Local().fetch(parse(target.as_uri()), sink)
    assert sink.getvalue() == b"hello"
    assert [path.name for path in target.parent.iterdir()] == ["g"]


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        Local().fetch(parse(tmp_path / "f"), io.BytesIO())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "f").touch(mode=0o000)
    with pytest.raises(RemoteError, match="cannot be read"):
        Local().fetch(parse(tmp_path / "f"), io.BytesIO())


def test_a_folder_lists_its_files_and_a_path_lists_what_begins_with_it(tmp_path: Path) -> None:
    for name in ("data_a/x", "data_a/sub/y", "data_b/z", "other/w"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert [one.name for one in Local().entries(parse(tmp_path / "data_a"))] == ["x", "sub/y"]
    found = list(Local().entries(parse(tmp_path / "data_")))
    assert sorted(one.name for one in found) == ["data_a/sub/y", "data_a/x", "data_b/z"]
    assert {Path(one.url.key).read_text() for one in found} == {one.name for one in found}
    assert {one.size for one in found} == {8, 12}


def test_what_replaces_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")

    def fail() -> None:
        with replacing(tmp_path / "f") as sink:
            sink.write(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert (tmp_path / "f").read_text() == "old"
    with replacing(tmp_path / "f") as sink:
        sink.write(b"new")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("f", "new")]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("safe")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with replacing(tmp_path / "link") as sink:
        sink.write(b"new")
    assert (tmp_path / "elsewhere").read_text() == "safe"
    assert not (tmp_path / "link").is_symlink()
