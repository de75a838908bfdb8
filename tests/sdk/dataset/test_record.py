"""What a data set is."""

from __future__ import annotations

import pandas as pd
import pytest
from tests.sdk.dataset.conftest import make

from penstock import Dataset, Task

pytestmark = pytest.mark.usefixtures("home")


def test_facts_tags_and_a_description(source):
    made = make("words", source, dataset_tags=["first"], description="some words")
    made.add_tags("second")
    assert made.tags == ["first", "second"]
    made.tags = ["only"]
    made.set_description("other words")
    found = Dataset.get(dataset_id=made.id)
    assert (found.tags, found.name, found.project, found.version) == (["only"], "words", "Tests", "1.0.0")
    assert Task.get_task(task_id=made.id).comment == "other words"
    assert repr(found) == f"<Dataset 'words' 1.0.0 {made.id[:12]}: 3 files>"
    assert [entry.size for entry in found.file_entries] == [3, 3, 3]


def test_values_are_kept_with_it(source):
    made = make("words", source)
    made.set_metadata(pd.DataFrame({"x": [1]}))
    made.set_metadata({"a": 1}, metadata_name="facts")
    assert made.get_metadata()["x"].tolist() == [1]
    assert (made.get_metadata("facts"), made.get_metadata("nothing")) == ({"a": 1}, None)


def test_a_published_one_can_be_asked_for(source):
    make("words", source)
    published = make("words", source, dataset_version="0.1")
    assert published.publish()
    found = Dataset.get(dataset_name="words", only_published=True)
    assert (found.id, found.is_final()) == (published.id, True)


def test_numbers_can_be_reported_for_it(source):
    made = make("words", source)
    made.get_logger().report_single_value("words", 3)
    task = Task.get_task(task_id=made.id)
    task.flush()
    assert task.get_reported_single_values() == {"words": 3}
