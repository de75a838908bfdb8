"""`penstock resume`, where the runs of e2e/test_resume.py do not look."""

from __future__ import annotations

import json

import pytest

from penstock.core.task import Status
from penstock.ops.runs import FindRun

READS = """
    from pathlib import Path
    from penstock import PipelineController

    def read(file):
        print("reading")
        return Path(file).read_text()

    pipe = PipelineController("reads", "Tests")
    pipe.add_function_step("read", read, {{"file": {file!r}}}, ["text"])
    pipe.start_locally(run_pipeline_steps_locally=True)
"""


@pytest.fixture
def missing(script, process, tmp_path):
    """A file because of which a run failed that reads it."""
    file = tmp_path / "file"
    assert process("run", script(READS.format(file=str(file)))).code == 1
    return file


def test_a_run_goes_on_and_its_end_is_the_exit_code(missing, process, recorder):
    again = process("resume", "reads")
    assert again.code == 1
    assert again.err.splitlines()[-1] == "next: penstock show reads   penstock logs reads read   penstock resume reads"
    missing.write_text("here")
    answer = process("resume")
    assert answer.code == 0
    assert answer.out == "read | reading\n"
    assert answer.err.splitlines()[-1] == "next: penstock show reads"
    assert recorder.call(FindRun(text="last")).task.status is Status.COMPLETED


def test_with_json_the_document_is_all_that_is_printed(missing, process):
    missing.write_text("here")
    answer = process("resume", "--json")
    document = json.loads(answer.out)
    assert (answer.code, document["exit_code"], document["runs"][0]["task"]["status"]) == (0, 0, "completed")


def test_in_a_terminal_the_steps_that_stay_are_in_the_table_too(missing, terminal):
    missing.write_text("here")
    answer = terminal(90, 30).call("resume")
    assert answer.code == 0
    assert "read" in answer.out
    assert "completed" in answer.out


@pytest.mark.parametrize(
    ("run", "code", "words"),
    [("nothing", 3, "there is no run 'nothing'"), ("last", 3, "nothing has run here yet")],
)
def test_a_run_that_is_not_there_is_said(home, penstock, run, code, words):
    answer = penstock("resume", run)
    assert (answer.code, words in answer.err) == (code, True)


def test_a_run_in_progress_or_completed_is_refused(recorder, penstock):
    recorder.complete({"a": ()}, "whole")
    assert "only one that failed, was stopped or lost can be resumed" in penstock("resume", "whole").err
    recorder.run({"a": ()}, "going")
    answer = penstock("resume", "going")
    assert answer.code == 1
    assert "run 'going' is in progress, in process" in answer.err
    assert "penstock abort" in answer.err


def test_a_run_whose_folder_is_gone_is_refused_and_stays_as_it_is(missing, process, recorder, script, tmp_path):
    run = recorder.call(FindRun(text="last"))
    with recorder.backend._service._store.transaction() as tx:
        tx.tasks.note(run.id, {**run.task.runtime, "working": str(tmp_path / "gone")})
    answer = process("resume")
    assert answer.code == 2
    assert f"the folder {str(tmp_path / 'gone')!r} that run 'reads' was started in is not there" in answer.err
    assert recorder.call(FindRun(text="last")).task.status is Status.FAILED
