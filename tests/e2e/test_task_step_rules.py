"""Steps of recorded tasks when they fail, what callbacks change of them, and what the run takes over from them."""

from __future__ import annotations

import pytest

from penstock import PipelineController
from penstock.ops.tasks import ListTasks
from penstock.sdk import session

SEE = """
    from penstock import Task

    task = Task.init()
    seen = task.connect({"x": 1, "y": 2})
    config = task.connect_configuration({"a": 1}, name="config")
    task.upload_artifact("seen", {"values": dict(seen), "config": config, "tags": task.get_tags(),
                                  "docker": task.get_base_docker(), "code": "recorded"})
"""
FAIL = """
    from penstock import Task

    task = Task.init()
    task.set_parameter("General/left", "behind")
    raise ValueError("no luck")
"""
FAIL_ONCE = """
    import pathlib

    from penstock import Task

    Task.init()
    marker = pathlib.Path("been here")
    if not marker.exists():
        marker.touch()
        raise SystemExit(3)
"""
HANG = """
    import time

    from penstock import Task

    Task.init()
    time.sleep(600)
"""
REPORT = """
    import pathlib

    from penstock import Logger, OutputModel, PipelineController, Task

    task = Task.init()
    for step, loss in enumerate([3.0, 2.0, 1.0]):
        Logger.current_logger().report_scalar("test", "loss", loss, step)
    task.upload_artifact("data", [1, 2])
    for name in ("m_1", "m_2", "m_10", "other"):
        pathlib.Path(name).write_text(name)
        OutputModel(task=task, name=name).update_weights(name, auto_delete_file=False)
    PipelineController.upload_artifact("from inside", {"a": 1})
    PipelineController.upload_model("weights", "m_1")
    PipelineController.get_logger().report_scalar("of the run", "x", 1.0, 0)
"""


