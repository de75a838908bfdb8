"""A rehearsal is an attempt, and nothing of it is left."""

from __future__ import annotations

import json
import os
import sys
import threading

import pytest

from penstock.core.task import Status
from penstock.run import current, rehearsal
from penstock.sdk import assigned, recording


def state():
    """What belongs to this process, and what it has open."""
    descriptors = sorted(os.listdir("/proc/self/fd"))  # noqa: PTH208 - their numbers are wanted
    own = (os.getcwd(), dict(os.environ), list(sys.path), list(sys.meta_path))  # noqa: PTH109 - as it is
    recorded = (current.get(), recording.get(), recording.last())
    return descriptors, own, recorded, sys.modules["__main__"], sys.argv, threading.enumerate()


def test_all_of_an_attempt_is_carried_out():
    seen = []
    outcome = rehearsal.rehearse(lambda spec: seen.append((spec.task.id, current.get().task)))
    assert seen == [("0" * 32, "0" * 32)]
    assert outcome.status is Status.COMPLETED
    assert json.loads(outcome.artifacts[0].preview) == [1, [1.5, None]]


@pytest.mark.parametrize("rehearse", [rehearsal.rehearse, assigned.rehearse])
def test_nothing_of_it_is_left(rehearse, capfd):
    rehearse()  # what is imported or made the first time stays
    before = state()
    rehearse()
    assert state() == before
    assert capfd.readouterr() == ("", "")


def test_nothing_is_left_of_one_that_failed_either(monkeypatch):
    before = state()

    def fail(*_):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        rehearsal.rehearse(fail)
    monkeypatch.setattr(rehearsal, "execute", fail)
    with pytest.raises(ZeroDivisionError):
        assigned.rehearse()
    assert state() == before


def test_no_blob_of_it_is_stored(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assigned.rehearse()
    assert list(tmp_path.iterdir()) == []
