"""The task of this process: how a script becomes one, what it connects to it, and how it leaves."""

from __future__ import annotations

import os

import pytest

from penstock import PipelineController, Task
from penstock.core.errors import Conflict, Invalid
from penstock.run import current
from penstock.sdk import recording


def inside():
    first = Task.init("Other", "name")
    again = Task.init()
    return first.id, again.id, first.name, Task.running_locally()


def report_inside():
    Task.init().get_logger().report_scalar("loss", "train", 1.0, 0)


def last(name="work"):
    return Task.get_task(task_name=name)


def test_a_script_is_the_same_task_however_often_it_asks(begin):
    task = begin("work", "P")
    for names in ({}, {"name": "work"}, {"name": None, "project": "P"}):
        assert begin(**{"name": None, "project": None, **names}).id == task.id
    assert Task.current_task().id == task.id
    assert Task.running_locally()


@pytest.mark.parametrize("other", [{"name": "other"}, {"project": "Q"}])
def test_another_name_is_refused_while_it_works_on_one(begin, other):
    begin("work", "P")
    with pytest.raises(Conflict, match="'work' in project 'P'"):
        begin(**other)


def test_another_task_begins_when_the_first_is_closed(begin):
    first = begin("first")
    first.close()
    assert (first.status, Task.current_task(), recording.get()) == ("completed", None, None)
    first.close()
    second = begin("second")
    assert (second.status, second.id != first.id) == ("in_progress", True)


def test_closing_another_task_closes_nothing(begin):
    other = Task.create("P", "other", script=__file__, packages=[])
    task = begin()
    other.close()
    assert (Task.current_task().id, task.get_status()) == (task.id, "in_progress")


def test_a_pipeline_s_script_is_the_task_of_its_run(begin):
    pipe = PipelineController("flow", "Tests")
    assert begin(name=None, project=None).id == pipe.id
    assert begin("flow", "Tests").id == pipe.id
    with pytest.raises(Conflict, match="works on task 'flow'"):
        begin("other", "Tests")
    pipe.task.close()
    assert pipe.task.status == "created"
    assert begin("other", "Tests").name == "other"


def test_after_a_run_has_ended_a_script_may_become_another_task(begin):
    pipe = PipelineController("flow", "Tests")
    pipe.start_locally(run_pipeline_steps_locally=True)
    task = begin("report", "Tests")
    assert (task.name, task.status, Task.current_task().id) == ("report", "in_progress", task.id)


def test_a_task_that_makes_a_pipeline_stays_the_script_s_own(begin):
    task = begin()
    logger = task.get_logger()
    logger.report_scalar("loss", "train", 1.0, 0)
    pipe = PipelineController("flow", "Tests")
    assert Task.current_task().id == pipe.id
    assert begin().id == task.id
    task.get_logger().report_scalar("loss", "train", 2.0, 1)
    task.close()
    assert task.status == "completed"
    assert task.get_reported_scalars()["loss"]["train"]["x"] == [0, 1]
    assert Task.current_task().id == pipe.id


def test_a_step_is_its_own_task_whatever_names_it_gives(home):
    pipe = PipelineController("flow", "Tests")
    pipe.add_function_step("a", inside, function_return=["first", "again", "name", "locally"])
    pipe.start_locally(run_pipeline_steps_locally=True)
    step = Task.get_task(pipe.get_pipeline_dag()["a"].task_id)
    found = [step.artifacts[name].get() for name in ("first", "again", "name", "locally")]
    assert found == [step.id, step.id, "a", False]


def test_what_a_step_reports_after_it_asked_for_its_task_is_recorded(home):
    pipe = PipelineController("flow", "Tests")
    pipe.add_function_step("a", report_inside)
    pipe.start_locally(run_pipeline_steps_locally=True)
    assert Task.get_task(pipe.get_pipeline_dag()["a"].task_id).get_last_iteration() == 0
    assert Task.get_task(pipe.get_pipeline_dag()["a"].task_id).get_reported_scalars()["loss"]


def test_a_forked_process_works_on_its_parent_s_task_and_cannot_end_it(begin):
    task = begin()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            mine = Task.init("Other", "name")
            mine.upload_artifact("from the child", 1)
            mine.close()
            code = 0 if mine.id == task.id else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert (task.get_status(), list(task.artifacts)) == ("in_progress", ["from the child"])


def test_what_processes_of_a_script_report_is_recorded_with_its_task(run):
    run("""
        import multiprocessing
        from penstock import Task

        def report(n):
            Task.current_task().get_logger().report_scalar("t", "s", n, n)

        if __name__ == "__main__":
            Task.init("P", "work")
            fork = multiprocessing.get_context("fork")
            several = [fork.Process(target=report, args=(n,)) for n in range(3)]
            for one in several:
                one.start()
            for one in several:
                one.join()
    """)
    assert sorted(last().get_reported_scalars()["t"]["s"]["x"]) == [0, 1, 2]


def test_an_option_that_means_nothing_fails_the_task(begin):
    with pytest.raises(Invalid, match="nonsense"):
        begin(auto_connect_frameworks={"nonsense": True})
    assert (last().status, Task.current_task()) == ("failed", None)


def test_what_is_connected_is_recorded_and_followed(begin):
    task = begin()
    settings = task.connect({"rate": 0.1, "deep": {"er": [1]}})
    settings["rate"] = 0.2
    task.connect({"x": None}, name="Mine")
    assert task.get_parameters() == {"General/rate": 0.2, "General/deep/er": [1], "Mine/x": None}


