"""Pipelines: steps from functions, with parameters, results as artifacts and a step that is skipped."""

from clearml import PipelineController


def make_numbers(count, seed=3):
    import random

    random.seed(seed)
    return [random.random() for _ in range(count)]


def scale(numbers, factor):
    scaled = [number * factor for number in numbers]
    return scaled, max(scaled)


def never(numbers):
    raise RuntimeError("a step that was vetoed must not run")


def veto(pipeline, node, parameters):
    return False


def created(pipeline, node, parameters):
    node.job.task.add_tags(["seen"])


if __name__ == "__main__":
    pipe = PipelineController(name="functions", project="Compat", version="1.2.0", add_pipeline_tags=False)
    pipe.add_parameter("count", default=4, description="how many numbers")
    pipe.set_default_execution_queue("default")
    pipe.add_function_step(
        name="make",
        function=make_numbers,
        function_kwargs=dict(count="${pipeline.count}"),
        function_return=["numbers"],
        cache_executed_step=True,
        pre_execute_callback=created,
    )
    pipe.add_function_step(
        name="scale",
        function=scale,
        function_kwargs=dict(numbers="${make.numbers}", factor=10),
        function_return=["scaled", "largest"],
        monitor_artifacts=["scaled"],
    )
    pipe.add_function_step(
        name="vetoed", function=never, function_kwargs=dict(numbers="${make.numbers}"), pre_execute_callback=veto
    )
    pipe.start_locally(run_pipeline_steps_locally=True)
    print("pipeline done", pipe.is_successful())
