"""What a process works on."""

from __future__ import annotations

import os

import pytest

from penstock.run import current
from penstock.run.current import Current


@pytest.fixture(autouse=True)
def nothing():
    current.put(None)
    yield
    current.put(None)


def test_a_process_works_on_nothing_until_it_is_told():
    assert current.get() is None
    told = Current("t", "r", None, None, "/scratch")
    current.put(told)
    assert current.get() is told
    current.put(None)
    assert current.get() is None


@pytest.mark.parametrize(("task", "run", "is_step"), [("t", "r", True), ("r", "r", False), ("t", None, False)])
def test_a_step_is_what_belongs_to_a_run_and_is_not_it(task, run, is_step):
    assert Current(task, run, None, None, "").is_step is is_step


def test_it_remembers_which_process_it_was_made_for():
    assert Current("t", "r", None, None, "").process == os.getpid()
