"""Pipelines: written as functions, with components that may be called many times, loops and conditions."""

from clearml import TaskTypes
from clearml.automation.controller import PipelineDecorator


@PipelineDecorator.component(return_values=["numbers"], cache=False, task_type=TaskTypes.data_processing)
def load(count):
    from clearml import Task

    Task.current_task().add_tags(["loads"])
    return list(range(count))


@PipelineDecorator.component(return_values=["score", "rate"])
def train(numbers, rate):
    print("training with", rate)
    return sum(numbers) * rate, rate


@PipelineDecorator.component(return_values=["best"])
def choose(score):
    return {"best": score}


@PipelineDecorator.pipeline(name="decorated", project="Compat", version="0.3")
def run(count=4, goal=10):
    numbers = load(count)
    best = 0
    for rate in (1, 2, 3):
        score, _ = train(numbers, rate)
        if score > goal:
            best = score
            break
    result = choose(best)
    print("best", result["best"])


if __name__ == "__main__":
    PipelineDecorator.run_locally()
    run(count=5, goal=15)
    print("pipeline done")
