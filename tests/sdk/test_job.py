"""An attempt as callbacks meet it; in whole runs: e2e/test_callbacks.py."""

from __future__ import annotations

import threading

import pytest

from penstock.core.errors import Conflict, NotFound, StepFailed
from penstock.core.outputs import ConsoleLine, ScalarPoint, Stream
from penstock.core.run import REUSED
from penstock.core.task import Parameter, Status, Worker
from penstock.ops.lifecycle import BeginTask
from penstock.ops.outputs import AppendConsole, NewPoints, ReportScalars
from penstock.ops.tasks import CreateTask, EndTask, GetTask, NewTask
from penstock.run.callbacks import POST, call
from penstock.sdk import session
from penstock.sdk.job import Job

ID = "1" * 32
PARAMETERS = tuple(Parameter(section=section, name="x", value=1) for section in ("kwargs", "return"))


@pytest.fixture
def job(home):
    new = NewTask(id=ID, name="a", project="P", parameters=PARAMETERS)
    session.backend().call(CreateTask(task=new))
    return Job(ID)


def test_a_draft_is_pending(job):
    assert (job.task_id(), job.task.id, job.status(), job.status(force=True)) == (ID, ID, "created", "created")
    assert (job.is_pending(), job.is_running(), job.is_stopped()) == (True, False, False)
    assert (job.elapsed(), job.status_message()) == (-1.0, "")
    assert (job.started(), job.iterations(), job.worker()) == (False, -1, None)
    assert job.is_cached_task() is False


def test_it_is_called_with_its_parameters_but_not_with_what_it_returned(job):
    assert job.task_parameter_override == {"kwargs/x": 1}


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (Status.QUEUED, ["is_pending"]),
        (Status.IN_PROGRESS, ["is_running"]),
        (Status.COMPLETED, ["is_stopped", "is_completed"]),
        (Status.PUBLISHED, ["is_stopped", "is_completed"]),
        (Status.FAILED, ["is_stopped", "is_failed"]),
        (Status.STOPPED, ["is_stopped", "is_aborted"]),
    ],
)
def test_each_status_is_told_apart(job, status, said):
    with session.backend()._service._store.transaction() as tx:
        tx.tasks._session.run("UPDATE tasks SET status = ?, started = 1.0, ended = 3.5 WHERE id = ?", status.value, ID)
    assert job.started() is (status is not Status.QUEUED)
    names = ("is_pending", "is_running", "is_stopped", "is_completed", "is_failed", "is_aborted")
    assert [name for name in names if getattr(job, name)()] == said
    assert job.elapsed() == 2.5


def test_a_reused_task_is_told(home):
    session.backend().call(CreateTask(task=NewTask(id=ID, name="a", project="P", runtime={REUSED: "2"})))
    assert Job(ID).is_cached_task() is True


def test_the_values_of_a_series_are_least_greatest_and_last(job):
    points = tuple(ScalarPoint(number, value, 1.0) for number, value in enumerate((2.0, 5.0, 1.0, 3.0)))
    session.backend().call(ReportScalars(task=ID, series=(NewPoints(title="t", series="s", points=points),)))
    assert job.get_metric("t", "s") == (1.0, 5.0, 3.0)
    with pytest.raises(NotFound, match="'x' of 't'"):
        job.get_metric("t", "x")


def begin(id=ID):
    worker = Worker(host="here", pid=7)
    session.backend().call(BeginTask(id=id, worker=worker))


def end(status=Status.COMPLETED):
    session.backend().call(EndTask(id=ID, status=status, message="it is over"))


def test_the_worker_is_the_process_that_carries_it_out(job):
    begin()
    assert (job.started(), job.worker()) == (True, "here:7")


def test_its_iterations_are_the_last_one_of_any_series(job):
    for series, last in (("a", 7), ("b", 3)):
        points = tuple(ScalarPoint(number, 0.5, 1.0) for number in (0, last))
        session.backend().call(ReportScalars(task=ID, series=(NewPoints(title="t", series=series, points=points),)))
    assert job.iterations() == 7


def test_how_it_ended_is_told_in_its_words(job):
    begin()
    end(Status.FAILED)
    assert (job.status_message(), job.status()) == ("it is over", "failed")
    assert repr(job) == "<Job of <Task 'a' 111111111111: failed>>"


def test_its_console_is_read_from_its_end(job):
    lines = tuple(ConsoleLine(1.0, Stream.OUT, text) for text in ("one", "two"))
    session.backend().call(AppendConsole(task=ID, lines=lines))
    assert "two" in job.get_console_output()[-1]


def test_who_waits_hears_of_the_end_at_once(job):
    begin()
    assert job.wait(timeout=0) is False
    assert job.wait(timeout=0.01 / 60) is False
    waiting = threading.Thread(target=lambda: ended.append((job.wait(), job.status())))
    ended = []
    waiting.start()
    end(Status.STOPPED)
    waiting.join(timeout=60)
    assert ended == [(True, "stopped")]
    assert job.wait(timeout=0) is True


def test_a_callback_does_not_wait_for_what_waits_for_it(job):
    begin()
    with pytest.raises(StepFailed, match=r"Conflict: task 1+ ends only once this callback has returned"):
        call(POST, job.wait)
    end()
    assert call(POST, job.wait) is True


def test_what_has_begun_is_aborted_and_what_has_ended_stays_so(job):
    with pytest.raises(Conflict, match="is created; only one that has begun can be aborted"):
        job.abort()
    begin()
    job.abort()
    assert (job.is_aborted(), job.status_message()) == (True, "a callback aborted it")
    seen = session.backend().call(GetTask(id=ID))
    job.abort()
    assert session.backend().call(GetTask(id=ID)) == seen


def test_a_task_of_its_own_is_deleted(job):
    assert job.delete() is True
    with pytest.raises(NotFound):
        job.status()
