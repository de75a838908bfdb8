"""Manifests of data sets, and their files on this machine."""

from __future__ import annotations

import pytest

from penstock.blobs.files import FileBlobs
from penstock.core.errors import Damaged, UnsafeArchive
from penstock.run import datasets
from penstock.run.datasets import Entry, Manifest

GOOD = {"hash": "a" * 64, "size": 1}


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"../x": GOOD}, "does not lead below"),
        ({"CON:": GOOD, "a/./b": GOOD}, "does not lead below"),
        ({"x": {"hash": "../" + "a" * 61, "size": 1}}, "has no hash"),
        ({"x": {"hash": "A" * 64, "size": 1}}, "has no hash"),
        ({"x": {"hash": "a" * 64, "size": -1}}, "a size of -1"),
        ({"a": GOOD, "a/b": GOOD}, "is a file and a folder"),
        ({"x": {"size": 1}}, "cannot be read"),
    ],
)
def test_a_manifest_is_a_claim_that_is_judged(files, why):
    with pytest.raises(UnsafeArchive, match=why):
        datasets.read({"files": files}, "words")


def test_a_good_one_is_read():
    found = datasets.read({"files": {"deep/x": GOOD}, "parents": ["p"]}, "words")
    assert found == Manifest(files={"deep/x": Entry(hash="a" * 64, size=1)}, parents=("p",))


@pytest.fixture
def blobs(tmp_path):
    return FileBlobs(tmp_path / "home")


def entry(blobs, content):
    stored = blobs.put_bytes(content)
    return Entry(hash=stored.hash, size=stored.size)


def test_a_large_file_is_read_piece_by_piece(blobs, tmp_path):
    file = tmp_path / "large"
    with file.open("wb") as sparse:
        sparse.truncate(64 << 20)
    found = datasets.scanned(file)
    assert found.size == 64 << 20
    blobs.put_file(file)
    datasets.write({"large": found}, blobs, tmp_path / "out", ValueError)
    assert datasets.differences({"large": found}, tmp_path / "out", by_size=False) == []


def test_what_cannot_be_written_leaves_no_copy(blobs, tmp_path):
    files = {"a": entry(blobs, b"one"), "b": Entry(hash="b" * 64, size=3)}
    with pytest.raises(Damaged):
        datasets.shared_copy(files, blobs, tmp_path / "cache", "words")
    assert [one for one in (tmp_path / "cache" / "datasets").iterdir() if one.is_dir()] == []


def test_a_link_in_a_copy_is_no_file_of_the_data_set(blobs, tmp_path):
    files = {"a": entry(blobs, b"one")}
    folder = tmp_path / "out"
    datasets.write(files, blobs, folder, ValueError)
    (tmp_path / "elsewhere").write_bytes(b"one")
    (folder / "a").unlink()
    (folder / "a").symlink_to(tmp_path / "elsewhere")
    assert datasets.differences(files, folder, by_size=False) == ["a"]


def test_emptying_a_folder_follows_no_link(tmp_path):
    kept, folder = tmp_path / "kept", tmp_path / "folder"
    kept.mkdir()
    (kept / "x").write_text("x")
    folder.mkdir()
    (folder / "link").symlink_to(kept)
    datasets.empty(folder)
    assert (list(folder.iterdir()), (kept / "x").read_text()) == ([], "x")