CONNECTS = """
import argparse
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel
from penstock import Task

@dataclass
class Settings:
    rate: float = 0.1

class Model(BaseModel):
    depth: int = 3

class Plain:
    width = 10

task = Task.init("P", "work")
dictionary = task.connect({"name": "first", "deep": {"on": True}})
settings = task.connect(Settings(), name="Settings")
model = task.connect(Model(), name="Model")
plain = task.connect(Plain(), name="Plain")
given = task.connect(argparse.Namespace(epochs=2), name="Given")
net = task.connect_configuration({"layers": [1]}, name="net")
Path("raw.txt").write_text("as it was")
raw = Path(task.connect_configuration("raw.txt", name="raw")).read_text()
kept = task.connect({"mine": 1}, name="Mine", ignore_remote_overrides=True)
task.upload_artifact("seen", [
    dictionary["name"], dictionary["deep"]["on"], settings.rate, model.depth, plain.width, given.epochs,
    net["layers"], raw, kept["mine"],
])
"""


def test_what_is_connected_takes_the_values_of_a_task_that_is_carried_out(run, home, tmp_path, monkeypatch):
    """In their types, for every kind of object; what a script keeps for itself stays."""
    monkeypatch.chdir(tmp_path)
    run(CONNECTS)
    task = last()
    first = ["first", True, 0.1, 3, 10, 2, [1], "as it was", 1]
    assert task.artifacts["seen"].get() == first
    recorded = task.get_parameters()
    assert (recorded["Settings/rate"], recorded["Model/depth"], recorded["Plain/width"]) == (0.1, 3, 10)
    pipe = PipelineController("flow", "Tests")
    pipe.add_step(
        "a",
        base_task_id=task.id,
        parameter_override={
            "General/name": "second",
            "General/deep/on": "false",
            "Settings/rate": "0.5",
            "Model/depth": 4,
            "Plain/width": "20",
            "Given/epochs": 5,
            "Mine/mine": 7,
        },
        configuration_overrides={"net": {"layers": [2, 3]}, "raw": "another"},
    )
    pipe.start_locally(run_pipeline_steps_locally=True)
    step = Task.get_task(pipe.get_pipeline_dag()["a"].task_id)
    assert step.status == "completed", step.get_status_message()
    assert step.artifacts["seen"].get() == ["second", False, 0.5, 4, 20, 5, [2, 3], "another", 1]
    assert task.artifacts["seen"].get() == first


@pytest.mark.parametrize("kind", ["dict", "list", "file"])
def test_a_configuration_is_recorded(begin, tmp_path, kind):
    (tmp_path / "net.yaml").write_text("a: 1\n")
    given = {"dict": {"a": 1}, "list": [1], "file": tmp_path / "net.yaml"}[kind]
    task = begin()
    assert task.connect_configuration(given, name="net") == given
    assert task.get_configuration_object("net")


def test_execution_stops_here_and_leaves_a_draft(run):
    done = run("""
        from penstock import Task
        task = Task.init("P", "work", tags="red")
        settings = task.connect({"rate": 0.5})
        task.upload_artifact("x", 1)
        print("before")
        task.execute_remotely(queue_name="gpu")
        print("after")
    """)
    assert done.stdout == "before\n"
    assert "is recorded as a draft" in done.stderr
    task = last()
    assert (task.status, task.data.queue, task.get_parameters()) == ("created", "gpu", {"General/rate": 0.5})
    assert (task.artifacts, task.get_reported_console_output(), task.get_tags()) == ({}, [], ["red"])


def test_execution_goes_on_here_where_that_is_wished(begin):
    task = begin()
    task.set_parameter("General/x", 1)
    draft = task.execute_remotely(exit_process=False)
    assert (draft.id, draft.status, draft.get_parameters()) == (task.id, "created", {"General/x": 1})
    assert (Task.current_task(), recording.get()) == (None, None)


def test_a_clone_is_left_as_the_draft_and_the_task_itself_ends(begin):
    task = begin()
    draft = task.execute_remotely(clone=True, exit_process=False)
    assert (draft.id != task.id, draft.name, draft.status, draft.parent) == (True, "work", "created", task.id)
    assert task.get_status() == "completed"


def test_only_the_task_of_this_process_can_stop_here(begin):
    other = Task.create("P", "other", script=__file__, packages=[])
    begin()
    with pytest.raises(Conflict, match="not the one of this process"):
        other.execute_remotely()


def test_in_the_process_that_carries_it_out_nothing_stops(run, home):
    run("""
        from penstock import Task
        task = Task.init("P", "work")
        rate = task.connect({"rate": 0.5})["rate"]
        task.execute_remotely()
        task.upload_artifact("seen", [rate, Task.running_locally()])
    """)
    pipe = PipelineController("flow", "Tests")
    pipe.add_step("a", base_task_project="P", base_task_name="work", parameter_override={"General/rate": 0.75})
    pipe.start_locally(run_pipeline_steps_locally=True)
    step = Task.get_task(pipe.get_pipeline_dag()["a"].task_id)
    assert step.status == "completed", step.get_status_message()
    assert step.artifacts["seen"].get() == [0.75, False]


def test_iterations_are_counted_from_where_they_are_said_to_begin(begin):
    task = begin()
    assert task.set_initial_iteration(10) == task.get_initial_iteration() == 10
    task.get_logger().report_scalar("loss", "train", 1.0, 1)
    task.flush()
    assert task.get_last_iteration() == 11


def test_outside_of_any_task_there_is_none(home):
    current.put(None)
    assert Task.current_task() is None
    assert Task.running_locally()
