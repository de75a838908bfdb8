"""How often a step is tried, how long it and its run may take, and what follows when it does not end well.

Promises 35 and 44, for what they say of retries, time limits and `continue_behaviour`.
"""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path

import pytest

from penstock import PipelineController
from penstock.core.errors import Invalid
from penstock.ops.runs import GetRun
from penstock.ops.tasks import ListTasks
from penstock.sdk import session


def give(value=1):
    return value


def fail():
    raise ValueError("no luck")


def count(file):
    with Path(file).open("a") as lines:
        lines.write("tried\n")
    raise ValueError("no luck")


def wait(pids=None):
    import os
    import subprocess
    import time

    if pids:
        child = subprocess.Popen(["sleep", "600"])
        Path(pids).write_text(f"{os.getpid()} {child.pid}")
    time.sleep(600)


@pytest.fixture
def make(home):
    return lambda **options: PipelineController("limits", "Tests", **options)


def run(pipe):
    pipe.start_locally(run_pipeline_steps_locally=True)
    return {name: node.status for name, node in pipe.get_pipeline_dag().items()}


def attempts(pipe, step):
    return [task.status.value for task in session.backend().call(ListTasks(run=pipe.id, step=step))]


# Retries


@pytest.mark.parametrize(
    ("default", "own", "tries"),
    [
        (None, None, 1),
        (None, 2, 3),
        (2, None, 3),
        (2, 0, 1),
        (1, 3, 4),
        (lambda pipe, node, retries: retries < 1, None, 2),
        (lambda pipe, node, retries: True, 0, 1),
        (5, lambda pipe, node, retries: False, 1),
    ],
)
def test_a_step_s_own_retries_win_over_those_of_the_pipeline(make, tmp_path, default, own, tries):
    pipe = make(retry_on_failure=default)
    pipe.add_function_step("a", count, {"file": str(tmp_path / "file")}, retry_on_failure=own)
    assert run(pipe) == {"a": "failed"}
    assert (tmp_path / "file").read_text().count("tried") == tries
    assert attempts(pipe, "a") == ["failed"] * tries


def test_a_step_that_was_aborted_is_not_tried_again(make):
    pipe = make()
    pipe.add_function_step("a", wait, time_limit=0.2, retry_on_failure=3)
    assert run(pipe) == {"a": "aborted"}
    assert attempts(pipe, "a") == ["stopped"]


# Time limits