@pytest.fixture
def pipe(home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return PipelineController("rules", "Tests")


def give():
    return 1


# When it fails


def test_a_step_that_fails_says_why_and_its_children_are_never_created(pipe, run, record, task_of):
    """Promise 25: the sibling branch is not affected."""
    see = record("see", SEE)
    pipe.add_step("fail", record("fail", FAIL).id)
    pipe.add_step("child", see.id, parents=["fail"])
    pipe.add_function_step("grandchild", give, parents=["child"])
    pipe.add_step("sibling", see.id)
    assert run(pipe) == {"fail": "failed", "child": "skipped", "grandchild": "skipped", "sibling": "completed"}
    failed = task_of(pipe, "fail").data
    assert (failed.reason, failed.message.splitlines()[0]) == ("exception", "ValueError: no luck")
    assert 'raise ValueError("no luck")' in failed.message
    assert pipe.task.status == "failed"
    steps = session.backend().call(ListTasks(run=pipe.id))
    assert {task.step for task in steps} == {"fail", "sibling"}


def test_a_step_is_tried_again_as_often_as_it_may_and_each_try_is_a_task_of_its_own(pipe, run, record, reasons):
    """Promise 35: `retry_on_failure` as a number, and as a function that is told the number of retries."""
    asked = []

    def again(pipeline, node, retries):
        asked.append((pipeline is pipe, node.name, retries))
        return retries < 1

    once = record("once", FAIL_ONCE)
    pipe.add_step("number", once.id, retry_on_failure=2)
    pipe.add_step("function", record("fail", FAIL).id, retry_on_failure=again)
    pipe.add_step("never", record("fail", FAIL).id)
    assert run(pipe) == {"number": "completed", "function": "failed", "never": "failed"}
    tries = {step: node.attempt for step, node in pipe.get_pipeline_dag().items()}
    assert tries == {"number": 2, "function": 2, "never": 1}
    assert asked == [(True, "function", 0), (True, "function", 1)]
    first, second = session.backend().call(ListTasks(run=pipe.id, step="number"))
    assert (first.status, first.message.splitlines()[0], second.status) == ("failed", "sys.exit(3)", "completed")
    assert once.get_status() == "created"


def test_a_step_that_runs_too_long_is_aborted(pipe, run, record, task_of):
    """Promise 35: `time_limit` in seconds; its children do not run."""
    pipe.add_step("hang", record("hang", HANG).id, time_limit=1.0)
    pipe.add_step("child", record("see", SEE).id, parents=["hang"])
    assert run(pipe) == {"hang": "aborted", "child": "skipped"}
    assert task_of(pipe, "hang").data.reason == "time limit"
    assert pipe.task.status == "failed"


@pytest.mark.parametrize(
    ("base", "behaviour", "expected"),
    [
        (FAIL, {"continue_on_fail": False, "skip_children_on_fail": True}, ("failed", "skipped", "failed")),
        (FAIL, {"continue_on_fail": True, "skip_children_on_fail": True}, ("failed", "skipped", "completed")),
        (FAIL, {"continue_on_fail": True, "skip_children_on_fail": False}, ("failed", "completed", "completed")),
        (HANG, {"continue_on_abort": False, "skip_children_on_abort": True}, ("aborted", "skipped", "failed")),
        (HANG, {"continue_on_abort": True, "skip_children_on_abort": True}, ("aborted", "skipped", "completed")),
        (HANG, {"continue_on_abort": True, "skip_children_on_abort": False}, ("aborted", "completed", "completed")),
    ],
)
def test_what_comes_after_a_bad_end_is_as_its_four_flags_say(pipe, run, record, base, behaviour, expected):
    """Promise 35: `continue_behaviour`; what a failed step had recorded can still be referred to."""
    limit = 0.5 if base is HANG else None
    pipe.add_step("bad", record("bad", base).id, time_limit=limit, continue_behaviour=behaviour)
    pipe.add_step("child", record("see", SEE).id, parameter_override={"General/x": "${bad.id}"})
    statuses = run(pipe)
    assert (statuses["bad"], statuses["child"], pipe.task.status) == expected


def test_the_first_flag_alone_lets_the_run_complete(pipe, run, record):
    """Promise 35: `continue_on_fail`."""
    pipe.add_step("bad", record("fail", FAIL).id, continue_on_fail=True, stage="early")
    assert run(pipe) == {"bad": "failed"}
    assert (pipe.task.status, pipe.get_pipeline_dag()["bad"].stage) == ("completed", "early")


# What callbacks change


def test_a_callback_changes_the_draft_of_the_clone_and_the_process_runs_with_that(pipe, run, record, task_of):
    """Promises 45 to 47: parameters, tags, container, code and configurations of `node.job.task`; not of the base."""
    base = record("see", SEE)
    before = base.export_task()
    seen = []

    def change(pipeline, node, parameters):
        task = node.job.task
        seen.append((node.name, task.status, task.id != base.id, dict(parameters)))
        parameters["General/x"] = 10
        task.set_parameter("General/y", 20)
        task.set_configuration_object("config", config_dict={"a": "other"})
        task.add_tags("nightly gpu")
        task.set_base_docker("python:3.12", docker_arguments="--gpus all")
        task.set_script(diff=task.get_script()["diff"].replace("recorded", "changed"))

    pipe.add_parameter("x", 5)
    pipe.add_step("see", base.id, parameter_override={"General/x": "${pipeline.x}"}, pre_execute_callback=change)
    assert run(pipe) == {"see": "completed"}
    assert seen == [("see", "created", True, {"General/x": 5})]
    assert task_of(pipe, "see").artifacts["seen"].get() == {
        "values": {"x": 10, "y": 20},
        "config": {"a": "other"},
        "tags": ["nightly", "gpu"],
        "docker": "python:3.12 --gpus all",
        "code": "changed",
    }
    base.reload()
    assert base.export_task() == before


def test_a_callback_that_says_no_skips_the_step_and_what_relies_on_it(pipe, run, record):
    """Promise 48: no process is started, siblings run, and the run completes."""
    see = record("see", SEE)
    pipe.add_step("no", see.id, pre_execute_callback=lambda *_: False)
    pipe.add_step("child", see.id, parameter_override={"General/x": "${no.id}"})
    pipe.add_step("yes", see.id, pre_execute_callback=lambda *_: None)
    assert run(pipe) == {"no": "skipped", "child": "skipped", "yes": "completed"}
    assert pipe.task.status == "completed"
    assert [task.step for task in session.backend().call(ListTasks(run=pipe.id)) if task.started] == ["yes"]


@pytest.mark.here
def test_callbacks_are_told_how_a_step_goes_and_judge_how_it_went(pipe, run, record):
    """Promises 49 and 50: once when it has ended, before its children; each change of its status is told."""
    told = []

    def after(pipeline, node):
        told.append(("after", node.name, node.status, node.job.task.artifacts["seen"].get()["values"]["x"]))
        node.job.task.mark_failed(status_message="too small")

    def changed(pipeline, node, previous):
        told.append((node.name, previous, node.status))

    pipe.add_step("see", record("see", SEE).id, post_execute_callback=after, status_change_callback=changed)
    pipe.add_function_step("child", give, parents=["see"])
    assert run(pipe) == {"see": "failed", "child": "skipped"}
    assert [one for one in told if one[0] == "after"] == [("after", "see", "completed", 1)]
    assert told[0] == ("see", "pending", "running")
    assert ("see", "running", "completed") in told
    assert pipe.task.status == "failed"


# What the run takes over


def test_the_run_takes_over_what_it_is_told_to(pipe, run, record, task_of):
    """Promises 51 to 59, for tasks: falling metrics, artifacts, models by pattern; and what the step gives the run."""
    pipe.add_step(
        "report",
        record("report", REPORT).id,
        monitor_metrics=[("test", "loss"), (("test", "loss"), ("model", "error"))],
        monitor_artifacts=["data", ("data", "renamed")],
        monitor_models=["other", ("m_*", "best"), ("*", "newest")],
    )
    assert run(pipe) == {"report": "completed"}
    task, of_run = task_of(pipe, "report"), pipe.task
    scalars = of_run.get_reported_scalars()
    assert scalars["test"]["loss"]["y"] == scalars["model"]["error"]["y"] == [3.0, 2.0, 1.0]
    assert scalars["of the run"]["x"]["y"] == [1.0]
    assert [of_run.artifacts[name].get() for name in ("data", "renamed", "from inside")] == [[1, 2], [1, 2], {"a": 1}]
    data = task.artifacts["data"]
    assert (of_run.artifacts["renamed"].url, of_run.artifacts["renamed"].hash) == (data.url, data.hash)
    made, taken = ({model.name: model.url for model in one.models.output} for one in (task, of_run))
    assert (taken["other"], taken["best"], taken["newest"]) == (made["other"], made["m_2"], made["other"])
    assert "weights" in taken


# Where it would go


def test_the_queue_of_a_step_is_its_own_or_the_default_one(pipe, run, record, task_of):
    """Promises 24 and 60."""
    see = record("see", SEE)
    pipe.set_default_execution_queue("default")
    pipe.add_step("own", see.id, execution_queue="own")
    pipe.add_step("default", see.id)
    assert run(pipe) == {"own": "completed", "default": "completed"}
    assert {step: task_of(pipe, step).data.queue for step in ("own", "default")} == {"own": "own", "default": "default"}


@pytest.mark.here
def test_without_any_queue_the_step_is_named(pipe, record):
    """Promise 24."""
    pipe.add_step("own", record("see", SEE).id, execution_queue="own")
    pipe.add_step("lost", record("see", SEE).id)
    with pytest.raises(ValueError, match="step 'lost' has no execution queue"):
        pipe.start_locally()
