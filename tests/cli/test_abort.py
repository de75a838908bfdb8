"""Stopping a run, one of its steps, or a task."""

from __future__ import annotations

import os

from penstock.core.task import Status
from penstock.ops.runs import GetRun
from penstock.ops.tasks import GetTask

SCRIPT = """
    from penstock import PipelineController

    def wait(gate):
        print("waits", flush=True)
        open(gate).read()

    def after(value):
        pass

    pipe = PipelineController("gate", "Tests")
    pipe.add_function_step("wait", wait, {{"gate": {gate!r}}}, ["value"])
    pipe.add_function_step("after", after, {{"value": "${{wait.value}}"}})
    pipe.start_locally(run_pipeline_steps_locally=True)
"""


def test_a_run_is_stopped_and_its_end_awaited(script, start, process, recorder, tmp_path):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    run = start("run", script(SCRIPT.format(gate=str(gate))), "--plain")
    assert run.stdout.readline() == "wait | waits\n"
    answer = process("abort", "gate", "--wait", "60")
    assert answer.code == 0
    assert answer.err == "gate has ended\n"
    assert answer.out == "■ stopped: penstock abort by ada\n"
    assert run.wait() == 1
    steps = recorder.call(GetRun(id=process("show", "gate", "--json").document()["run"]["task"]["id"])).steps
    assert [str(step.status) for step in steps] == ["aborted", "skipped"]


def test_a_run_whose_process_is_gone_is_closed(recorder, penstock, dead_worker):
    run = recorder.run({"a": []}, worker=dead_worker)
    answer = penstock("abort", run.id)
    assert answer.code == 0
    assert answer.err == "iris was not running any more: its process is gone\n"
    assert answer.out == "■ stopped: the process that ran the pipeline is gone\n"
    assert recorder.status(run) is Status.STOPPED


def test_a_run_that_does_not_end_in_time_is_told(recorder, penstock):
    run = recorder.run({"a": []})
    answer = penstock("abort", run.id, "--wait", "0")
    assert answer.code == 1
    assert answer.err == "iris was asked to stop, and has not ended within 0 s\n"
    assert recorder.call(GetRun(id=run.id)).run.stop_asked == "penstock abort by ada"


def test_a_run_that_has_ended_cannot_be_stopped(recorder, penstock):
    recorder.complete({"a": []})
    answer = penstock("abort", "iris")
    assert answer.code == 1
    assert "only a run in progress can be stopped" in answer.err


def test_which_run_has_to_be_said(penstock):
    assert penstock("abort").code == 2


def test_the_document_holds_the_run(recorder, penstock, dead_worker):
    recorder.run({"a": []}, worker=dead_worker)
    assert penstock("abort", "last", "--json").document()["run"]["task"]["reason"] == "controller lost"


def test_a_step_is_aborted_and_the_rest_of_the_run_goes_on(recorder, penstock):
    run = recorder.run({"a": [], "b": []})
    recorder.attempt(run, "a")
    recorder.attempt(run, "b")
    answer = penstock("abort", "iris", "a")
    assert (answer.code, answer.out) == (0, "a: aborted by ada\n")
    steps = {step.name: str(step.status) for step in recorder.call(GetRun(id=run.id)).steps}
    assert steps == {"a": "aborted", "b": "running"}
    assert recorder.status(run) is Status.IN_PROGRESS
    assert penstock("abort", "iris", "b", "--json").document()["aborted"][0]["status"] == "aborted"


def test_a_step_that_has_not_begun_is_not_aborted_and_the_hint_says_what_is_done_instead(recorder, penstock):
    run = recorder.run({"a": []})
    answer = penstock("abort", "iris", "a")
    assert answer.code == 1
    assert "step 'a' is pending" in answer.err
    assert f"penstock skip {run.id[:12]} a" in answer.err


def test_a_task_that_belongs_to_no_run_is_aborted(recorder, penstock):
    task = recorder.begin(recorder.task("train"))
    answer = penstock("abort", "train")
    assert (answer.code, answer.out) == (0, "train: aborted by ada\n")
    assert recorder.call(GetTask(id=task.id)).status is Status.STOPPED
    assert penstock("abort", task.id, "--json").document()["task"]["status"] == "stopped"


def test_last_means_a_run_and_never_a_task(recorder, penstock):
    task = recorder.begin(recorder.task("train"))
    assert penstock("abort", "last").code == 3
    assert penstock("abort", "train", "a").code == 3
    assert recorder.call(GetTask(id=task.id)).status is Status.IN_PROGRESS
    assert "there is no run 'nothing'" in penstock("abort", "nothing").err
