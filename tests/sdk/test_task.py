"""`Task`: what users read of a task, and what they say of it."""

from __future__ import annotations

import pytest

from penstock import PipelineController, Task
from penstock.core.errors import BadParameter, Invalid, NotFound
from penstock.run import current


def note():
    task = Task.current_task()
    task.set_parameter("General/rate", 0.5, "how fast")
    task.add_tags(["a b", "c"])
    task.set_comment("from inside")
    return task.id, task.name, task.parent, task.status


def ask_for_nothing():
    seen = []
    for ask in (
        lambda: Task.get_task(task_id="f" * 32),
        lambda: Task.current_task().set_parameter("plain", 1),
        lambda: Task.current_task().set_parameter("General/x", object()),
    ):
        try:
            ask()
        except Exception as error:  # noqa: BLE001 - its class is what is looked at
            seen.append((type(error).__name__, str(error).partition("\n")[0]))
    return seen


@pytest.fixture
def pipe(home):
    return PipelineController("flow", "Tests")


def test_a_step_records_of_itself(pipe):
    pipe.add_function_step("note", note, function_return=["seen"], task_name="a note")
    pipe.start_locally(run_pipeline_steps_locally=True)
    task = Task.get_task(pipe.get_pipeline_dag()["note"].task_id)
    assert task.artifacts["seen"].get() == (task.id, "a note", pipe.id, "in_progress")
    assert (task.get_tags(), task.comment, task.parent) == (["a b", "c"], "from inside", pipe.id)
    assert task.get_parameters()["General/rate"] == 0.5
    assert (task.get_parameter("General/rate"), task.get_parameter("General/x", 7)) == (0.5, 7)


def test_a_step_gets_the_same_errors_as_a_script(pipe):
    """They come over its channel as the class that was raised."""
    pipe.add_function_step("ask", ask_for_nothing, function_return=["seen"])
    pipe.start_locally(run_pipeline_steps_locally=True)
    task = Task.get_task(pipe.get_pipeline_dag()["ask"].task_id)
    assert task.artifacts["seen"].get() == [
        ("NotFound", f"there is no task {'f' * 32}"),
        ("Invalid", "parameter 'plain' should be in the form of `section-name/parameter`"),
        ("BadParameter", "parameter 'General/x' cannot hold a object"),
    ]


def test_a_script_works_on_its_run(pipe):
    assert Task.current_task().id == pipe.id
    current.put(None)
    assert Task.current_task() is None


def test_tasks_are_found_by_id_and_by_name(pipe):
    newer = PipelineController("flow", "Other")
    assert Task.get_task(pipe.id).id == pipe.id
    assert Task.get_task(task_name="flow").id == newer.id
    assert Task.get_task(project_name="Tests/.pipelines/flow", task_name="flow").id == pipe.id
    with pytest.raises(NotFound, match="nothing"):
        Task.get_task("nothing")
    assert Task.get_task(project_name="Tests", task_name="nobody") is None
    with pytest.raises(Invalid, match="task_id or task_name"):
        Task.get_task()


def test_a_task_shows_what_it_was_when_it_was_read(pipe):
    before = pipe.task
    pipe.start_locally(run_pipeline_steps_locally=True)
    assert before.status == "created"
    assert before.get_status() == "completed"
    assert before.data.status == "completed"
    assert repr(before) == f"<Task 'flow' {pipe.id[:12]}: completed>"
    assert (before.task_type, before.project, before.name) == ("controller", "Tests/.pipelines/flow", "flow")


@pytest.mark.parametrize("value", [None, True, 3, 0.5, "text", [1, {"a": None}], {"a": [1.5]}])
def test_a_parameter_comes_back_in_its_type(pipe, value):
    pipe.task.set_parameter("General/deep/name", value)
    found = pipe.task.get_parameters()["General/deep/name"]
    assert (found, type(found)) == (value, type(value))


def test_a_parameter_that_cannot_be_held_is_refused_by_name(pipe):
    with pytest.raises(BadParameter, match="'General/x'"):
        pipe.task.set_parameter("General/x", {1, 2})
    with pytest.raises(Invalid, match="'x' should be in the form"):
        pipe.task.set_parameter("x", 1)
    assert pipe.task.get_parameters() == {}


def test_artifacts_and_models_of_any_task(pipe, tmp_path):
    (tmp_path / "w.bin").write_bytes(b"w")
    task = pipe.task
    assert task.upload_artifact("x", {"a": 1}, metadata={"rows": 3})
    model = task.upload_model("net", str(tmp_path / "w.bin"))
    assert task.artifacts["x"].get() == {"a": 1}
    assert [one.id for one in task.models["output"]] == [model.id]
    assert task.models["input"] == []


def test_the_console_is_read_from_its_end(pipe):
    for text in ("one", "two", "three"):
        pipe.get_logger().report_text(text, print_console=False)
        pipe.get_logger().flush()
    assert pipe.task.get_reported_console_output(2) == ["two", "three"]
    assert pipe.task.get_reported_console_output() == ["three"]
