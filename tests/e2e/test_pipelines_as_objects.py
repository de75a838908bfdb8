"""Pipelines that are made, copied, found, edited and started as objects, and pipelines that are steps of others."""

from __future__ import annotations

import json
import os
import textwrap
from pathlib import Path

import pytest
from tests.place import until

from penstock import PipelineController, Task
from penstock.core.errors import Conflict
from penstock.ops.runs import ListRuns
from penstock.sdk import session

SCRIPT = """
    from penstock import PipelineController


    def double(x, extra):
        print("doubled", x, extra)
        return 2 * x


    def check(y, limit):
        if y > limit:
            raise ValueError(f"{y} is too much")
        return y


    pipe = PipelineController("inner", "Tests")
    pipe.add_parameter("x", 1, "what is doubled")
    pipe.add_parameter("limit", 100)
    pipe.add_function_step("double", double, {"x": "${pipeline.x}", "extra": (1, 2)}, ["y"])
    pipe.add_function_step("check", check, {"y": "${double.y}", "limit": "${pipeline.limit}"}, ["z"])
    pipe.start_locally(run_pipeline_steps_locally=True)
    pipe.get_logger().report_scalar("result", "limit", pipe.get_parameters()["limit"], 0)
    pipe.upload_artifact("doubled", pipe.get_pipeline_dag()["double"].job.task.get_parameter("return/y"))
"""


