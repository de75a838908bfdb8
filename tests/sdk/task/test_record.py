"""What a task is: names, tags, parents, projects, and what people note about it."""

from __future__ import annotations

import pytest

from penstock import PipelineController, Task
from penstock.core.errors import Conflict, Invalid


@pytest.fixture
def task(home):
    return Task.create("P", "work", script=__file__, packages=[], force_single_script_file=True)


@pytest.fixture
def pipe(home):
    return PipelineController("flow", "Tests")


def test_a_task_shows_what_it_was_when_it_was_read(pipe):
    before = pipe.task
    pipe.start_locally(run_pipeline_steps_locally=True)
    assert before.status == "created"
    before.reload()
    assert before.status == before.data.status == "completed"
    assert repr(before) == f"<Task 'flow' {pipe.id[:12]}: completed>"
    assert (before.task_type, before.project, before.name) == ("controller", "Tests/.pipelines/flow", "flow")
    assert (before.task_id, before.get_project_name()) == (pipe.id, "Tests/.pipelines/flow")


def test_what_is_said_of_a_task_is_recorded_at_once(task):
    task.set_name("another")
    task.set_comment("from outside")
    task.set_task_type("testing")
    task.move_to_project(new_project_name="Q/deep")
    task.add_tags("red  blue")
    task.add_tags(["two words", "red"])
    again = Task.get_task(task.id)
    for one in (task, again):
        assert (one.name, one.comment, one.task_type, one.project) == ("another", "from outside", "testing", "Q/deep")
        assert one.get_tags() == ["red", "blue", "two words"]
    assert task.rename("third")
    task.set_tags("green")
    task.set_comment("")
    assert (task.name, task.get_tags(), task.comment) == ("third", ["green"], "")
    with pytest.raises(Invalid, match="no task type 'trainnig'"):
        task.set_task_type("trainnig")
    with pytest.raises(Invalid, match="new_project_name"):
        task.move_to_project()


def test_a_parent_is_given_and_taken_away(task):
    other = Task.clone(task)
    assert other.parent == task.id
    other.set_parent(None)
    assert other.parent is None
    assert Task.get_task(other.id).parent is None
    other.set_parent(task)
    assert other.parent == task.id


def test_what_its_run_decides_stays(pipe):
    for change in (
        lambda: pipe.task.set_parent(None),
        lambda: pipe.task.move_to_project(new_project_name="Q"),
        lambda: pipe.task.set_task_type("training"),
    ):
        with pytest.raises(Conflict, match="given by its run"):
            change()


def test_what_people_note_comes_in_many_forms_and_keeps_its_type(task):
    assert task.set_user_properties(
        {"count": 3, "rate": {"value": 0.5, "description": "how fast"}},
        [{"name": "seen", "value": "yes", "type": "str"}],
        owner="ada",
        nothing=None,
    )
    assert task.get_user_properties(value_only=True) == {
        "count": 3,
        "rate": 0.5,
        "seen": "yes",
        "owner": "ada",
        "nothing": None,
    }
    assert task.get_user_properties()["rate"] == {
        "section": "properties",
        "name": "rate",
        "value": 0.5,
        "type": "float",
        "description": "how fast",
    }
    assert task.delete_user_properties(["count", {"section": "properties", "name": "seen"}])
    assert list(task.get_user_properties()) == ["rate", "owner", "nothing"]
    assert task.delete_user_properties(["count"]) is False


def test_what_people_note_changes_also_when_all_else_is_fixed(task):
    task.mark_started()
    task.mark_completed()
    task.publish()
    task.set_user_properties(seen="yes")
    assert task.delete_user_properties(["seen"])
    with pytest.raises(Conflict, match="published"):
        task.set_parameter("General/x", 1)
    with pytest.raises(Conflict, match="published"):
        task.delete_parameter("General/x")
