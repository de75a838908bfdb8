"""How a data set comes to its files."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.sdk.dataset.conftest import contents, fill, make

from penstock import Dataset, Task
from penstock.core.errors import Conflict, Damaged, Invalid, NotFound
from penstock.sdk import session

pytestmark = pytest.mark.usefixtures("home")


def test_files_of_a_folder_are_listed_and_counted(source, capsys):
    made = Dataset.create("words", "Tests")
    assert made.add_files(source, verbose=True) == 3
    assert capsys.readouterr().out.splitlines()[0] == "add a.txt"
    assert made.add_files(source) == 0
    assert made.list_files() == ["a.txt", "b.txt", "deep/c.txt"]
    assert made.list_files("deep") == ["deep/c.txt"]
    assert made.list_files(recursive=False) == ["a.txt", "b.txt"]
    assert made.list_files("*.txt") == ["a.txt", "b.txt", "deep/c.txt"]


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"wildcard": "a.*"}, ["a.txt"]),
        ({"wildcard": ["a.*", "deep/*"]}, ["a.txt", "deep/c.txt"]),
        ({"recursive": False}, ["a.txt", "b.txt"]),
        ({"dataset_path": "/into/it/"}, ["into/it/a.txt", "into/it/b.txt", "into/it/deep/c.txt"]),
        ({"dataset_path": "."}, ["a.txt", "b.txt", "deep/c.txt"]),
    ],
)
def test_which_files_are_added_and_where_to(source, options, names):
    made = Dataset.create("words", "Tests")
    made.add_files(source, **options)
    assert made.list_files() == names


def test_a_single_file_has_its_own_name_or_that_from_a_base_folder(source):
    made = Dataset.create("words", "Tests")
    made.add_files(source / "deep" / "c.txt")
    made.add_files(source / "deep" / "c.txt", local_base_folder=str(source))
    assert made.list_files() == ["c.txt", "deep/c.txt"]
    with pytest.raises(Invalid, match="is not below"):
        made.add_files(source / "a.txt", local_base_folder=str(source / "deep"))
    with pytest.raises(NotFound, match="no file or folder"):
        made.add_files(source / "nothing")


def test_a_content_is_stored_once_whatever_files_and_data_sets_have_it(source, home):
    make("one", source)
    stored = {path.name for path in (home / "blobs" / "sha256").rglob("*") if path.is_file()}
    make("two", source)
    again = {path.name for path in (home / "blobs" / "sha256").rglob("*") if path.is_file()}
    new = [name for name in again - stored if (session.backend().blobs.path(name)).stat().st_size == 3]
    assert new == []
    held = [name for name in Task.get_task(project_name="Tests/.datasets/one").artifacts if name.startswith("file ")]
    assert len(held) == 2


def test_a_version_builds_on_its_parents(source, tmp_path):
    first = make("words", source)
    second = Dataset.create(parent_datasets=[first.id])
    assert (second.name, second.project, second.version) == ("words", "Tests", "1.0.1")
    second.add_files(fill(tmp_path / "more", a="changed", d="new"))
    assert second.remove_files("deep", verbose=False) == 1
    assert (second.list_added_files(), second.list_modified_files(), second.list_removed_files()) == (
        ["d.txt"],
        ["a.txt"],
        ["deep/c.txt"],
    )
    second.close()
    found = Dataset.get(dataset_name="words", dataset_project="Tests")
    assert (found.id, found.list_files()) == (second.id, ["a.txt", "b.txt", "d.txt"])
    assert found.list_files(dataset_id=first.id) == ["a.txt", "b.txt"]
    assert found.list_files(dataset_id=second.id) == ["a.txt", "d.txt"]
    assert found.get_dependency_graph() == {second.id: [first.id], first.id: []}
    assert found.list_added_files(first.id) == ["a.txt", "b.txt", "deep/c.txt"]


def test_of_a_file_that_several_parents_have_that_of_the_last_is_taken(source, tmp_path):
    first, second = make("one", source), make("two", fill(tmp_path / "other", a="other"))
    both = Dataset.create("both", "Tests", parent_datasets=[first, second])
    both.close()
    assert contents(Path(both.get_local_copy())) == {"a.txt": "other", "b.txt": "two", "deep/c.txt": "one"}


def test_a_folder_is_followed_by_what_was_removed_added_and_changed(source):
    first = make("words", source)
    (source / "a.txt").unlink()
    fill(source, b="changed", e="new")
    second = Dataset.create(parent_datasets=[first])
    assert second.sync_folder(source) == (1, 1, 1)
    assert second.list_files() == ["b.txt", "deep/c.txt", "e.txt"]
    second.close()


def test_what_is_final_stays_as_it_is(source):
    made = make("words", source)
    with pytest.raises(Conflict, match="is completed") as error:
        made.add_files(source)
    assert "parent_datasets" in error.value.hint
    with pytest.raises(Conflict, match="is completed"):
        Dataset.get(made.id).remove_files()
    assert made.finalize()


def test_files_have_to_be_uploaded_before_it_is_final(source):
    made = Dataset.create("words", "Tests")
    made.add_files(source)
    with pytest.raises(Conflict, match="not uploaded"):
        made.finalize()
    assert (made.finalize(raise_on_error=False), made.is_final(), made.is_dirty()) == (False, False, True)
    made.upload()
    assert not made.is_dirty()
    assert made.finalize()


def test_another_process_goes_on_where_one_has_uploaded(source):
    begun = Dataset.create("words", "Tests")
    begun.add_files(source)
    begun.upload()
    again = Dataset.get(dataset_id=begun.id)
    assert again.remove_files("b.txt") == 1
    again.finalize(auto_upload=True)
    assert Dataset.get(dataset_id=begun.id).list_files() == ["a.txt", "deep/c.txt"]


def test_a_file_that_changes_between_adding_and_uploading_is_noticed(source):
    made = Dataset.create("words", "Tests")
    made.add_files(source)
    fill(source, a="in between")
    with pytest.raises(Conflict, match=r"a\.txt has changed since it was added"):
        made.upload()


def test_a_content_that_went_before_it_was_final_is_noticed(source):
    made = Dataset.create("words", "Tests")
    made.add_files(source)
    made.upload()
    session.backend().blobs.delete(made.file_entries_dict["b.txt"].hash)
    with pytest.raises(Damaged, match=r"the content of 'b\.txt' is not stored"):
        made.finalize()


def test_names_that_mean_something_else_elsewhere_are_refused(tmp_path):
    odd = tmp_path / "odd"
    odd.mkdir()
    (odd / "C:evil").write_text("x")
    with pytest.raises(Invalid, match="does not lead below"):
        Dataset.create("odd", "Tests").add_files(odd)


def test_a_file_and_a_folder_cannot_have_one_name(source):
    made = Dataset.create("words", "Tests")
    made.add_files(source)
    with pytest.raises(Invalid, match="is a file and a folder"):
        made.add_files(source / "a.txt", dataset_path="b.txt")


def test_a_url_that_is_mapped_to_a_folder_is_added_from_there(source, tmp_path, monkeypatch):
    config = tmp_path / "config.toml"
    config.write_text(f'[storage.local]\n"s3://bucket/data" = "{source}"\n')
    monkeypatch.setenv("PENSTOCK_CONFIG", str(config))
    made = Dataset.create("words", "Tests")
    assert made.add_files("s3://bucket/data") == 3
    assert made.add_files("s3://bucket/data/deep", dataset_path="again") == 1
    assert made.list_files("again") == ["again/c.txt"]