def gone(pid):
    """Return whether a process is gone, within some seconds."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


def test_a_step_over_its_time_limit_ends_with_its_children_and_fails_the_run(make, tmp_path):
    """What relies on it is skipped, what does not goes on."""
    pipe = make()
    pipe.add_function_step("a", wait, {"pids": str(tmp_path / "pids")}, ["x"], time_limit=1.0)
    pipe.add_function_step("b", give, {"value": "${a.x}"})
    pipe.add_function_step("c", give)
    assert run(pipe) == {"a": "aborted", "b": "skipped", "c": "completed"}
    assert (pipe.task.status, pipe.task.data.message) == ("failed", "step 'a' was aborted")
    assert pipe.get_pipeline_dag()["a"].reason == "stopped: it ran longer than its time limit of 1 s"
    assert [gone(int(pid)) for pid in (tmp_path / "pids").read_text().split()] == [True, True]


def nap(seconds):
    import time

    time.sleep(seconds)


@pytest.mark.here
def test_a_time_limit_counts_from_the_start_of_the_process_and_not_from_the_wait_for_a_slot(make, monkeypatch):
    monkeypatch.setenv("PENSTOCK_WORKERS", "1")
    pipe = make()
    pipe.add_function_step("first", nap, {"seconds": 4})
    pipe.add_function_step("waits", give, time_limit=3.0)
    assert run(pipe) == {"first": "completed", "waits": "completed"}
    first, waits = (pipe.get_pipeline_dag()[name] for name in ("first", "waits"))
    assert waits.job_started >= first.job_ended, "it waited for longer than it may run"


def test_a_step_that_waited_for_its_slot_may_still_not_run_for_longer_than_its_limit(make, monkeypatch):
    monkeypatch.setenv("PENSTOCK_WORKERS", "1")
    pipe = make()
    pipe.add_function_step("first", give)
    pipe.add_function_step("waits", wait, time_limit=0.5)
    assert run(pipe) == {"first": "completed", "waits": "aborted"}
    assert pipe.get_pipeline_dag()["waits"].reason == "stopped: it ran longer than its time limit of 0.5 s"


@pytest.mark.parametrize("waiting", [False, True])
def test_a_run_over_its_time_limit_is_stopped(make, waiting):
    """Whether or not anything else happens meanwhile."""
    pipe = make()
    pipe.set_pipeline_execution_time_limit(0.5 / 60)
    pipe.add_function_step("a", wait, function_return=["x"])
    pipe.add_function_step("b", give, {"value": "${a.x}"})
    if waiting:
        pipe.add_function_step("c", give)
    run(pipe)
    assert {name: pipe.get_pipeline_dag()[name].status for name in "ab"} == {"a": "aborted", "b": "skipped"}
    task = pipe.task.data
    assert (task.status, task.reason) == ("stopped", "time limit")
    assert task.message.startswith("the run took longer than its time limit")


@pytest.mark.parametrize("minutes", [None, 0, 10])
def test_a_run_within_its_time_limit_completes(make, minutes):
    pipe = make()
    pipe.set_pipeline_execution_time_limit(minutes)
    pipe.add_function_step("a", give)
    assert run(pipe) == {"a": "completed"}
    assert pipe.task.status == "completed"


@pytest.mark.parametrize("minutes", [-1, "10", True])
def test_a_time_limit_is_a_number_of_minutes(make, minutes):
    with pytest.raises(Invalid, match="pipeline 'limits': time_limit must be a number of minutes above 0"):
        make().set_pipeline_execution_time_limit(minutes)


# What follows

FLAGS = ("continue_on_fail", "continue_on_abort", "skip_children_on_fail", "skip_children_on_abort")


@pytest.mark.parametrize("flags", list(itertools.product([True, False], repeat=4)))
@pytest.mark.parametrize("ends", ["failed", "aborted"])
def test_the_four_flags_decide_on_the_run_and_on_the_children_apart(make, flags, ends):
    behaviour = dict(zip(FLAGS, flags, strict=True))
    pipe = make()
    function, options = (fail, {}) if ends == "failed" else (wait, {"time_limit": 0.1})
    pipe.add_function_step("a", function, function_return=["x"], continue_behaviour=behaviour, **options)
    pipe.add_function_step("b", give, {"value": "${a.x}"}, ["x"])
    pipe.add_function_step("c", give, {"value": "${b.x}"}, ["x"])
    goes_on = behaviour["continue_on_fail" if ends == "failed" else "continue_on_abort"]
    skips = behaviour["skip_children_on_fail" if ends == "failed" else "skip_children_on_abort"]
    below = "skipped" if skips else "completed"
    assert run(pipe) == {"a": ends, "b": below, "c": below}
    assert pipe.task.status == ("completed" if goes_on else "failed")
    if not skips:
        assert pipe.get_pipeline_dag()["c"].job.task.artifacts["x"].get() is None  # there is no value to hand on


@pytest.mark.parametrize(
    ("given", "status", "below"),
    [
        ({}, "failed", "skipped"),
        ({"continue_on_fail": True}, "completed", "skipped"),
        ({"continue_behaviour": {}}, "completed", "skipped"),
        ({"continue_behaviour": {"skip_children_on_fail": False}}, "completed", "completed"),
        ({"continue_behaviour": {"continue_on_fail": False}}, "failed", "skipped"),
        ({"continue_on_fail": True, "continue_behaviour": {"continue_on_fail": False}}, "failed", "skipped"),
    ],
)
def test_flags_that_are_left_out_are_on_once_a_behaviour_is_given(make, given, status, below):
    pipe = make()
    pipe.add_function_step("a", fail, **given)
    pipe.add_function_step("b", give, parents=["a"])
    assert run(pipe) == {"a": "failed", "b": below}
    assert pipe.task.status == status


def test_abort_on_failure_spares_a_step_that_may_fail(make):
    pipe = make(abort_on_failure=True)
    pipe.add_function_step("a", fail, continue_on_fail=True)
    pipe.add_function_step("b", give)
    assert run(pipe) == {"a": "failed", "b": "completed"}
    assert pipe.task.status == "completed"


def test_abort_on_failure_waits_for_the_last_try(make, tmp_path):
    pipe = make(abort_on_failure=True)
    pipe.add_function_step("a", count, {"file": str(tmp_path / "file")}, retry_on_failure=2)
    pipe.add_function_step("b", wait)
    assert run(pipe) == {"a": "failed", "b": "aborted"}
    assert (tmp_path / "file").read_text().count("tried") == 3
    assert pipe.task.status == "failed"


def test_progress_is_the_part_of_the_steps_that_have_ended(make):
    seen = []
    pipe = make()
    after = lambda pipeline, node: seen.append(pipeline.task.get_progress())  # noqa: E731 - it is short
    for number in range(4):
        parents = [f"s{number - 1}"] if number else None
        pipe.add_function_step(f"s{number}", give, parents=parents, post_execute_callback=after)
    run(pipe)
    assert seen == [25, 50, 75, 100]
    assert pipe.task.get_progress() == 100
    assert session.backend().call(GetRun(id=pipe.id)).run.counts == {"completed": 4}


# What is a success


def successes(pipe):
    conditions = ("all", "failed", "aborted")
    return [pipe.is_successful(fail_condition=one) for one in conditions], [
        pipe.is_successful(fail_on_step_fail=False, fail_condition=one) for one in conditions
    ]


def test_cached_and_skipped_steps_have_ended_well(make):
    for expected in ("completed", "cached"):
        pipe = make()
        pipe.add_function_step("same", give, {"value": 7}, ["x"], cache_executed_step=True)
        pipe.add_function_step("vetoed", give, pre_execute_callback=lambda pipeline, node, parameters: False)
        pipe.add_function_step("below", give, parents=["vetoed"])
        assert run(pipe) == {"same": expected, "vetoed": "skipped", "below": "skipped"}
        assert successes(pipe) == ([True] * 3, [True] * 3)


@pytest.mark.parametrize(
    ("options", "status", "with_steps", "alone"),
    [
        ({}, "failed", [False, False, False], [False, False, True]),
        ({"continue_behaviour": {}}, "completed", [False, True, False], [True, True, True]),
    ],
)
def test_an_aborted_step_counts_unless_only_failures_do(make, options, status, with_steps, alone):
    """The run that it fails is no success either where only failures count."""
    pipe = make()
    pipe.add_function_step("slow", wait, time_limit=0.2, **options)
    pipe.add_function_step("below", give, parents=["slow"])
    assert run(pipe) == {"slow": "aborted", "below": "skipped"}
    assert pipe.task.status == status
    assert successes(pipe) == (with_steps, alone)


@pytest.mark.parametrize(
    ("options", "status", "with_steps", "alone"),
    [
        ({}, "failed", [False, False, True], [False, False, True]),
        ({"continue_on_fail": True}, "completed", [False, False, True], [True, True, True]),
    ],
)
def test_a_failed_step_counts_unless_only_aborts_do(make, options, status, with_steps, alone):
    pipe = make()
    pipe.add_function_step("bad", fail, **options)
    assert run(pipe) == {"bad": "failed"}
    assert pipe.task.status == status
    assert successes(pipe) == (with_steps, alone)


def test_a_run_that_was_stopped_was_aborted_and_did_not_fail(make):
    pipe = make()
    pipe.add_function_step("a", give, post_execute_callback=lambda pipeline, node: pipeline.stop())
    pipe.add_function_step("b", give, parents=["a"])
    run(pipe)
    assert pipe.task.status == "stopped"
    assert successes(pipe)[1] == [False, True, False]
    assert successes(pipe)[0][1] is True
