"""Ends of runs that could not be recorded at once."""

from __future__ import annotations

import pytest

from penstock.core.errors import BadTransition, DiskFull
from penstock.core.task import Status
from penstock.ops.runs import EndRun
from penstock.run import owed

END = EndRun(id="r", status=Status.FAILED)


class Recorder:
    """A backend that fails with what it is told to, and remembers what it recorded."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.recorded = []

    def call(self, op):
        if self.errors:
            raise self.errors.pop(0)
        self.recorded.append(op)


@pytest.fixture(autouse=True)
def nothing_owed():
    owed._owed.clear()
    yield
    owed._owed.clear()


def test_an_end_that_can_be_recorded_is_not_owed():
    backend = Recorder()
    owed.end(backend, END)
    owed.settle()
    assert backend.recorded == [END]


def test_an_end_that_cannot_be_recorded_is_recorded_when_it_can_be():
    backend = Recorder(DiskFull(), DiskFull())
    owed.end(backend, END)
    owed.settle()
    assert backend.recorded == [], "the disk is still full"
    owed.settle()
    assert backend.recorded == [END]
    owed.settle()
    assert backend.recorded == [END], "it is owed once"


def test_what_somebody_else_has_ended_is_no_longer_owed():
    backend = Recorder(DiskFull(), BadTransition())
    owed.end(backend, END)
    owed.settle()
    owed.settle()
    assert backend.recorded == []
