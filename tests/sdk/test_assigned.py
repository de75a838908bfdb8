"""Processes that carry a task out follow libraries and arguments as the step's definition says."""

from __future__ import annotations

import pytest

from penstock import PipelineController, Task


def dump():
    import joblib

    joblib.dump([1], "net.joblib")


def parse():
    import argparse

    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=0.1)
    return parser.parse_args([]).rate


def carried_out(function, **options):
    pipe = PipelineController("flow", "Tests")
    pipe.add_function_step("a", function, function_return=["x"], **options)
    pipe.start_locally(run_pipeline_steps_locally=True)
    task = Task.get_task(pipe.get_pipeline_dag()["a"].task_id)
    assert task.status == "completed", task.get_status_message()
    return task


@pytest.mark.parametrize(
    ("wanted", "models"), [(None, ["net"]), (True, ["net"]), (False, []), ({"joblib": False}, []), ({}, [])]
)
def test_libraries_are_followed_as_the_step_says(home, tmp_path, monkeypatch, wanted, models):
    monkeypatch.chdir(tmp_path)
    task = carried_out(dump, auto_connect_frameworks=wanted)
    assert [model.name for model in task.models["output"]] == models


def test_a_function_has_no_command_line_unless_that_is_asked_for(home):
    assert not [name for name in carried_out(parse).get_parameters() if name.startswith("Args/")]
    task = carried_out(parse, auto_connect_arg_parser=True)
    assert task.get_parameter("Args/rate") == 0.1


def test_a_script_gets_its_command_line_from_the_task(run, home):
    run("""
        import argparse
        from penstock import Task
        task = Task.init("P", "work")
        parser = argparse.ArgumentParser()
        parser.add_argument("--rate", type=float, default=0.1)
        print(parser.parse_args().rate)
    """)
    pipe = PipelineController("flow", "Tests")
    pipe.add_step("a", base_task_project="P", base_task_name="work", parameter_override={"Args/rate": 0.5})
    pipe.start_locally(run_pipeline_steps_locally=True)
    task = Task.get_task(pipe.get_pipeline_dag()["a"].task_id)
    assert (task.status, task.get_reported_console_output(9)) == ("completed", ["0.5"]), task.get_status_message()


def test_what_the_step_says_wrongly_is_said_and_stops_nothing(home):
    task = carried_out(parse, auto_connect_frameworks={"nonsense": True})
    assert "nonsense" in "\n".join(task.get_reported_console_output(9))
