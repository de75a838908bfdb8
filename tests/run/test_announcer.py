"""Who is told that a step's status changed."""

from __future__ import annotations

import pytest

from penstock.core.progress import StepStatus
from penstock.run.announcer import Announcer
from penstock.sdk.display import Silent

RUNNING, FAILED = StepStatus.RUNNING, StepStatus.FAILED


class Told(Silent):
    def __init__(self):
        self.steps = []

    def step(self, name, status, attempt, reason):
        self.steps.append((name, status, attempt, reason))


@pytest.fixture
def told():
    return Told()


def test_the_display_hears_all_and_the_callback_of_a_step_what_changed_there(told):
    heard = []
    announcer = Announcer(told, {"a": heard.append}, pytest.fail)
    announcer.step("a", RUNNING, 1, "")
    announcer.step("b", RUNNING, 1, "")
    announcer.step("a", RUNNING, 1, "again")
    announcer.step("a", FAILED, 1, "no luck")
    assert told.steps == [
        ("a", RUNNING, 1, ""), ("b", RUNNING, 1, ""), ("a", RUNNING, 1, "again"), ("a", FAILED, 1, "no luck"),
    ]  # fmt: skip
    assert heard == [StepStatus.PENDING, RUNNING]


def test_a_callback_that_raises_is_complained_of_and_goes_on_hearing(told):
    complaints = []

    def heard(previous):
        raise LookupError(str(previous))

    announcer = Announcer(told, {"a": heard}, complaints.append)
    announcer.step("a", RUNNING, 1, "")
    announcer.step("a", FAILED, 1, "")
    assert complaints == [
        "step 'a': status_change_callback raised LookupError: pending",
        "step 'a': status_change_callback raised LookupError: running",
    ]
