"""A pipeline of three tasks that were recorded by running dataset.py, process.py and train.py once each."""

from __future__ import annotations

from penstock import PipelineController

PROJECT = "Examples/recorded tasks"

pipe = PipelineController("recorded tasks", "Examples")
pipe.add_parameter("test_size", 0.25, "part of the rows to test with")
pipe.add_step("stage_data", base_task_project=PROJECT, base_task_name="dataset", cache_executed_step=True)
pipe.add_step(
    "stage_process",
    parents=["stage_data"],
    base_task_project=PROJECT,
    base_task_name="process",
    parameter_override={
        "General/dataset_url": "${stage_data.artifacts.dataset.url}",
        "General/dataset_task_id": "${stage_data.id}",
        "General/test_size": "${pipeline.test_size}",
    },
    cache_executed_step=True,
)
pipe.add_step(
    "stage_train",
    base_task_project=PROJECT,
    base_task_name="train",
    parameter_override={"Args/process_task": "${stage_process.id}"},
    cache_executed_step=True,
    monitor_metrics=[("accuracy", "test")],
    monitor_models=["model"],
)
pipe.start_locally(run_pipeline_steps_locally=True)
