"""What is shown before somebody skips or aborts a step is what the planner does then."""

from __future__ import annotations

import pytest

from penstock.core.errors import BadTransition
from penstock.core.foresight import foreseen
from penstock.core.pipeline import Pipeline, Step
from penstock.core.progress import Abort, Ended, Finish, Launch, Skip, SkipReason, Started, StepStatus, Vetoed
from penstock.core.run import StepState

COMPLETED, RUNNING, QUEUED, PENDING = (
    StepStatus.COMPLETED,
    StepStatus.RUNNING,
    StepStatus.QUEUED,
    StepStatus.PENDING,
)


def pipeline(abort_on_failure=False, **options):
    steps = (
        Step(name="a", code="c"),
        Step(name="b", code="c", parents=("a",), **options),
        Step(name="c", code="c", parents=("b",)),
        Step(name="d", code="c"),
    )
    return Pipeline(name="flow", project="P", steps=steps, abort_on_failure=abort_on_failure)


def standing(**statuses):
    return [StepState(name=name, status=status) for name, status in statuses.items()]


def test_skipping_a_step_skips_what_relies_on_it_and_nothing_else():
    states = standing(a=RUNNING, b=PENDING, c=PENDING, d=RUNNING)
    assert foreseen(pipeline(), states, Vetoed("b", recorded=True)) == [Skip("c", SkipReason("parent skipped", "b"))]


def test_what_is_ready_already_is_no_consequence():
    states = standing(a=PENDING, b=PENDING, c=PENDING, d=PENDING)
    found = foreseen(pipeline(), states, Vetoed("d", recorded=True))
    assert found == []


def test_aborting_a_step_obeys_its_options():
    states = standing(a=COMPLETED, b=RUNNING, c=PENDING, d=RUNNING)
    ended = Ended("b", StepStatus.ABORTED)
    assert foreseen(pipeline(), states, ended) == [Skip("c", SkipReason("parent aborted", "b"))]
    assert foreseen(pipeline(skip_children_on_abort=False), states, ended) == [Launch("c", 1)]
    halted = foreseen(pipeline(abort_on_failure=True), states, ended)
    assert halted == [Skip("c", SkipReason("parent aborted", "b")), Abort("d")]


def test_the_last_step_ends_the_run():
    states = standing(a=COMPLETED, b=QUEUED, c=PENDING, d=COMPLETED)
    found = foreseen(pipeline(), states, Vetoed("b", recorded=True))
    assert found[-1] == Finish(COMPLETED, "")


def test_what_cannot_happen_is_refused():
    with pytest.raises(BadTransition, match="step 'a' is completed"):
        foreseen(pipeline(), standing(a=COMPLETED), Started("a"))
