"""What the processes of several tasks use is reported from one thread, for each until it has ended."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from penstock.core.errors import StoreError
from penstock.core.task import MONITORING, OFF, Status
from penstock.ops.outputs import ReportScalars
from penstock.ops.tasks import DescribeTask, EndTask
from penstock.run import monitors
from penstock.run.monitors import ResourceMonitors
from penstock.run.resources import TITLE

ONE, OTHER = "a" * 32, "b" * 32
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


class Backend:
    """Takes reports, unless it is to fail, and can be waited for."""

    blobs = None

    def __init__(self):
        self.asked = []
        self.fails = False
        self._came = threading.Condition()

    def call(self, op):
        with self._came:
            self.asked.append(op)
            self._came.notify_all()
        if self.fails:
            raise StoreError("no room")
        return op

    def reports(self, task):
        return [op for op in self.asked if isinstance(op, ReportScalars) and op.task == task]

    def wait_for(self, task, count):
        with self._came:
            assert self._came.wait_for(lambda: len(self.reports(task)) >= count, 60)


@pytest.fixture
def backend():
    return Backend()


@pytest.fixture
def watching(backend, monkeypatch):
    monkeypatch.setattr(monitors, "SETTLED", 0.01)
    made = ResourceMonitors(backend, first=0.02, every=0.02)
    yield made
    made.end()


def test_what_each_process_uses_is_reported_for_its_own_task_again_and_again(backend, watching):
    watching.begin(ONE, os.getpid())
    watching.begin(OTHER, os.getppid())
    backend.wait_for(ONE, 2)
    backend.wait_for(OTHER, 2)
    (first, *_) = backend.reports(ONE)
    assert {one.title for one in first.series} == {TITLE}
    assert {"process_memory_gb", "process_cpu_usage", "memory_used_gb", "disk_free_gb"} <= {
        one.series for one in first.series
    }
    assert sum(one.name == "penstock-monitors" for one in threading.enumerate()) == 1


@pytest.mark.parametrize(
    "last", [EndTask(id=ONE, status=Status.COMPLETED), DescribeTask(id=ONE, runtime={MONITORING: OFF})]
)
def test_nothing_more_is_reported_of_a_task_that_has_ended_or_whose_code_does_not_want_it(backend, watching, last):
    watching.begin(ONE, os.getpid())
    watching.begin(OTHER, os.getpid())
    backend.wait_for(ONE, 1)
    assert watching.call(last) == last
    count = len(backend.reports(ONE))
    backend.wait_for(OTHER, len(backend.reports(OTHER)) + 3)
    assert len(backend.reports(ONE)) <= count + 1, "one may have been on its way"


def test_one_that_comes_when_all_others_have_ended_is_reported_too(backend, watching):
    watching.begin(ONE, os.getpid())
    watching.call(EndTask(id=ONE, status=Status.COMPLETED))
    watching.begin(OTHER, os.getpid())
    backend.wait_for(OTHER, 1)


def test_a_report_that_cannot_be_recorded_ends_nothing(backend, watching):
    backend.fails = True
    watching.begin(ONE, os.getpid())
    backend.wait_for(ONE, 2)


def test_a_task_that_is_over_at_once_is_never_looked_at(backend, monkeypatch):
    monkeypatch.setattr(monitors, "counts", lambda _: pytest.fail("it looked"))
    made = ResourceMonitors(backend)
    made.begin(ONE, os.getpid())
    made.call(EndTask(id=ONE, status=Status.COMPLETED))
    made.end()
    assert [type(op) for op in backend.asked] == [EndTask]
