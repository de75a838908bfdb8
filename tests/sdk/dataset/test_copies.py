"""Files of a data set on this machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.sdk.dataset.conftest import contents, make

from penstock import Dataset
from penstock.core.errors import Conflict, Damaged, Invalid
from penstock.sdk import session

pytestmark = pytest.mark.usefixtures("home")
FILES = {"a.txt": "one", "b.txt": "two", "deep/c.txt": "one"}


def damage(made, name):
    blob = session.backend().blobs.path(made.file_entries_dict[name].hash)
    blob.chmod(0o600)
    blob.write_text("bad")


def test_a_copy_to_read_is_made_once_and_cannot_be_written_to(source, home):
    made = make("words", source)
    folder = Path(made.get_local_copy())
    assert contents(folder) == FILES
    assert folder.is_relative_to(home / "cache" / "datasets")
    assert Dataset.get(dataset_id=made.id).get_local_copy() == str(folder)
    assert (folder / "a.txt").stat().st_mode & 0o777 == 0o444


def test_a_copy_that_somebody_touched_is_made_anew(source):
    made = make("words", source)
    first = Path(made.get_local_copy())
    (first / "a.txt").chmod(0o644)
    (first / "a.txt").write_text("six")
    second = Path(made.get_local_copy())
    assert second != first
    assert contents(second) == FILES
    (second / "extra").write_text("x")
    assert made.get_local_copy() != str(second)


def test_a_copy_with_a_damaged_content_is_never_given_out(source):
    made = make("words", source)
    damage(made, "b.txt")
    with pytest.raises(Damaged):
        made.get_local_copy()
    assert made.verify() == ["b.txt"]


def test_a_program_stays_one(tmp_path):
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / "run").chmod(0o755)
    made = make("programs", folder)
    assert os.access(Path(made.get_local_copy()) / "run", os.X_OK)
    assert os.access(Path(made.get_mutable_local_copy(tmp_path / "mine")) / "run", os.X_OK)


def test_a_copy_to_change_is_the_callers_own(source, tmp_path):
    made, mine = make("words", source), tmp_path / "mine"
    assert made.get_mutable_local_copy(mine) == str(mine)
    (mine / "a.txt").write_text("changed")
    with pytest.raises(Conflict, match="something in"):
        made.get_mutable_local_copy(mine)
    made.get_mutable_local_copy(str(mine), overwrite=True)
    assert contents(mine) == FILES


def test_a_part_of_the_files_can_be_had(source):
    made = make("words", source)
    parts = [contents(Path(made.get_local_copy(part=number, num_parts=2))) for number in range(2)]
    assert parts == [{"a.txt": "one", "deep/c.txt": "one"}, {"b.txt": "two"}]
    with pytest.raises(Invalid, match="part 2 of 2"):
        made.get_local_copy(part=2, num_parts=2)


def test_what_was_not_uploaded_cannot_be_copied(source):
    made = Dataset.create("words", "Tests")
    made.add_files(source)
    with pytest.raises(Conflict, match="not uploaded"):
        made.get_local_copy()


def test_a_copy_is_compared_with_what_was_recorded(source, tmp_path):
    made, mine = make("words", source), tmp_path / "mine"
    made.get_mutable_local_copy(mine)
    assert made.verify_dataset_hash(str(mine)) == []
    (mine / "a.txt").write_text("six")
    (mine / "b.txt").unlink()
    assert made.verify_dataset_hash(str(mine)) == ["a.txt", "b.txt"]
    assert made.verify_dataset_hash(str(mine), skip_hash=True) == ["b.txt"]
    assert made.verify_dataset_hash() == []
