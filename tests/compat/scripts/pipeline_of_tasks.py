"""Pipelines: steps that carry out recorded tasks, with other parameters and configurations."""

import os
import sys

from clearml import Task
from clearml.automation import PipelineController

STEP = os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "hyperparameters_dict.py")


def record_base():
    Task.create(project_name="Compat", task_name="base", script=STEP, force_single_script_file=True)


if __name__ == "__main__":
    record_base()
    pipe = PipelineController(name="tasks", project="Compat", version="0.1", add_pipeline_tags=True)
    pipe.add_step(
        name="first",
        base_task_project="Compat",
        base_task_name="base",
        parameter_override={"General/rate": 0.25},
    )
    pipe.add_step(
        name="second",
        parents=["first"],
        base_task_project="Compat",
        base_task_name="base",
        parameter_override={"General/rate": "${first.parameters.General/rate}", "General/name": "after ${first.id}"},
    )
    pipe.start_locally(run_pipeline_steps_locally=True)
