"""How data sets are found again."""

from __future__ import annotations

import pytest
from tests.sdk.dataset.conftest import make

from penstock import Dataset, PipelineController, Task
from penstock.core.errors import BadVersion, Conflict, Invalid, NotFound

pytestmark = pytest.mark.usefixtures("home")


def test_versions_count_up_by_themselves_and_the_highest_is_meant(source):
    assert [make("words", source).version for _ in range(2)] == ["1.0.0", "1.0.1"]
    make("words", source, dataset_version="0.9")
    assert Dataset.get(dataset_project="Tests", dataset_name="words").version == "1.0.1"
    assert Dataset.get(dataset_project="Tests", dataset_name="words", dataset_version="0.9").version == "0.9"
    with pytest.raises(Conflict, match=r"has a version 0\.9 already"):
        Dataset.create("words", "Tests", dataset_version="0.9")
    with pytest.raises(BadVersion):
        Dataset.create("words", "Tests", dataset_version="newest")


def test_what_is_not_final_is_found_only_when_there_is_no_other(source):
    begun = Dataset.create("words", "Tests", dataset_version="2.0")
    assert Dataset.get(dataset_name="words", dataset_project="Tests").id == begun.id
    done = make("words", source, dataset_version="1.0")
    assert Dataset.get(dataset_name="words", dataset_project="Tests").id == done.id
    with pytest.raises(NotFound, match=r"no data set 'Tests/words' of version 2\.0"):
        Dataset.get(dataset_name="words", dataset_project="Tests", dataset_version="2.0", only_completed=True)


def test_a_name_is_enough_and_so_are_tags(source):
    made = make("words", source, dataset_tags=["good"])
    make("other", source)
    assert Dataset.get(dataset_name="words").id == made.id
    assert Dataset.get(dataset_project="Tests", dataset_tags=["good"]).id == made.id
    with pytest.raises(Invalid, match="needs dataset_id"):
        Dataset.get()
    with pytest.raises(NotFound, match="no data set 'nothing'"):
        Dataset.get(dataset_name="nothing")


def test_one_that_is_not_there_can_be_begun(source):
    begun = Dataset.get(dataset_name="words", dataset_project="Tests", auto_create=True)
    assert (begun.version, begun.is_final()) == ("1.0.0", False)


def test_a_writable_copy_is_a_new_version(source):
    first = make("words", source)
    second = Dataset.get(dataset_id=first.id, writable_copy=True)
    assert (second.version, second.list_files()) == ("1.0.1", first.list_files())


def test_they_are_tasks_in_a_hidden_project(source):
    made = make("words", source)
    task = Task.get_task(task_id=made.id)
    assert (task.project, task.task_type, task.status) == ("Tests/.datasets/words", "data_processing", "completed")
    with pytest.raises(NotFound, match="is no data set"):
        Dataset.get(dataset_id=PipelineController("p", "Tests").id)


def test_all_are_listed(source):
    first, second = make("words", source), make("numbers", source)
    Dataset.create("begun", "Tests")
    assert {one["id"] for one in Dataset.list_datasets("Tests")} == {first.id, second.id}
    assert [one["name"] for one in Dataset.list_datasets(partial_name="num")] == ["numbers"]
    assert [one["version"] for one in Dataset.list_datasets(ids=[first.id])] == ["1.0.0"]
    assert "begun" in {one["name"] for one in Dataset.list_datasets(only_completed=False)}


def test_parents_have_to_be_final_and_names_plain(source):
    begun = Dataset.create("words", "Tests")
    with pytest.raises(Conflict, match="is not final"):
        Dataset.create(parent_datasets=[begun])
    with pytest.raises(Invalid, match="cannot be called 'a/b'"):
        Dataset.create("a/b", "Tests")
    with pytest.raises(Invalid, match="a task of its own"):
        Dataset.create("words", "Tests", use_current_task=True)


def test_the_task_of_this_process_notes_what_it_used(source):
    made = make("words", source)
    pipe = PipelineController("uses", "Tests")
    Dataset.get(dataset_id=made.id, alias="training")
    assert pipe.task.get_parameters()["Datasets/training"] == made.id


def test_one_version_goes_or_all_of_them(source):
    make("words", source)
    kept = make("words", source)
    Dataset.delete(dataset_project="Tests", dataset_name="words", dataset_version="1.0.0")
    assert [one["id"] for one in Dataset.list_datasets()] == [kept.id]
    assert kept.verify() == []
    make("words", source)
    Dataset.delete(dataset_project="Tests", dataset_name="words", entire_dataset=True)
    assert Dataset.list_datasets() == []