@pytest.fixture
def script(home, tmp_path, monkeypatch):
    """The path of a script that makes the pipeline `inner` and runs it."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "inner.py"
    file.write_text(textwrap.dedent(SCRIPT), encoding="utf-8")
    return str(file)


@pytest.fixture
def draft(script):
    """A draft of the pipeline `inner`, made from its script."""
    return PipelineController.create("Tests", "inner", script=script, packages=[], force_single_script_file=True)


def start(pipe):
    pipe.start_locally(run_pipeline_steps_locally=True)
    return {name: node.status for name, node in pipe.get_pipeline_dag().items()}


def returned(pipe, step, name):
    return pipe.get_pipeline_dag()[step].job.task.artifacts[name].get()


def one():
    return 1


def two():
    return 2


def add(left, right=0):
    return left + right


def small(version=None, step=one, **options):
    """Return a pipeline `small` of one step, which has not been started."""
    pipe = PipelineController("small", "Tests", version=version, **options)
    pipe.add_function_step("step", step, function_return=["x"])
    return pipe


# From a script


def test_a_pipeline_is_created_from_its_script_and_run_later(draft):
    """A draft, of the documented version unless another is asked for; its script builds it when it is started."""
    assert (draft.task.status, draft.task.task_type, draft.version) == ("created", "controller", "1.0.0")
    assert draft.task.project == "Tests/.pipelines/inner"
    assert "pipeline" in draft.task.get_system_tags()
    assert draft.get_pipeline_dag() == {}
    assert start(draft) == {"double": "completed", "check": "completed"}
    assert (draft.task.status, draft.version, draft.is_successful()) == ("completed", "1.0.0", True)
    assert returned(draft, "check", "z") == 2
    assert draft.get_parameters() == {"x": 1, "limit": 100}
    assert [run.id for run in session.backend().call(ListRuns(pipeline="inner"))] == [draft.id]


def test_its_values_can_be_given_when_it_is_created(script):
    """Promise 9: of a draft; the values win over those of the script, in their types."""
    made = PipelineController.create(
        "Tests",
        "inner",
        script=script,
        packages=[],
        force_single_script_file=True,
        argparse_args=[("x", 7)],
        version="2.5",
        docker="python:3.12",
    )
    assert (made.get_parameters(), made.version, made.task.get_base_docker()) == ({"x": 7}, "2.5", "python:3.12")
    assert start(made) == {"double": "completed", "check": "completed"}
    assert (returned(made, "check", "z"), made.version) == (14, "2.5")


def test_a_run_is_cloned_with_other_values_and_stays_as_it_was(draft):
    """Promise 9: the clone is a draft of the same pipeline, which counts on; nothing of the old run changes."""
    start(draft)
    before = draft.task.export_task(), draft.task.data, returned(draft, "check", "z")
    copy = PipelineController.clone(draft, comment="again")
    assert (copy.task.status, copy.task.comment, copy.task.parent) == ("created", "again", draft.id)
    copy.set_parameters({"x": 21})
    assert start(copy) == {"double": "completed", "check": "completed"}
    assert (copy.task.name, returned(copy, "check", "z"), copy.get_parameters()["x"]) == ("inner #2", 42, 21)
    assert (draft.task.export_task(), draft.task.data, returned(draft, "check", "z")) == before
    with pytest.raises(ValueError, match="no parameter 'y'"):
        PipelineController.clone(draft.id).set_parameters({"y": 1})


def test_a_clone_can_belong_to_another_pipeline(home):
    pipe = small()
    pipe.create_draft()
    other = PipelineController.clone(pipe, name="other", project="Else", version="3.0", parent=pipe.id)
    assert (other.task.project, other.task.name, other.version) == ("Else/.pipelines/other", "other", "3.0")
    assert other.task.get_system_tags() == pipe.task.get_system_tags()
    assert PipelineController.clone(other).version is None


# Found again


def test_pipelines_are_found_by_id_name_project_version_and_tags(home):
    """The highest version that fits, and of one version the newest run."""
    runs = [small(version) for version in ("1.0.0", "1.10.0", "1.9.0", "1.9.0")]
    for number, pipe in enumerate(runs):
        pipe.add_tags([f"number {number}", "all"])
        start(pipe)
    elsewhere = PipelineController("small", "Else", version="9.0")
    elsewhere.create_draft()
    get = PipelineController.get
    assert get(pipeline_id=runs[0].id).id == runs[0].id
    assert get(pipeline_project="Tests", pipeline_name="small").id == runs[1].id
    assert get(pipeline_project="Tests", pipeline_name="small", pipeline_version="1.9.0").id == runs[3].id
    assert get(pipeline_name="small").id == elsewhere.id
    assert get(pipeline_name="small", pipeline_tags=["number 2"]).id == runs[2].id
    assert get(pipeline_name="small", pipeline_tags=["all", "-number 1", "-number 3"]).id == runs[2].id
    found = get(pipeline_id=runs[1].id)
    assert (found.version, found.tags, found.task.name) == ("1.10.0", ["number 1", "all"], "small #2")
    assert found.get_pipeline_dag()["step"].status == "completed"
    runs[1].task.set_archived(archive=True)
    assert get(pipeline_project="Tests", pipeline_name="small").id == runs[3].id


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"pipeline_id": "f" * 32}, "could not find pipeline with pipeline_id='fff"),
        ({"pipeline_name": "nobody"}, "could not find pipeline with pipeline_name='nobody'"),
        ({"pipeline_project": "Tests", "pipeline_name": "small", "pipeline_version": "7"}, "pipeline_version='7'"),
        ({"pipeline_id": "f", "pipeline_name": "small"}, "by pipeline_id, or by"),
        ({}, "nothing says which"),
    ],
)
def test_a_pipeline_that_is_not_there_is_named(home, asked, said):
    small().create_draft()
    with pytest.raises(ValueError, match=said):
        PipelineController.get(**asked)


# Drafts


def test_a_draft_is_started_later_from_what_was_recorded(home):
    """`create_draft` starts nothing; with `always_create_from_code=False` no script is needed any more."""
    pipe = small(always_create_from_code=False)
    pipe.add_parameter("rate", 0.5)
    pipe.create_draft()
    assert (pipe.task.status, pipe.elapsed()) == ("created", -1.0)
    found = PipelineController.get(pipeline_id=pipe.id)
    assert [*found.get_pipeline_dag()] == ["step"]
    found.set_parameters({"rate": "0.25"})
    assert start(found) == {"step": "completed"}
    assert found.get_parameters() == {"rate": 0.25}
    assert returned(PipelineController.get(pipeline_id=pipe.id), "step", "x") == 1


def test_a_stored_definition_is_followed_as_people_edited_it(home):
    """`always_create_from_code=False`: an argument, a parent, a step that is gone."""
    pipe = PipelineController("small", "Tests", always_create_from_code=False)
    pipe.add_function_step("a", one, function_return=["x"])
    pipe.add_function_step("b", add, {"left": "${a.x}"}, ["x"])
    pipe.add_function_step("c", add, {"left": 5}, ["x"])
    pipe.create_draft()
    stored = pipe.task.get_configuration_object_as_dict("Pipeline")
    steps = {step["name"]: step for step in stored["steps"]}
    steps["b"]["arguments"]["right"]["value"] = 10
    stored["steps"] = [steps["a"], steps["b"]]
    pipe.task.set_configuration_object("Pipeline", config_dict=stored)
    edited = PipelineController.get(pipeline_id=pipe.id)
    assert start(edited) == {"a": "completed", "b": "completed"}
    assert returned(edited, "b", "x") == 11


def test_a_draft_keeps_how_its_run_is_named_and_versioned(home):
    """`add_run_number` and `auto_version_bump`, too."""
    start(small("1.0.0"))
    pipe = small("1.0.0", two, always_create_from_code=False, add_run_number=False, auto_version_bump=True)
    pipe.create_draft()
    found = PipelineController.get(pipeline_id=pipe.id)
    start(found)
    assert (found.task.name, found.version) == ("small", "1.0.1")


def test_a_draft_whose_callbacks_nobody_knows_is_refused(home):
    """They are functions, which are not recorded; without them a step would run that they might have vetoed."""
    pipe = PipelineController("small", "Tests", always_create_from_code=False)
    pipe.add_function_step("step", one, pre_execute_callback=lambda *_: False)
    pipe.create_draft()
    with pytest.raises(Conflict, match="step 'step' has callbacks, which are functions of the pipeline's script"):
        start(PipelineController.get(pipeline_id=pipe.id))
    assert pipe.task.status == "created"
    assert start(pipe) == {"step": "skipped"}


@pytest.mark.parametrize("text", ["no json", json.dumps({"name": "small"}), json.dumps({"steps": [{"name": 1}]})])
def test_a_definition_that_makes_no_sense_is_refused(home, text):
    pipe = small(always_create_from_code=False)
    pipe.create_draft()
    pipe.task.set_configuration_object("Pipeline", text)
    with pytest.raises(ValueError, match=r"'Pipeline' of run [0-9a-f]+ is no definition"):
        PipelineController.get(pipeline_id=pipe.id)


def test_a_draft_waits_in_a_queue_and_comes_back(home):
    """What agents will serve: the status and the queue are recorded."""
    pipe = small()
    pipe.create_draft()
    queued = PipelineController.enqueue(pipe, queue_name="services")
    assert (queued.id, queued.status, queued.data.queue) == (pipe.id, "queued", "services")
    assert Task.dequeue(pipe.id).status == "created"
    with pytest.raises(ValueError, match="queue"):
        PipelineController.enqueue(pipe)


# Names, numbers and versions


def test_runs_are_numbered_and_their_versions_follow_the_code(home):
    """Promises 3, 5 and 6, over runs that are started, cloned and drafted."""
    first = small()
    assert (first.task.name, first.task.project) == ("small", "Tests/.pipelines/small")
    start(first)
    second = small()
    start(second)
    changed = small(step=two)
    start(changed)
    plain = small(add_run_number=False)
    start(plain)
    named = small("1.0.0", auto_version_bump=True)
    start(named)
    runs = (first, second, changed, plain, named)
    assert [run.task.name for run in runs] == ["small", "small #2", "small #3", "small", "small #5"]
    assert [run.version for run in runs[:3]] == ["1.0.0", "1.0.0", "1.0.1"]
    with pytest.raises(ValueError, match="'abc'"):
        small("abc")


# As steps


def test_a_pipeline_is_a_step_of_another_one_with_parameters_of_its_own(draft, run):
    """Its run is recorded as one; values go in, and what it left is the step's, so that others can refer to it."""
    outer = PipelineController("outer", "Tests")
    outer.add_function_step("one", two, function_return=["x"])
    outer.add_step(
        "inner",
        draft.id,
        parameter_override={"Args/x": "${one.x}"},
        monitor_artifacts=["doubled"],
        monitor_metrics=[("result", "limit")],
    )
    outer.add_function_step("after", add, {"left": "${inner.doubled}"}, ["x"])
    assert run(outer) == {"one": "completed", "inner": "completed", "after": "completed"}
    step = outer.get_pipeline_dag()["inner"].job.task
    inner = PipelineController.get(pipeline_name="inner", pipeline_version="1.0.0")
    assert (inner.id != step.id, inner.task.parent) == (True, step.id)
    assert inner.get_parameters() == {"x": 2, "limit": 100}
    assert (returned(inner, "check", "z"), returned(outer, "after", "x")) == (4, 4)
    assert (set(inner.task.artifacts), set(step.artifacts)) == ({"double.extra", "doubled"}, {"doubled"})
    assert outer.task.artifacts["doubled"].get() == 4
    assert outer.task.get_reported_scalars()["result"]["limit"]["y"] == [100.0]
    assert "doubled 2 (1, 2)" in inner.get_pipeline_dag()["double"].job.get_console_output()[0]
    draft.task.reload()
    assert draft.task.status == "created"


