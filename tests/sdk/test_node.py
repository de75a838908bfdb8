"""`PipelineController.Node`: the documented picture of a step."""

from __future__ import annotations

import pytest

from penstock import PipelineController
from penstock.core.pipeline import Argument, Step
from penstock.core.progress import StepStatus
from penstock.core.run import StepState
from penstock.sdk.node import Node, node

# Of the fields of the reference, these belong to tasks as steps, callbacks and jobs, which come later.
LATER = {"task_factory_func", "clone_task", "job", "job_type", "job_code_section", "skip_job", "explicit_docker_image",
         "recursively_parse_parameters", "continue_behaviour"}  # fmt: skip
REFERENCE = {
    "name", "base_task_id", "task_factory_func", "queue", "parents", "timeout", "parameters", "configurations",
    "task_overrides", "executed", "status", "clone_task", "job", "job_type", "job_started", "job_ended",
    "job_code_section", "skip_job", "cache_executed_step", "return_artifacts", "monitor_metrics", "monitor_artifacts",
    "monitor_models", "explicit_docker_image", "recursively_parse_parameters", "output_uri", "draft",
    "continue_on_fail", "continue_on_abort", "skip_children_on_fail", "skip_children_on_abort", "continue_behaviour",
    "stage",
}  # fmt: skip


def test_a_node_has_the_documented_fields():
    assert set(Node.__struct_fields__) >= REFERENCE - LATER
    assert PipelineController.Node is Node


def test_a_node_is_how_a_step_is_defined_and_where_it_stands():
    step = Step(
        name="train",
        code="c",
        parents=("load",),
        arguments={"rate": Argument(value="${pipeline.rate}"), "data": Argument(artifact="train.data")},
        returns=("model",),
        queue="gpu",
        time_limit=5.0,
        stage="fit",
    )
    state = StepState(
        name="train", status=StepStatus.RUNNING, attempt=2, task="t", started=1.0, ended=None, reason="why"
    )
    found = node(step, state)
    assert (found.name, found.status, found.parents, found.queue, found.timeout) == (
        "train", "running", ["load"], "gpu", 5.0,
    )  # fmt: skip
    assert found.parameters == {"kwargs/rate": "${pipeline.rate}", "kwargs/data": None}
    assert (found.return_artifacts, found.stage, found.task_id, found.attempt) == (["model"], "fit", "t", 2)
    assert (found.job_started, found.job_ended, found.reason) == (1.0, None, "why")


@pytest.mark.parametrize(
    ("status", "options", "expected"),
    [
        ("pending", {}, None),
        ("queued", {}, None),
        ("running", {}, None),
        ("completed", {}, "t"),
        ("cached", {}, "t"),
        ("failed", {}, False),
        ("failed", {"skip_children_on_fail": False}, "t"),
        ("aborted", {}, False),
        ("aborted", {"skip_children_on_abort": False}, "t"),
        ("skipped", {}, False),
    ],
)
def test_executed_tells_whether_children_may_follow(status, options, expected):
    state = StepState(name="a", status=StepStatus(status), attempt=1, task="t")
    assert node(Step(name="a", code="c", **options), state).executed is expected or expected == "t"
    assert node(Step(name="a", code="c", **options), state).executed == expected
