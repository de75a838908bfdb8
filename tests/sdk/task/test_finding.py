"""How tasks are found, copied, put into queues, and taken out as plain data and in again."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from penstock import PipelineController, Task
from penstock.core.errors import BadTransition, Conflict, Invalid, NotFound
from penstock.run import current

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=5)
PLAIN = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | TEXT
VALUES = PLAIN | st.lists(PLAIN, max_size=2)


def draft(name="work", project="P", **facts):
    return Task.create(project, name, script=__file__, packages=[], force_single_script_file=True, **facts)


def ids(tasks):
    return [task.id for task in tasks]


@pytest.fixture
def pipe(home):
    return PipelineController("flow", "Tests")


def test_tasks_are_found_by_id_and_by_name(pipe):
    newer = PipelineController("flow", "Other")
    assert Task.get_task(pipe.id).id == pipe.id
    assert Task.get_task(task_name="flow").id == newer.id
    assert Task.get_task(project_name="Tests/.pipelines/flow", task_name="flow").id == pipe.id
    with pytest.raises(NotFound, match="nothing"):
        Task.get_task("nothing")
    assert Task.get_task(project_name="Tests", task_name="nobody") is None
    with pytest.raises(Invalid, match="task_id, or task_name"):
        Task.get_task()


def test_a_name_is_exact_for_one_task_and_a_pattern_for_many(home):
    first, second, third = draft("train"), draft("train.it"), draft("trainXit")
    assert Task.get_task(task_name="train").id == first.id
    assert Task.get_task(task_name="trai") is None
    assert ids(Task.get_tasks(task_name="train.it")) == [third.id, second.id]
    assert ids(Task.get_tasks(task_name="^train$")) == [first.id]
    with pytest.raises(Invalid, match="no regular expression"):
        Task.get_tasks(task_name="train(")


def test_an_archived_one_is_found_where_there_is_no_other(home):
    old, new = draft(), draft()
    new.archive()
    assert Task.get_task(task_name="work").id == old.id
    old.archive()
    assert Task.get_task(task_name="work").id == new.id
    assert Task.get_task(task_name="work", allow_archived=False) is None
    assert Task.get_tasks(allow_archived=False) == []
    assert ids(Task.get_tasks()) == [new.id, old.id]


def test_tags_choose_exclude_and_combine(home):
    red, both, none = draft("red"), draft("both"), draft("none")
    red.add_tags(["red"])
    both.add_tags(["red", "blue"])
    assert Task.get_tasks(tags=["red"])[0].id == both.id
    assert ids(Task.get_tasks(tags=["red", "-blue"])) == [red.id]
    assert ids(Task.get_tasks(tags=["__$all", "red", "blue"])) == [both.id]
    assert ids(Task.get_tasks(tags=["-red"])) == [none.id]


def test_filters_narrow_what_is_found(home):
    one, two = draft("one"), draft("two", project="Q", task_type="testing")
    one.mark_started()
    assert ids(Task.get_tasks(task_filter={"status": ["in_progress", "failed"]})) == [one.id]
    assert ids(Task.get_tasks(task_filter={"type": ["testing"]})) == [two.id]
    assert ids(Task.get_tasks(task_filter={"parent": one.id})) == []
    assert ids(Task.get_tasks(project_name="Q")) == [two.id]
    assert ids(Task.get_tasks(project_name=["P", "Q"])) == [two.id, one.id]
    assert ids(Task.get_tasks(task_ids=[one.id, "f" * 32])) == [one.id]
    assert Task.get_tasks(task_ids=[]) == []
    two.archive()
    assert ids(Task.get_tasks(task_filter={"system_tags": ["archived"]})) == [two.id]
    assert ids(Task.get_tasks(task_filter={"system_tags": ["-archived"], "order_by": ["-last_update"]})) == [one.id]
    assert Task.get_task(task_name="one", task_filter={"status": "completed"}) is None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"state": "x"}, "'state'"), ({"status": "done"}, "'done'"), ({"type": ["testing", "qc"]}, "one value")],
)
def test_a_filter_that_means_nothing_is_refused(home, wrong, said):
    with pytest.raises(Invalid, match=said):
        Task.get_tasks(task_filter=wrong)


def test_a_query_returns_ids_or_the_fields_that_are_asked_for(home):
    one = draft()
    assert Task.query_tasks(project_name="P") == [one.id]
    assert Task.query_tasks(additional_return_fields=["name", "script.entry_point"]) == [
        {"id": one.id, "name": "work", "script.entry_point": "test_finding.py"}
    ]
    for field in ("nothing", "name.deeper", "__class__"):
        with pytest.raises(Invalid, match="no field"):
            Task.query_tasks(additional_return_fields=[field])


def test_a_clone_asks_for_the_same_under_another_name(home):
    source = draft(argparse_args=[("--rate", 0.5)])
    source.set_configuration_object("net", config_text="deep")
    source.mark_started()
    source.upload_artifact("x", 1)
    clone = Task.clone(source, comment="again", project="Q")
    assert (clone.name, clone.comment, clone.project, clone.parent) == ("Clone of work", "again", "Q", source.id)
    assert (clone.status, clone.artifacts) == ("created", {})
    assert clone.get_parameters() == {"Args/rate": 0.5}
    assert clone.get_configuration_objects() == {"net": "deep"}
    assert Task.clone(clone.id, name="third").parent == source.id


def test_the_task_of_this_process_is_meant_where_none_is_named(begin):
    task = begin()
    assert Task.clone().name == "Clone of work"
    assert Task.clone().parent == task.id
    task.close()
    with pytest.raises(Invalid, match="works on no task"):
        Task.clone()


def test_a_draft_waits_in_one_queue_and_comes_out_of_it(home):
    task = draft()
    assert Task.enqueue(task, queue_name="default").status == "queued"
    assert Task.enqueue(task.id, queue_id="services").data.queue == "services"
    with pytest.raises(Conflict, match="queued"):
        task.archive()
    assert Task.dequeue(task).status == "created"
    with pytest.raises(Invalid, match="queue_name"):
        Task.enqueue(task)


def test_what_has_ended_is_put_into_a_queue_by_force_alone(home):
    task = draft()
    task.mark_started()
    task.mark_completed()
    with pytest.raises(BadTransition):
        Task.enqueue(task, queue_name="default")
    assert Task.enqueue(task, queue_name="default", force=True).status == "queued"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    parameters=st.dictionaries(TEXT.map("General/{}".format), VALUES, max_size=4),
    configurations=st.dictionaries(TEXT, st.text(st.characters(codec="utf-8")), max_size=2),
    tags=st.lists(TEXT, max_size=3, unique=True),
    comment=TEXT,
)
@example({"General/bounds": [0.0, float("inf")]}, {}, [], "")
def test_a_task_goes_out_as_json_and_comes_back_as_it_was(home, parameters, configurations, tags, comment):
    task = draft("whole", argparse_args=[("n", 1)], docker="python")
    task.update_parameters(parameters)
    for name, text in configurations.items():
        task.set_configuration_object(name, config_text=text)
    task.set_tags(tags)
    task.set_comment(comment)
    back = Task.import_task(json.loads(json.dumps(task.export_task())))
    assert back.id != task.id
    assert (back.name, back.project, back.get_tags(), back.comment) == ("whole", "P", tags, comment)
    assert back.data.script == task.data.script
    assert back.get_base_docker() == "python"
    assert back.get_parameters() == {"Args/n": 1, **parameters}
    assert back.get_configuration_objects() == configurations
    assert back.export_task()["parameters"] == task.export_task()["parameters"]
    task.delete()
    back.delete()


def test_what_is_imported_into_a_draft_replaces_or_joins_what_it_has(home):
    source, target = draft("source", argparse_args=[("a", 1)]), draft("target", argparse_args=[("b", 2)])
    joined = Task.import_task(source.export_task(), target_task=target, update=True)
    assert (joined.id, joined.name, joined.get_parameters()) == (target.id, "source", {"Args/b": 2, "Args/a": 1})
    assert Task.import_task(source.export_task(), target_task=target.id).get_parameters() == {"Args/a": 1}


@pytest.mark.parametrize("data", [{}, {"task": 3}, {"task": {"id": "x"}}, {"nonsense": True}])
def test_data_that_is_no_task_makes_none(home, data):
    with pytest.raises(Invalid, match="no exported task"):
        Task.import_task(data)
    assert Task.get_tasks() == []


def test_a_script_works_on_its_run(pipe):
    assert Task.current_task().id == pipe.id
    current.put(None)
    assert Task.current_task() is None
