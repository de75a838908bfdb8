"""Beginning runs and letting them go on, where whole runs (e2e/test_resume.py) do not look."""

from __future__ import annotations

import sys

import pytest
from msgspec.structs import replace

from penstock import PipelineController
from penstock.core.errors import Conflict
from penstock.core.task import Status
from penstock.ops.outputs import ReadConsole
from penstock.ops.runs import FindRun, GetRun, ListRuns, ResumeRun
from penstock.run import liveness
from penstock.sdk import launched, session
from penstock.sdk.begin import Begin, StartOptions, find_resumed
from penstock.sdk.launched import Launched


def one():
    return 1


def fail():
    raise ValueError("no luck")


@pytest.fixture
def call(home):
    return session.backend().call


def define(function=one, name="flow", **options):
    pipe = PipelineController(name, "Tests")
    pipe.add_function_step("a", function, function_return=["x"], **options)
    return pipe


def start(pipe, **options):
    pipe.start_locally(run_pipeline_steps_locally=True, **options)
    return pipe.get_pipeline_dag()["a"].status


def test_a_run_remembers_where_it_was_started(call, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "beside"), *sys.path])
    start(define())
    runtime = call(FindRun(text="last")).task.runtime
    assert (runtime["working"], runtime["folder"]) == (str(tmp_path), str(tmp_path / "beside"))


def test_a_run_without_local_imports_remembers_no_folder(call):
    pipe = PipelineController("flow", "Tests", enable_local_imports=False)
    pipe.start_locally(run_pipeline_steps_locally=True)
    assert call(FindRun(text="last")).task.runtime["folder"] == ""


def test_a_command_can_turn_the_cache_off(call):
    assert start(define(cache_executed_step=True)) == "completed"
    assert start(define(cache_executed_step=True)) == "cached"
    launched.put(Launched({}, use_cache=False))
    assert start(define(cache_executed_step=True)) == "completed"


def test_a_command_names_the_run_of_the_one_pipeline_that_goes_on(call):
    """The other pipelines of the script begin runs of their own."""
    assert start(define(fail)) == "failed"
    run = call(FindRun(text="last"))
    launched.put(Launched({}, resume="flow"))
    assert start(define(name="other")) == "completed"
    assert start(define(fail)) == "failed"
    assert call(GetRun(id=run.id)).steps[0].attempt == 2
    assert {one.pipeline: one.number for one in call(ListRuns())} == {"flow": 1, "other": 1}


def test_nobody_asks_for_a_run_to_go_on_by_default(call):
    pipe = define()
    assert find_resumed(session.backend(), pipe._definition, None) is None


def test_what_goes_on_is_what_the_process_works_on(call):
    start(define(fail))
    again = define(fail)
    draft = again.id
    start(again, resume="last")
    PipelineController.upload_artifact("note", 1)
    assert list(again.task.artifacts) == ["note"]
    assert again.id != draft


def test_of_two_that_resume_at_once_one_is_refused(call):
    start(define(fail))
    run = call(FindRun(text="last"))
    options = StartOptions()
    first = Begin(session.backend(), session.settings(), options).go_on_without_script(run)
    with pytest.raises(Conflict, match="is in progress, in process"):
        Begin(session.backend(), session.settings(), options).go_on_without_script(call(FindRun(text="last")))
    call(ResumeRun(id=run.id, worker=replace(liveness.here(), pid=1), seen=liveness.here()))
    with pytest.raises(Conflict, match="was resumed by somebody else just now"):
        call(ResumeRun(id=run.id, worker=liveness.here(), seen=liveness.here()))
    assert first.run.task.status is Status.IN_PROGRESS
    first.controller._processes.close()


def test_a_run_that_cannot_go_on_after_it_has_begun_again_ends(call, monkeypatch):
    start(define(fail))
    run = call(FindRun(text="last"))
    monkeypatch.setattr("penstock.sdk.begin.preload.plan", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        start(define(fail), resume="last")
    ended = call(GetRun(id=run.id)).run.task
    assert ended.status is Status.FAILED
    assert ended.message == "the controller failed: ZeroDivisionError: division by zero"


def test_a_callback_that_went_wrong_is_told_of_on_both_consoles(call, capsys):
    def changed(pipeline, node, previous):
        raise LookupError("first\nsecond")

    start(define(status_change_callback=changed))
    run = call(FindRun(text="last"))
    lines = [line.text for chunk in call(ReadConsole(task=run.id)) for line in chunk.lines]
    told = ["penstock: step 'a': status_change_callback raised LookupError: first", "second"]
    assert lines == told * 2  # it began to run, and it ended
    assert capsys.readouterr().err.splitlines() == told * 2
