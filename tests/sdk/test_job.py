"""An attempt as callbacks meet it; in whole runs: e2e/test_callbacks.py."""

from __future__ import annotations

import pytest

from penstock.core.errors import NotFound
from penstock.core.outputs import ScalarPoint
from penstock.core.run import REUSED
from penstock.core.task import Parameter, Status
from penstock.ops.outputs import NewPoints, ReportScalars
from penstock.ops.tasks import CreateTask, NewTask
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
