"""The records of a run."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from penstock.core.progress import StepStatus
from penstock.core.run import STEP_STATUS, Run, attempt_id
from penstock.core.task import Status, Task

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(TEXT, TEXT, st.integers(1, 9))
def test_the_same_attempt_has_the_same_id_and_looks_like_any_other(run, step, attempt):
    id = attempt_id(run, step, attempt)
    assert id == attempt_id(run, step, attempt)
    assert len(id) == 32
    assert set(id) <= set("0123456789abcdef")


@given(st.lists(st.tuples(st.text("ab", max_size=3), st.text("ab", max_size=3), st.integers(1, 3)), unique=True))
def test_different_attempts_have_different_ids(attempts):
    assert len({attempt_id(*one) for one in attempts}) == len(attempts)


def test_every_status_of_a_task_is_one_of_its_step():
    assert set(STEP_STATUS) == set(Status)
    assert STEP_STATUS[Status.STOPPED] is StepStatus.ABORTED


def test_a_run_has_the_id_of_its_task():
    assert Run(task=Task(id="x", name="n", project="p"), pipeline="n", project="p").id == "x"
