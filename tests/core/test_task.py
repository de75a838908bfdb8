"""What a status may become."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.task import ALLOWED, ENDED, OPEN, Status, Task, origins, refuse_move


def test_every_status_has_a_row_in_the_table():
    assert set(ALLOWED) == set(Status)
    assert set(Status) == ENDED | OPEN
    assert not ENDED & OPEN


@given(st.sampled_from(Status), st.sampled_from(Status))
def test_origins_are_the_table_read_backwards(start, to):
    assert (start in origins(to)) == (to in ALLOWED[start])


@pytest.mark.parametrize("ended", [Status.FAILED, Status.STOPPED, Status.PUBLISHED])
def test_what_ended_badly_or_for_good_stays_so(ended):
    assert not ALLOWED[ended]


def test_a_refusal_names_the_task_and_what_is_allowed():
    error = refuse_move("t1", Status.QUEUED, Status.COMPLETED)
    assert "task t1 is queued; it cannot become completed" in str(error)
    assert "in_progress" in error.hint


def test_a_task_knows_how_long_it_ran():
    task = Task(id="1", name="n", project="p", started=10.0, ended=12.5)
    assert task.seconds == 2.5
    assert Task(id="1", name="n", project="p", started=10.0).seconds is None
