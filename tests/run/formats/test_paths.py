from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from penstock.core.errors import NotSerializable, StoreError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with files, an empty folder, an executable and odd names."""
    folder = tmp_path / "my data"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "a.txt").write_text("a")
    (folder / "deep" / "er" / "b.bin").write_bytes(os.urandom(3_000_000))
    (folder / "deep" / "ünïcode \\ 'name'\n").write_bytes(b"")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    return folder


def content(folder: Path) -> dict[str, object]:
    return {
        path.relative_to(folder).as_posix(): None if path.is_dir() else (path.read_bytes(), os.access(path, os.X_OK))
        for path in folder.rglob("*")
    }


# Files


def test_a_file_comes_back_as_a_path_to_a_copy_of_its_name(shelf, tmp_path) -> None:
    path = tmp_path / "model ü.bin"
    path.write_bytes(b"content")
    kept = shelf.keep(path)
    assert (kept.stored.format, kept.stored.type) == ("file", "pathlib.Path")
    assert kept.stored.metadata == {"file_name": "model ü.bin", "bytes": "7"}
    assert kept.stored.preview == "model ü.bin, 7 bytes"
    assert type(kept.value) is type(path)
    assert kept.value.name == path.name
    assert kept.value.is_relative_to(shelf.workdir)
    assert kept.value.read_bytes() == b"content"
    assert kept.path.read_bytes() == b"content"


def test_a_copy_may_be_changed_without_changing_the_store(shelf, tmp_path) -> None:
    (tmp_path / "f").write_bytes(b"content")
    kept = shelf.keep(tmp_path / "f")
    kept.value.write_bytes(b"changed")
    assert shelf.load(kept.stored, kept.path).read_bytes() == b"content"


@pytest.mark.parametrize("mode", [0o644, 0o755])
def test_a_file_stays_executable_or_not(shelf, tmp_path, mode: int) -> None:
    (tmp_path / "f").write_bytes(b"")
    (tmp_path / "f").chmod(mode)
    assert bool(shelf.keep(tmp_path / "f").value.stat().st_mode & stat.S_IXUSR) == bool(mode & stat.S_IXUSR)


def test_a_link_to_a_file_is_stored_as_the_file_under_the_name_of_the_link(shelf, tmp_path) -> None:
    (tmp_path / "target").write_bytes(b"content")
    (tmp_path / "link").symlink_to("target")
    value = shelf.keep(tmp_path / "link").value
    assert value.name == "link"
    assert not value.is_symlink()
    assert value.read_bytes() == b"content"


def test_a_relative_path_gives_its_last_name(shelf, tmp_path, monkeypatch) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "f").write_bytes(b"x")
    monkeypatch.chdir(tmp_path / "inner")
    assert shelf.keep(Path("f")).value.name == "f"
    assert shelf.keep(Path()).value.name == "inner"
    assert shelf.keep(Path("../inner")).value.name == "inner"


def test_a_path_to_nothing_is_kept_as_a_path(shelf, tmp_path) -> None:
    kept = shelf.keep(tmp_path / "nothing")
    assert kept.stored.format == "pickle"
    assert "no file or folder" in kept.stored.metadata["note"]
    assert kept.value == tmp_path / "nothing"


def test_a_name_that_is_not_utf_8_is_replaced_where_it_has_to_be(shelf, tmp_path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff"))
    path.write_bytes(b"x")
    kept = shelf.keep(path)
    assert kept.stored.metadata["file_name"] == "bad?"
    assert kept.value.read_bytes() == b"x"


@pytest.mark.parametrize(
    "name", ["../../escape", "/etc/passwd", "..", ".", "", "a/b", "nul\0", "x" * 300, "../x", "%2e%2e/x"]
)
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_recorded_name_never_leads_out_of_the_folder_for_copies(fresh_shelf, tmp_path, name: str, kind: str) -> None:
    import msgspec

    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"x")
    kept = fresh_shelf.keep(tmp_path / kind)
    before = {path for path in tmp_path.rglob("*") if not path.is_relative_to(fresh_shelf.workdir)}
    forged = msgspec.structs.replace(kept.stored, metadata={**kept.stored.metadata, "file_name": name})
    loaded = fresh_shelf.load(forged, kept.path)
    assert loaded.name == kind
    assert loaded.resolve().is_relative_to(fresh_shelf.workdir.resolve())
    assert {path for path in tmp_path.rglob("*") if not path.is_relative_to(fresh_shelf.workdir)} == before


def test_two_artifacts_of_one_name_do_not_collide(shelf, tmp_path) -> None:
    (tmp_path / "f").write_bytes(b"1")
    first = shelf.keep(tmp_path / "f").value
    (tmp_path / "f").write_bytes(b"2")
    second = shelf.keep(tmp_path / "f").value
    assert (first.read_bytes(), second.read_bytes()) == (b"1", b"2")


def test_a_folder_for_copies_that_cannot_be_made_is_reported(fresh_shelf, tmp_path) -> None:
    (tmp_path / "f").write_bytes(b"x")
    kept = fresh_shelf.keep(tmp_path / "f")
    fresh_shelf.workdir = tmp_path / "f"
    with pytest.raises(StoreError, match=str(tmp_path / "f")):
        fresh_shelf.load(kept.stored, kept.path)


# Folders


def test_a_folder_comes_back_with_everything_in_it(shelf, folder: Path) -> None:
    kept = shelf.keep(folder)
    assert (kept.stored.format, kept.stored.type) == ("folder", "pathlib.Path")
    assert kept.value.name == "my data"
    assert content(kept.value) == content(folder)
    assert kept.stored.metadata == {"file_name": "my data", "files": "4", "bytes": "3000011"}
    assert kept.stored.preview.startswith("my data/: 4 files, 3,000,011 bytes\n")
    assert "a.txt" in kept.stored.preview


def test_the_same_content_is_the_same_blob_whenever_it_was_made(shelf, folder: Path, tmp_path) -> None:
    before = shelf.keep(folder).path
    twin = tmp_path / "twin" / "my data"
    twin.mkdir(parents=True)
    for path in sorted(folder.rglob("*"), reverse=True):
        target = twin / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            target.mkdir(exist_ok=True)
        else:
            target.write_bytes(path.read_bytes())
            target.chmod(path.stat().st_mode)
            os.utime(target, (0, 0))
    assert shelf.keep(twin).path == before


def test_an_empty_folder_comes_back(shelf, tmp_path) -> None:
    (tmp_path / "none").mkdir()
    assert list(shelf.keep(tmp_path / "none").value.iterdir()) == []


def test_links_inside_of_the_folder_are_followed(shelf, folder: Path) -> None:
    (folder / "link.txt").symlink_to("a.txt")
    (folder / "empty" / "again").symlink_to(folder / "deep", target_is_directory=True)
    loaded = shelf.keep(folder).value
    assert (loaded / "link.txt").read_text() == "a"
    assert (loaded / "empty" / "again" / "er" / "b.bin").read_bytes() == (folder / "deep" / "er" / "b.bin").read_bytes()
    assert not any(path.is_symlink() for path in loaded.rglob("*"))


def test_a_folder_that_is_reached_through_a_link_is_stored(shelf, folder: Path, tmp_path) -> None:
    (tmp_path / "link").symlink_to(folder, target_is_directory=True)
    loaded = shelf.keep(tmp_path / "link").value
    assert loaded.name == "link"
    assert content(loaded) == content(folder)


def link_outside(folder: Path) -> None:
    (folder / "odd").symlink_to("/etc/hostname")


def link_to_a_twin(folder: Path) -> None:
    (folder.parent / (folder.name + "2")).mkdir()
    (folder / "odd").symlink_to(f"../{folder.name}2")


def link_to_nothing(folder: Path) -> None:
    (folder / "odd").symlink_to("nothing")


def link_in_a_circle(folder: Path) -> None:
    (folder / "deep" / "odd").symlink_to("../deep")


def link_to_the_folder_itself(folder: Path) -> None:
    (folder / "odd").symlink_to(".")


def links_to_each_other(folder: Path) -> None:
    (folder / "odd").symlink_to("odd2")
    (folder / "odd2").symlink_to("odd")


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "odd")


def name_that_is_not_utf_8(folder: Path) -> None:
    (folder / os.fsdecode(b"odd\xff")).write_bytes(b"")


@pytest.mark.parametrize(
    "spoil",
    [
        link_outside,
        link_to_a_twin,
        link_to_nothing,
        link_in_a_circle,
        link_to_the_folder_itself,
        links_to_each_other,
        pipe,
        name_that_is_not_utf_8,
    ],
)
def test_what_a_file_cannot_hold_is_refused_by_name(fresh_shelf, folder: Path, spoil) -> None:
    spoil(folder)
    with pytest.raises(NotSerializable, match="odd") as raised:
        fresh_shelf.keep(folder)
    assert str(folder) in str(raised.value)
    assert fresh_shelf.files() == []


def test_a_deep_folder_is_stored(shelf, tmp_path) -> None:
    deep = tmp_path / "top"
    for _ in range(300):
        deep /= "d"
    deep.mkdir(parents=True)
    (deep / "f").write_text("x")
    loaded = shelf.keep(tmp_path / "top").value
    assert sum(1 for _ in loaded.rglob("*")) == 301
