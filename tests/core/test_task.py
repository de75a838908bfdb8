"""What a status may become."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.task import ALLOWED, ENDED, JUDGED, OPEN, RESUMABLE, Status, Task, origins, refuse_move


def test_every_status_has_a_row_in_the_table():
    assert set(ALLOWED) == set(Status)
    assert set(Status) == ENDED | OPEN
    assert not ENDED & OPEN


@given(st.sampled_from(Status), st.sampled_from(Status))
def test_origins_are_the_table_read_backwards(start, to):
    assert (start in origins(to)) == (to in ALLOWED[start])
    assert (start in origins(to, JUDGED)) == (to in JUDGED.get(start, ()))


def test_a_judgement_is_about_an_end_and_gives_another_one():
    """What is in progress, or has not begun, is never judged; nor is what is published."""
    assert set(JUDGED) == ENDED - {Status.PUBLISHED}
    for start, targets in JUDGED.items():
        assert targets == set(JUDGED) - {start}


@pytest.mark.parametrize("status", sorted([*OPEN, Status.PUBLISHED]))
def test_no_judgement_leads_to_what_is_open_or_published(status):
    assert origins(status, JUDGED) == ()


@given(st.sampled_from(Status), st.sampled_from(Status))
def test_what_a_judgement_allows_a_late_report_may_not(start, to):
    """What is said on purpose has a table of its own: the one that reports obey allows none of it."""
    assert not (start in JUDGED and to in JUDGED[start] and to in ALLOWED[start])


def test_a_run_is_resumed_when_it_ended_short_of_its_goal_or_its_process_is_gone():
    assert {Status.IN_PROGRESS, Status.STOPPED, Status.FAILED} == RESUMABLE
    for ended in RESUMABLE & ENDED:
        assert Status.IN_PROGRESS not in ALLOWED[ended], "only on purpose"


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