def test_a_step_whose_pipeline_failed_has_failed(draft, run):
    """Its reason names the run and the step within; what depends on it does not run."""
    outer = PipelineController("outer", "Tests")
    outer.add_step("inner", draft.id, parameter_override={"Args/x": 50, "Args/limit": 10})
    outer.add_function_step("after", one, parents=["inner"])
    assert run(outer) == {"inner": "failed", "after": "skipped"}
    assert outer.task.status == "failed"
    task = outer.get_pipeline_dag()["inner"].job.task
    assert task.data.reason == "step failed"
    assert task.data.message == "pipeline 'inner' failed: step 'check' failed"


def nested():
    from penstock import PipelineController

    pipe = PipelineController("within a function", "Tests")
    pipe.add_function_step("add", add, {"left": 1, "right": [2, 3]})
    pipe.start_locally(run_pipeline_steps_locally=True)
    pipe.upload_artifact("noted", pipe.is_successful())
    return pipe.id, pipe.is_successful()


def test_a_function_of_a_step_may_carry_out_a_pipeline_and_decides_what_that_means(home, run):
    """Its run failed, and the step completed, since the function returned."""
    outer = PipelineController("outer", "Tests")
    outer.add_function_step("nested", nested, function_return=["id", "well"], helper_functions=[add])
    assert run(outer) == {"nested": "completed"}
    inner = PipelineController.get(pipeline_id=returned(outer, "nested", "id"))
    assert (inner.task.status, returned(outer, "nested", "well")) == ("failed", False)
    assert inner.task.artifacts["noted"].get() is False
    assert inner.task.parent == outer.get_pipeline_dag()["nested"].task_id
    assert "noted" not in outer.task.artifacts


def test_a_pipeline_whose_step_is_aborted_is_stopped_with_it(run, script):
    """Nobody else would end its run: its process is killed, and can say nothing itself."""
    Path(script).write_text(Path(script).read_text().replace("return 2 * x", "import time; time.sleep(600)"))
    hanging = PipelineController.create(
        "Tests", "inner", script=script, packages=[], force_single_script_file=True, version="7.0"
    )
    outer = PipelineController("outer", "Tests")
    outer.add_step("inner", hanging.id, time_limit=3.0)
    assert run(outer) == {"inner": "aborted"}

    def ended():
        (inner,) = [one for one in session.backend().call(ListRuns(pipeline="inner")) if one.number]
        return (inner.task.status, inner.task.reason) == ("stopped", "controller lost")

    if "PENSTOCK_TESTS_ON_QUEUES" in os.environ:  # there its agent sees to it, a moment later
        until(ended)
    assert ended()
