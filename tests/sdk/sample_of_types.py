"""What type checkers are to see of decorated functions; tests/sdk/test_decorators.py runs both over it."""

from __future__ import annotations

from typing import assert_type

from penstock import PipelineController, PipelineDecorator


@PipelineDecorator.component
def load(rows: int, *, kind: str = "a") -> list[int]:
    return list(range(rows))


@PipelineDecorator.component(return_values=["model", "score"], cache=True, retry_on_failure=2)
def train(table: list[int], rate: float) -> tuple[dict[str, float], float]:
    return {"rate": rate}, rate * len(table)


@PipelineDecorator.pipeline(name="search", project="Types", default_queue="default")
def search(rows: int = 5) -> float:
    table = load(rows, kind="b")
    assert_type(table, list[int])
    model, score = train(table, 0.1)
    assert_type(model, dict[str, float])
    assert_type(score, float)
    return max(train(table, rate)[1] for rate in (0.1, 0.2))


def classic() -> None:
    pipe = PipelineController("classic", "Types")
    pipe.add_function_step("load", load, {"rows": 3}, ["table"])
    pipe.start_locally(run_pipeline_steps_locally=True)


if __name__ == "__main__":
    PipelineDecorator.run_locally()
    assert_type(search(3), float)
    search("three")  # wrong
    load()  # wrong
    load(1, kind=2)  # wrong
    train([1], "fast")  # wrong
