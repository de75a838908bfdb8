"""The planner of a run that grows, as playbooks: what comes in, and what has to be done because of it."""

from __future__ import annotations

import pytest

from penstock.core.errors import BadPipeline, BadTransition
from penstock.core.growing import Added, Complete, Growing
from penstock.core.progress import (
    Abort,
    Begun,
    Ended,
    Finish,
    Launch,
    Node,
    Reused,
    Skip,
    SkipReason,
    Started,
    StepStatus,
    StopAsked,
)

COMPLETED, FAILED, ABORTED = StepStatus.COMPLETED, StepStatus.FAILED, StepStatus.ABORTED


class Play:
    """A run of this kind that has begun."""

    def __init__(self, **options):
        self.progress = Growing(**options)
        assert self.progress.handle(Begun()) == []

    def __rshift__(self, event):
        known = event.__class__ in {Added, Complete}
        return self.progress.grow(event) if known else self.progress.handle(event)

    def add(self, name, *parents, **rules):
        return self >> Added(Node(name, parents, **rules))

    def end(self, name, outcome=COMPLETED):
        assert self >> Started(name) == []
        return self >> Ended(name, outcome)


def test_a_step_that_waits_for_none_is_launched_when_it_is_added():
    play = Play()
    assert play.add("a") == [Launch("a", 1)]
    assert play.add("b") == [Launch("b", 1)]


def test_a_step_waits_for_parents_that_are_not_settled():
    play = Play()
    play.add("a")
    play.add("b")
    assert play.add("c", "a", "b") == []
    assert play.end("a") == []
    assert play.end("b") == [Launch("c", 1)]


def test_a_step_is_launched_at_once_behind_parents_that_are_settled():
    play = Play()
    play.add("a")
    play.end("a")
    play.add("b")
    play >> Reused("b")
    assert play.add("c", "a", "b") == [Launch("c", 1)]


def test_the_run_does_not_finish_before_it_is_complete():
    play = Play()
    play.add("a")
    assert play.end("a") == []
    play.add("b", "a")
    assert play >> Complete() == []
    assert play.end("b") == [Finish(COMPLETED, "")]


def test_a_run_without_any_step_finishes_when_it_is_complete():
    assert Play() >> Complete() == [Finish(COMPLETED, "")]


def test_a_step_behind_a_parent_that_failed_is_skipped_when_it_is_added():
    play = Play()
    play.add("a")
    play.end("a", FAILED)
    assert play.add("b", "a") == [Skip("b", SkipReason("parent failed", "a"))]
    assert play.add("c", "b") == [Skip("c", SkipReason("parent skipped", "b"))]
    assert play >> Complete() == [Finish(FAILED, "step 'a' failed")]


def test_a_step_runs_behind_a_parent_that_failed_and_blocks_nothing():
    play = Play()
    play.add("a", skip_children_on_fail=False, continue_on_fail=True)
    play.end("a", FAILED)
    assert play.add("b", "a") == [Launch("b", 1)]
    play >> Complete()
    assert play.end("b") == [Finish(COMPLETED, "")]


def test_a_step_that_failed_is_tried_again_as_in_any_run():
    play = Play()
    play.add("a", retries=1)
    assert play.end("a", FAILED) == [Launch("a", 2)]
    assert play.end("a", FAILED) == []
    assert play >> Complete() == [Finish(FAILED, "step 'a' failed")]


def test_a_function_that_failed_stops_what_is_left_and_fails_the_run():
    play = Play()
    play.add("a")
    play.add("b", "a")
    assert play >> Complete("ValueError: no") == [Abort("a"), Skip("b", SkipReason("stopped"))]
    assert play >> Ended("a", ABORTED) == [Finish(FAILED, "ValueError: no")]


def test_a_step_that_failed_first_is_what_failed_the_run():
    play = Play()
    play.add("a")
    play.end("a", FAILED)
    assert play >> Complete("StepFailed: step 'a' failed") == [Finish(FAILED, "step 'a' failed")]


def test_a_run_that_is_asked_to_stop_does_not_wait_until_it_is_complete():
    play = Play()
    play.add("a")
    assert play >> StopAsked("enough") == [Abort("a")]
    assert play.add("b") == [Skip("b", SkipReason("stopped"))]
    assert play >> Ended("a", ABORTED) == [Finish(ABORTED, "enough")]
    assert play >> Complete() == []


def test_the_first_step_that_fails_such_a_run_stops_it():
    play = Play(abort_on_failure=True)
    play.add("a")
    play.add("b")
    assert play.end("a", FAILED) == [Abort("b")]
    assert play >> Ended("b", ABORTED) == [Finish(FAILED, "step 'a' failed")]


def test_of_a_run_that_goes_on_a_step_comes_as_it_was_left():
    play = Play()
    assert play >> Added(Node("a"), COMPLETED, 2) == []
    assert play >> Added(Node("b", ("a",)), StepStatus.RUNNING, 1) == []
    assert play >> Added(Node("c", ("a",)), StepStatus.PENDING, 3) == [Launch("c", 4)]
    assert play >> Complete() == []
    assert play >> Ended("b", COMPLETED) == []
    assert play.end("c") == [Finish(COMPLETED, "")]


def test_retries_count_anew_in_a_run_that_goes_on():
    play = Play()
    assert play >> Added(Node("a", retries=1), StepStatus.PENDING, 2) == [Launch("a", 3)]
    assert play.end("a", FAILED) == [Launch("a", 4)]


def test_an_attempt_that_goes_on_is_aborted_when_its_step_comes_to_a_run_that_stops():
    play = Play()
    play.add("x")
    play >> StopAsked("enough")
    assert play >> Added(Node("a"), StepStatus.RUNNING, 1) == [Abort("a")]


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (Added(Node("a")), "has a step 'a' already"),
        (Added(Node("b", ("z",))), "unknown parent 'z'"),
        (Added(Node("b", ("b",))), "unknown parent 'b'"),
    ],
)
def test_what_cannot_be_added_changes_nothing(event, says):
    play = Play()
    play.add("a")
    with pytest.raises((BadPipeline, BadTransition), match=says):
        play >> event
    assert list(play.progress.status) == ["a"]


def test_nothing_is_added_before_the_run_began_or_after_it_is_complete():
    with pytest.raises(BadTransition, match="not begun"):
        Growing().grow(Added(Node("a")))
    play = Play()
    play >> Complete()
    with pytest.raises(BadTransition, match="too late"):
        play.add("a")
