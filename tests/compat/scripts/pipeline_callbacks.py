"""Pipelines: monitors, callbacks, retries, and what a step leaves at its pipeline."""

from clearml import PipelineController, Task
from clearml.automation.controller import PipelineController as Same

assert Same is PipelineController
seen = []


def flaky(marker):
    import os

    from clearml import PipelineController, Task

    if not os.path.exists(marker):
        open(marker, "w").close()
        raise ValueError("the first try fails")
    logger = Task.current_task().get_logger()
    for iteration in range(5):
        logger.report_scalar("test", "loss", 5 - iteration, iteration)
    PipelineController.upload_artifact("from the step", {"tries": 2})
    return "done"


def after(pipeline, node):
    seen.append((node.name, node.status))


def once_more(pipeline, node, retries):
    return retries < 2


if __name__ == "__main__":
    import os
    import tempfile

    pipe = PipelineController("callbacks", "Compat", "1.0.0", retry_on_failure=once_more)
    pipe.add_function_step(
        "flaky",
        flaky,
        function_kwargs={"marker": os.path.join(tempfile.mkdtemp(), "tried")},
        function_return=["result"],
        post_execute_callback=after,
        monitor_metrics=[("test", "loss")],
    )
    pipe.start_locally(run_pipeline_steps_locally=True)
    Task.current_task().set_user_properties(seen=repr(seen))
    assert [node.name for node in pipe.get_processed_nodes()] == ["flaky"]
