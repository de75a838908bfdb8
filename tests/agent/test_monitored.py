from __future__ import annotations

import os
import sys
import threading

import pytest

from penstock.agent.monitored import Monitored
from penstock.core.task import MONITORING, OFF, Status, Task
from penstock.ops.outputs import ReportScalars
from penstock.ops.tasks import DescribeTask, EndTask
from penstock.run import resources
from penstock.run.resources import TITLE

TASK = Task(id="a" * 32, name="work", project="P")
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


class Backend:
    blobs = None

    def __init__(self):
        self.asked = []
        self.reported = threading.Event()

    def call(self, op):
        self.asked.append(op)
        if isinstance(op, ReportScalars):
            self.reported.set()


@pytest.fixture
def backend(monkeypatch):
    monkeypatch.setattr(resources.ResourceMonitor.__init__, "__defaults__", ("self", 0.02, 0.02))
    return Backend()


@linux
def test_what_a_process_uses_is_reported_for_its_task_until_it_ends(backend):
    monitored = Monitored(backend, TASK)
    monitored.begin(TASK.id, os.getpid())
    assert backend.reported.wait(60)
    monitored.call(EndTask(id=TASK.id, status=Status.COMPLETED))
    assert isinstance(backend.asked[-1], EndTask)
    reports = backend.asked[:-1]
    assert {one.task for one in reports} == {TASK.id}
    series = {one.series for report in reports for one in report.series if one.title == TITLE}
    assert {"process_memory_gb", "process_cpu_usage", "memory_used_gb", "cpu_usage"} <= series


@linux
def test_code_that_wants_no_report_gets_none(backend):
    monitored = Monitored(backend, TASK)
    monitored.begin(TASK.id, os.getpid())
    other = DescribeTask(id="b" * 32, runtime={MONITORING: OFF})
    monitored.call(other)
    assert backend.reported.wait(60), "that was about another task"
    own = DescribeTask(id=TASK.id, runtime={MONITORING: OFF})
    monitored.call(own)
    count = len(backend.asked)
    assert backend.asked[-1] == own
    assert not any(one.name == "penstock-resources" and one.is_alive() for one in threading.enumerate())
    monitored.end()
    assert len(backend.asked) == count
