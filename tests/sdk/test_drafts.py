"""Runs that are recorded and have not begun: made from a script or from another run, found again, carried out."""

from __future__ import annotations

import pytest

from penstock import PipelineController, Task
from penstock.core.errors import BadTransition, BadVersion, Conflict, Invalid, NotFound

SCRIPT = """
from penstock import PipelineController

def double(n):
    return n * 2

pipe = PipelineController("flow", "Tests")
pipe.add_parameter("n", 1)
pipe.add_function_step("double", double, {"n": "${pipeline.n}"}, ["result"])
pipe.start_locally(run_pipeline_steps_locally=True)
"""


def one(n=1):
    return n


def made(name="flow", project="Tests", version=None, **options):
    pipe = PipelineController(name, project, version=version, **options)
    pipe.add_parameter("n", 1)
    pipe.add_function_step("a", one, {"n": "${pipeline.n}"}, ["result"])
    return pipe


def started(*args, **options):
    pipe = made(*args, **options)
    pipe.start_locally(run_pipeline_steps_locally=True)
    return pipe


def result(pipe, step="a"):
    return Task.get_task(pipe.get_pipeline_dag()[step].task_id).artifacts["result"].get()


@pytest.fixture
def script(home, tmp_path):
    file = tmp_path / "flow.py"
    file.write_text(SCRIPT)
    return str(file)


def test_a_draft_from_a_script_is_carried_out_by_the_script(script):
    pipe = PipelineController.create("Tests", "flow", script=script, packages=[], argparse_args=[("--n", 21)])
    assert (pipe.task.status, pipe.task.task_type, pipe.version) == ("created", "controller", "1.0.0")
    assert pipe.task.project == "Tests/.pipelines/flow"
    assert pipe.get_parameters() == {"n": 21}
    pipe.start_locally(run_pipeline_steps_locally=True)
    assert (pipe.task.status, pipe.is_successful()) == ("completed", True)
    assert result(pipe, "double") == 42


def test_a_draft_from_a_script_names_a_version_and_a_file(script, home):
    with pytest.raises(BadVersion):
        PipelineController.create("Tests", "flow", script=script, version="abc")
    with pytest.raises(Invalid, match="no script"):
        PipelineController.create("Tests", "flow", script="/nowhere.py")
    assert PipelineController.create("Tests", "flow", script=script, version="2.1", packages=[]).version == "2.1"


def test_a_draft_whose_script_makes_another_pipeline_does_not_begin(script):
    pipe = PipelineController.create("Tests", "another", script=script, packages=[])
    with pytest.raises(Conflict, match="did not begin"):
        pipe.start_locally(run_pipeline_steps_locally=True)
    assert pipe.task.status == "created"


def test_a_clone_of_a_run_is_a_draft_that_takes_other_values(home):
    source = started(always_create_from_code=False)
    clone = PipelineController.clone(source, comment="again", version="3.0.0")
    assert (clone.task.status, clone.task.comment, clone.version) == ("created", "again", "3.0.0")
    assert clone.get_parameters() == {"n": 1}
    assert list(clone.get_pipeline_dag()) == ["a"]
    clone.set_parameters({"n": 5})
    clone.start_locally(run_pipeline_steps_locally=True)
    assert (result(source), result(clone)) == (1, 5)
    assert clone.task.name == "flow #2"


def test_a_clone_may_belong_to_another_pipeline(home):
    source = started(always_create_from_code=False)
    clone = PipelineController.clone(source.id, name="other", project="Q")
    assert clone.task.project == "Q/.pipelines/other"
    with pytest.raises(NotFound):
        PipelineController.clone("f" * 32)
    with pytest.raises(BadVersion):
        PipelineController.clone(source, version="abc")


def test_a_run_is_found_by_what_is_known_of_it(home):
    old, newer, high = started(version="1.0.0"), started(version="1.0.0"), started(version="10.0.0")
    low = started(version="9.0.0")
    other = started(project="Q")
    other.add_tags("red blue")
    get = PipelineController.get
    assert get(pipeline_id=old.id).id == old.id
    assert get(pipeline_project="Tests", pipeline_name="flow").id == high.id
    assert get(pipeline_project="Tests", pipeline_name="flow", pipeline_version="1.0.0").id == newer.id
    assert get(pipeline_project="Q", pipeline_name="flow").id == other.id
    assert get(pipeline_tags=["red"]).id == other.id
    assert get(pipeline_project="Tests", pipeline_tags=["-red"]).id == high.id
    high.task.archive()
    assert get(pipeline_project="Tests", pipeline_name="flow").id == low.id


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "nothing says which pipeline"),
        ({"pipeline_id": "f" * 32}, "could not find pipeline with pipeline_id='ffff"),
        ({"pipeline_id": "f" * 32, "pipeline_name": "flow"}, "or by pipeline_project"),
        ({"pipeline_name": "none"}, "could not find pipeline with pipeline_name='none'"),
        ({"pipeline_tags": ["none"]}, r"could not find pipeline with tags \['none'\]"),
        ({"pipeline_name": "flow", "pipeline_version": "7"}, "pipeline_version='7'"),
    ],
)
def test_what_is_not_found_is_said_by_what_was_asked(home, wrong, said):
    made()
    with pytest.raises(Invalid, match=said):
        PipelineController.get(**wrong)


def test_a_draft_is_kept_and_started_later_by_its_id(home):
    pipe = made(always_create_from_code=False)
    pipe.create_draft()
    again = PipelineController.get(pipeline_id=pipe.id)
    assert (again.task.status, list(again.get_pipeline_dag())) == ("created", ["a"])
    again.start_locally(run_pipeline_steps_locally=True)
    assert again.is_successful()
    with pytest.raises(Conflict, match="has been started"):
        again.create_draft()


def test_a_draft_follows_the_definition_as_people_edited_it(home):
    pipe = made(always_create_from_code=False)
    pipe.create_draft()
    text = pipe.task.get_configuration_object("Pipeline")
    pipe.task.set_configuration_object("Pipeline", config_text=text.replace('"a"', '"renamed"'))
    again = PipelineController.get(pipeline_id=pipe.id)
    assert list(again.get_pipeline_dag()) == ["renamed"]
    pipe.task.set_configuration_object("Pipeline", config_text="{}")
    with pytest.raises(Invalid, match="no definition of a pipeline"):
        PipelineController.get(pipeline_id=pipe.id)


def test_a_draft_waits_in_a_queue(home):
    pipe = made()
    pipe.create_draft()
    assert PipelineController.enqueue(pipe, queue_name="services").status == "queued"
    assert Task.dequeue(pipe.id).status == "created"
    with pytest.raises(Invalid, match="queue_name"):
        PipelineController.enqueue(pipe.id)
    ended = started()
    with pytest.raises(BadTransition):
        PipelineController.enqueue(ended, queue_name="services")
