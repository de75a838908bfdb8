"""Whoever carries a task out hears when somebody aborts it, and of no other end."""

from __future__ import annotations

import threading

import pytest

from penstock.backend import connect
from penstock.core.errors import Unreachable
from penstock.core.task import EndReason, Status
from penstock.ops.lifecycle import BeginTask
from penstock.ops.steering import AbortTask
from penstock.ops.tasks import AwaitTask, CreateTask, EndTask, NewTask
from penstock.run import heed as module
from penstock.run.heed import Heed
from penstock.run.liveness import here
from penstock.settings import Settings

TASK = "1" * 32
PATIENCE = 60.0  # seconds after which a test is lost; none comes near


class Between:
    """A backend that cannot be reached as long as it is away, and says when it is asked."""

    def __init__(self, backend):
        self._backend = backend
        self.away = False
        self.asked = threading.Event()

    def call(self, op):
        self.asked.set()
        if self.away:
            raise Unreachable("nobody is there")
        return self._backend.call(op)


@pytest.fixture
def backend(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SETTLED", 0.0)
    monkeypatch.setattr(module, "PAUSE", 0.01)
    opened = connect(Settings(home=tmp_path / "home", workers=1))
    opened.call(CreateTask(task=NewTask(id=TASK, name="train", project="P")))
    opened.call(BeginTask(id=TASK, worker=here()))
    yield opened
    opened.close()


@pytest.fixture
def heard(backend):
    """What was heard, and the backend that is asked."""
    told = threading.Event()
    between = Between(backend)
    heed = Heed(between, TASK, lambda task: told.set() if task.message == "aborted by ada" else None)
    heed.start()
    assert between.asked.wait(PATIENCE)
    yield told, between, heed
    heed.stop()


def test_that_somebody_aborts_the_task_is_heard(backend, heard):
    told, _, _ = heard
    backend.call(AbortTask(id=TASK, by="ada"))
    assert told.wait(PATIENCE)


@pytest.mark.parametrize(("status", "reason"), [(Status.COMPLETED, None), (Status.STOPPED, EndReason.ABORTED)])
def test_how_the_task_ends_by_its_own_code_is_not_heard(backend, heard, status, reason):
    told, _, heed = heard
    backend.call(EndTask(id=TASK, status=status, reason=reason, message="enough"))
    heed._thread.join(PATIENCE)
    assert not heed._thread.is_alive()
    assert not told.is_set()


def test_a_store_that_was_away_for_a_while_is_asked_again(backend, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    told, between = threading.Event(), Between(backend)
    between.away = True
    heed = Heed(between, TASK, lambda _task: told.set())
    heed.start()
    assert between.asked.wait(PATIENCE)
    backend.call(AbortTask(id=TASK))
    between.away = False
    assert told.wait(PATIENCE)


def test_who_stopped_heeding_hears_nothing(backend, heard):
    told, _, heed = heard
    heed.stop()
    backend.call(AbortTask(id=TASK, by="ada"))
    heed._thread.join(PATIENCE)
    assert not told.is_set()


def test_a_task_that_has_not_ended_is_waited_for_and_then_nothing_is_said_of_it(backend):
    assert backend.call(AwaitTask(id=TASK, wait=0.01)) is None
    backend.call(AbortTask(id=TASK))
    assert backend.call(AwaitTask(id=TASK, wait=PATIENCE)).id == TASK
