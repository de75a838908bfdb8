"""Which task is which attempt of a run's steps."""

from __future__ import annotations

from penstock.core.run import StepState, attempt_id
from penstock.run.ids import Ids

RUN, OWN = "1" * 32, "2" * 32


def test_the_id_of_an_attempt_derives_from_run_step_and_number():
    assert Ids(RUN).of("a", 1) == attempt_id(RUN, "a", 1)
    assert len({Ids(RUN).of(step, attempt) for step in "ab" for attempt in (1, 2)}) == 4


def test_a_task_that_was_adopted_keeps_its_own_id_for_that_attempt_alone():
    ids = Ids(RUN)
    ids.note("a", 2, OWN)
    assert ids.of("a", 2) == OWN
    for step, attempt in (("a", 1), ("a", 3), ("b", 2)):
        assert ids.of(step, attempt) == attempt_id(RUN, step, attempt)


def test_what_was_noted_last_counts():
    """A draft that was adopted may be given back, when the step is reused or a clone runs."""
    ids = Ids(RUN)
    ids.note("a", 1, OWN)
    ids.note("a", 1, attempt_id(RUN, "a", 1))
    assert ids.of("a", 1) == attempt_id(RUN, "a", 1)


def test_a_run_that_goes_on_knows_the_tasks_of_its_steps():
    states = (StepState(name="a", attempt=3, task=OWN), StepState(name="b"), StepState(name="c", attempt=1))
    ids = Ids(RUN, states)
    assert ids.of("a", 3) == OWN
    assert ids.of("c", 1) == attempt_id(RUN, "c", 1)
