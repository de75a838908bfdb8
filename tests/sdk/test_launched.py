"""What a command tells the pipelines of a script: parameters, and who watches."""

from __future__ import annotations

import pytest

from penstock import PipelineController, Task
from penstock.core.errors import BadParameter
from penstock.sdk import launched
from penstock.sdk.display import Silent
from penstock.sdk.launched import Launched


class Told(Silent):
    def __init__(self):
        self.lines = []

    def begun(self, run, steps):
        self.lines.append(("begun", run.number, steps))

    def step(self, name, status, attempt, reason):
        self.lines.append((name, str(status), attempt))

    def printed(self, step, lines):
        self.lines.append((step, lines))

    def ended(self, run):
        self.lines.append(("ended", str(run.task.status)))


def show(rate):
    print(f"rate {rate!r}")
    return rate


def piped(default=0.5):
    pipe = PipelineController("flow", "Tests")
    pipe.add_parameter("rate", default)
    pipe.add_function_step("show", show, {"rate": "${pipeline.rate}"}, ["x"])
    return pipe


def test_a_script_that_nobody_launched_is_left_to_itself(home):
    assert launched.get() is None
    assert piped().get_parameters() == {"rate": 0.5}


def test_a_command_sets_parameters_and_watches(home):
    """Promise 8: the value that was given replaces the default, in its type."""
    told = Told()
    launched.put(Launched({"rate": "0.25"}, told))
    pipe = piped()
    pipe.start_locally(run_pipeline_steps_locally=True)
    assert launched.get().used == {"rate"}
    assert launched.get().runs == [pipe.id]
    assert Task.get_task(pipe.get_pipeline_dag()["show"].task_id).artifacts["x"].get() == 0.25
    assert told.lines == [
        ("begun", 1, ["show"]),
        ("show", "running", 1),
        ("show", ["rate 0.25"]),
        ("show", "completed", 1),
        ("ended", "completed"),
    ]


def test_a_value_that_does_not_fit_is_refused_by_name(home):
    launched.put(Launched({"rate": "fast"}))
    with pytest.raises(BadParameter, match="'rate' must be a number, not 'fast'"):
        piped()


def test_a_parameter_that_the_pipeline_does_not_have_is_refused_before_anything_runs(home):
    launched.put(Launched({"raet": "1"}))
    pipe = piped()
    with pytest.raises(BadParameter, match="no parameter 'raet'") as caught:
        pipe.start_locally(run_pipeline_steps_locally=True)
    assert caught.value.hint == "did you mean 'rate'?"
    assert pipe.task.status == "created"
