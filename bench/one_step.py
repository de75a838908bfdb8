"""A script as a user writes it, with one step. Measured from the start of its process to the end."""

from __future__ import annotations

from penstock import PipelineController


def square(number: int) -> int:
    """Return the number times itself."""
    print(f"the square of {number}")
    return number * number


if __name__ == "__main__":
    pipe = PipelineController(name="one step", project="Bench", version="1.0.0")
    pipe.add_parameter("number", default=7)
    pipe.add_function_step("square", square, {"number": "${pipeline.number}"}, function_return=["result"])
    pipe.start_locally(run_pipeline_steps_locally=True)
    if not pipe.is_successful():
        raise SystemExit(1)
