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


@pytest.mark.parametrize("assigned", [True, False])
def test_it_knows_whether_its_task_was_there_before_the_process(assigned):
    assert Current("t", "r", None, None, "", assigned=assigned).assigned is assigned
    assert not Current("t", "r", None, None, "").assigned


def test_it_remembers_which_process_it_was_made_for():
    assert Current("t", "r", None, None, "").process == os.getpid()
