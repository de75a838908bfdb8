"""A user's pipeline under test: in few lines, without processes, agents or a server."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path

import pandas as pd
import pytest

from penstock import PipelineController, PipelineDecorator, Task
from penstock.core.errors import BadParameter, Conflict, Invalid, NotFound


def load(rows):
    import pandas as pd

    return pd.DataFrame({"x": range(rows)})


def train(frame, rate):
    import os

    from penstock import Logger, Task

    print("training on", len(frame))
    Logger.current_logger().report_scalar("loss", "train", rate, 0)
    Task.current_task().set_user_properties(process=os.getpid())
    return float(frame["x"].sum() * rate)


def build(**options):
    pipe = PipelineController("user", "Tests", **options)
    pipe.add_parameter("rate", 0.5)
    pipe.add_function_step("load", load, {"rows": 4}, ["frame"])
    pipe.add_function_step("train", train, {"frame": "${load.frame}", "rate": "${pipeline.rate}"}, ["score"])
    return pipe


def test_a_pipeline_of_a_user_in_less_than_fifteen_lines(penstock):
    penstock.fake("load", frame=pd.DataFrame({"x": [1, 2]}))
    run = penstock.run(build(), parameters={"rate": 2})
    assert run.completed, run
    assert run.graph == {"load": set(), "train": {"load"}}
    assert run.order == ["load", "train"]
    assert run["train"].artifacts["score"] == 6
    assert run["train"].scalars == {"loss/train": [2]}


def test_steps_run_in_this_process_and_leave_it_as_it_was(penstock, capsys):
    before = sys.modules["__main__"], sys.argv, list(sys.path), Path.cwd(), sys.stdout
    run = penstock.run(build())
    assert run["train"].task.get_user_properties(value_only=True) == {"process": os.getpid()}
    assert run["train"].printed == "training on 4"
    assert "training on 4" in capsys.readouterr().out
    assert (sys.modules["__main__"], sys.argv, list(sys.path), Path.cwd(), sys.stdout) == before


def test_a_step_that_fails_is_told_with_its_error_and_what_is_skipped(penstock):
    penstock.fail("load", ValueError("no data"))
    run = penstock.run(build())
    assert run.statuses == {"load": "failed", "train": "skipped"}
    assert (run.completed, run.order) == (False, ["load"])
    assert "ValueError: no data" in run["load"].reason
    assert "<step 'load' failed: ValueError: no data>" in repr(run)
    with pytest.raises(NotFound, match="never launched"):
        _ = run["train"].artifacts


def test_a_step_that_fails_once_is_tried_again(penstock):
    penstock.fail("load", times=1)
    run = penstock.run(build(retry_on_failure=2))
    assert run.completed, run
    assert (run["load"].attempts, run.order) == (2, ["load", "load", "train"])


def test_a_fake_has_to_leave_all_that_its_step_declares(penstock):
    penstock.fake("load", table=1)
    run = penstock.run(build())
    assert "the fake of the step gives no 'frame'" in run["load"].reason


def test_a_fake_for_no_step_is_a_mistake_of_the_test(penstock):
    penstock.fake("lod", frame=1)
    with pytest.raises(Invalid, match="fake for step 'lod'"):
        penstock.run(build())


def test_a_parameter_that_is_not_there_is_one_as_well(penstock):
    with pytest.raises(BadParameter, match="no parameter 'rte'"):
        penstock.run(build(), parameters={"rte": 1})


def on_queues():
    pipe = build()
    pipe.set_default_execution_queue("far away")
    pipe.start()


def steps_on_queues():
    pipe = build()
    pipe.set_default_execution_queue("far away")
    pipe.start_locally()


@pytest.mark.parametrize("function", [on_queues, steps_on_queues])
def test_a_function_that_sends_its_pipeline_to_agents_runs_here(penstock, function):
    run = penstock.run(function, parameters={"rate": 10})
    assert run.completed, run
    assert run["train"].artifacts["score"] == 60
    assert run.parameters["Args/rate"] == 10


SCRIPT = """
    import sys
    from beside import double
    from penstock import PipelineController

    pipe = PipelineController("script", "Tests")
    pipe.add_function_step("double", double, {"n": int(sys.argv[1])}, ["out"])
    if __name__ == "__main__":
        pipe.start_locally(run_pipeline_steps_locally=True)
        sys.exit(0)
"""


def test_a_script_is_run_with_its_arguments(penstock, tmp_path):
    (tmp_path / "beside.py").write_text("def double(n):\n    return 2 * n\n")
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    run = penstock.run(script, "21")
    assert run["double"].artifacts["out"] == 42
    assert str(tmp_path) not in sys.path
    sys.modules.pop("beside")


def echo(value):
    return value


def with_a_list():
    pipe = PipelineController("lists", "Tests")
    pipe.add_parameter("values", [1], param_type="list")
    pipe.add_function_step("echo", echo, {"value": "${pipeline.values}"}, ["out"])
    pipe.start_locally(run_pipeline_steps_locally=True)


def test_parameters_of_any_plain_type_reach_a_pipeline_that_a_function_makes(penstock):
    assert penstock.run(with_a_list, parameters={"values": [2, "x", None]})["echo"].artifacts["out"] == [2, "x", None]


def test_what_starts_no_pipeline_is_told(penstock):
    with pytest.raises(Conflict, match="started no pipeline"):
        penstock.run(lambda: None)


def test_each_test_has_a_home_of_its_own(penstock):
    assert Task.get_tasks() == []
    assert penstock.run(build()).name == "user"


def test_earlier_executions_are_reused_within_a_test_as_ever(penstock):
    def cached():
        pipe = PipelineController("cached", "Tests")
        pipe.add_function_step("load", load, {"rows": 2}, ["frame"], cache_executed_step=True)
        return pipe

    assert penstock.run(cached()).order == ["load"]
    again = penstock.run(cached())
    assert (again.statuses, again.order, again.name) == ({"load": "cached"}, [], "cached #2")


def test_a_step_that_carries_out_a_recorded_script_runs_here(penstock, tmp_path):
    script = tmp_path / "work.py"
    script.write_text(
        "from penstock import Task\n"
        "task = Task.init('Tests', 'work')\n"
        "n = task.connect({'n': 1})['n']\n"
        "task.upload_artifact('twice', 2 * n)\n"
    )
    base = Task.create("Tests", "work", script=str(script), force_single_script_file=True)
    pipe = PipelineController("of tasks", "Tests")
    pipe.add_step("work", base_task_id=base.id, parameter_override={"General/n": 4})
    run = penstock.run(pipe)
    assert run.completed, run
    assert run["work"].artifacts == {"twice": 8}
    assert run["work"].parameters["General/n"] == 4


@PipelineDecorator.component(return_values=["numbers"])
def make(count):
    return list(range(count))


@PipelineDecorator.component(return_values=["total"])
def add(numbers, factor):
    return sum(numbers) * factor


@PipelineDecorator.pipeline(name="decorated", project="Tests")
def decorated(count=4):
    numbers = make(count)
    totals = [add(numbers, factor) for factor in (1, 2)]
    if max(totals) > 10:
        add(numbers, 100)


def test_a_pipeline_that_is_written_as_a_function_runs_here(penstock):
    penstock.fake("make", numbers=[1, 2, 3])
    run = penstock.run(decorated)
    assert run.completed, run
    assert run.graph["add"] == {"make"}
    assert [run[name].artifacts["total"] for name in ("add", "add_1", "add_2")] == [6, 12, 600]
