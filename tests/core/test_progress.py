"""The planner, told as playbooks, and tried on any graph with any options."""

from __future__ import annotations

import difflib
import itertools
import random
import sys
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, Self

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import BadPipeline, BadTransition
from penstock.core.progress import (
    OPEN,
    SETTLED,
    Abort,
    Action,
    Begun,
    Ended,
    Event,
    Finish,
    Launch,
    Node,
    Progress,
    Reused,
    Skip,
    SkipReason,
    Started,
    StepStatus,
    StopAsked,
    Vetoed,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from _typeshed import TraceFunction

COMPLETED, CACHED, FAILED = StepStatus.COMPLETED, StepStatus.CACHED, StepStatus.FAILED
ABORTED, SKIPPED = StepStatus.ABORTED, StepStatus.SKIPPED
QUEUED, RUNNING = StepStatus.QUEUED, StepStatus.RUNNING


class Playbook:
    """A run told as a dialogue: `>>` an event that happens, `<<` each action it must cause, in order.

    Nothing is played until the playbook is asserted; a mismatch shows the told and the heard dialogue line by line. A
    playbook may be told and asserted in several parts.

        assert Playbook(Node("a")) >> Begun() << Launch("a", 1) >> Ended("a", COMPLETED) << Finish(COMPLETED, "")

    Attributes:
        progress: The run as far as it has been played.
    """

    def __init__(self, *nodes: Node, abort_on_failure: bool = False) -> None:
        self._told: list[Event | Action] = []
        self.progress = Progress(nodes, abort_on_failure=abort_on_failure)

    def __rshift__(self, event: Event) -> Self:
        """Tell that an event happens."""
        self._told.append(event)
        return self

    def __lshift__(self, action: Action) -> Self:
        """Tell that the event before it causes this action."""
        self._told.append(action)
        return self

    def __bool__(self) -> bool:
        """Play what was told.

        Raises:
            AssertionError: The run answered otherwise than the playbook says.
        """
        told, self._told = self._told, []
        heard: list[Event | Action] = []
        for line in told:
            if isinstance(line, Event):
                heard += [line, *self.progress.handle(line)]
        if heard != told:
            difference = difflib.ndiff([*map(_line, told)], [*map(_line, heard)])
            raise AssertionError("\n".join(["the run took another turn (- told, + heard)", *difference]))
        return True

    def __del__(self) -> None:
        """Complain about a playbook that proves nothing because nobody asserted it."""
        if self._told:
            message = f"a playbook was told but not asserted, from {self._told[0]} on"
            raise AssertionError(message)


def _line(line: Event | Action) -> str:
    return f"{'>>' if isinstance(line, Event) else '<<'} {line}"


def chain(*names: str) -> list[Node]:
    """Build steps that each wait for the one before."""
    return [Node(name, names[number - 1 : number] if number else ()) for number, name in enumerate(names)]


# Launching


def test_an_empty_pipeline_finishes_when_it_begins() -> None:
    assert Playbook() >> Begun() << Finish(COMPLETED, "")


def test_a_step_is_launched_once_its_parent_has_completed() -> None:
    """Promise 25: sent for execution only after all the parent steps have been executed successfully."""
    assert (
        Playbook(*chain("a", "b"))
        >> Begun()
        << Launch("a", 1)
        >> Started("a")
        >> Ended("a", COMPLETED)
        << Launch("b", 1)
        >> Started("b")
        >> Ended("b", COMPLETED)
        << Finish(COMPLETED, "")
    )


def test_steps_that_do_not_wait_for_each_other_are_open_together() -> None:
    """Promise 14: independent steps overlap in time, a step with two parents waits for both."""
    assert (
        Playbook(Node("a"), Node("b", ("a",)), Node("c", ("a",)), Node("d", ("b", "c")))
        >> Begun()
        << Launch("a", 1)
        >> Ended("a", COMPLETED)
        << Launch("b", 1)
        << Launch("c", 1)
        >> Ended("c", COMPLETED)
        >> Started("b")
        >> Ended("b", COMPLETED)
        << Launch("d", 1)
        >> Ended("d", COMPLETED)
        << Finish(COMPLETED, "")
    )


def test_a_step_may_be_added_before_its_parents() -> None:
    assert (
        Playbook(Node("b", ("a",)), Node("a"))
        >> Begun()
        << Launch("a", 1)
        >> Ended("a", COMPLETED)
        << Launch("b", 1)
        >> Ended("b", COMPLETED)
        << Finish(COMPLETED, "")
    )


def test_a_parent_that_is_named_twice_counts_once() -> None:
    assert Playbook(Node("a"), Node("b", ("a", "a"))) >> Begun() << Launch("a", 1) >> Reused("a") << Launch("b", 1)


def test_a_cached_step_lets_its_children_run() -> None:
    play = Playbook(*chain("a", "b"))
    assert play >> Begun() << Launch("a", 1) >> Reused("a") << Launch("b", 1) >> Reused("b") << Finish(COMPLETED, "")
    assert play.progress.status == {"a": CACHED, "b": CACHED}


def test_statuses_and_attempts_can_be_read_at_any_time() -> None:
    play = Playbook(Node("a", retries=1), Node("b"), Node("c", ("a", "b")))
    assert play >> Begun() << Launch("a", 1) << Launch("b", 1) >> Started("b") >> Ended("a", FAILED) << Launch("a", 2)
    assert play.progress.status == {"a": "queued", "b": "running", "c": "pending"}
    assert play.progress.attempts == {"a": 2, "b": 1, "c": 0}
    assert play.progress.outcome is None
    assert not play.progress.stopping


# Failure


def test_a_failed_step_skips_all_below_it_and_leaves_other_branches_alone() -> None:
    """Promise 25: the child of a failed step ends skipped, a sibling branch is not affected."""
    assert (
        Playbook(*chain("a", "b", "c"), Node("x"), Node("y", ("x",)))
        >> Begun()
        << Launch("a", 1)
        << Launch("x", 1)
        >> Ended("a", FAILED)
        << Skip("b", SkipReason("parent failed", "a"))
        << Skip("c", SkipReason("parent skipped", "b"))
        >> Ended("x", COMPLETED)
        << Launch("y", 1)
        >> Ended("y", COMPLETED)
        << Finish(FAILED, "step 'a' failed")
    )


def test_a_blocked_step_is_skipped_before_its_other_parents_are_settled() -> None:
    assert (
        Playbook(Node("a"), Node("b"), Node("c", ("a", "b")))
        >> Begun()
        << Launch("a", 1)
        << Launch("b", 1)
        >> Ended("b", FAILED)
        << Skip("c", SkipReason("parent failed", "b"))
        >> Ended("a", COMPLETED)
        << Finish(FAILED, "step 'b' failed")
    )


def test_continue_on_fail_lets_the_run_complete_but_not_the_children_run() -> None:
    assert (
        Playbook(Node("a", continue_on_fail=True), Node("b", ("a",)))
        >> Begun()
        << Launch("a", 1)
        >> Ended("a", FAILED)
        << Skip("b", SkipReason("parent failed", "a"))
        << Finish(COMPLETED, "")
    )


def test_children_of_a_failed_step_run_when_they_are_not_to_be_skipped() -> None:
    """The reference implementation calls such a run completed."""
    assert (
        Playbook(Node("a", skip_children_on_fail=False), Node("b", ("a",)))
        >> Begun()
        << Launch("a", 1)
        >> Ended("a", FAILED)
        << Launch("b", 1)
        >> Ended("b", COMPLETED)
        << Finish(FAILED, "step 'a' failed")
    )


def test_an_aborted_step_fails_the_run_and_skips_its_children() -> None:
    assert (
        Playbook(*chain("a", "b"))
        >> Begun()
        << Launch("a", 1)
        >> Started("a")
        >> Ended("a", ABORTED)
        << Skip("b", SkipReason("parent aborted", "a"))
        << Finish(FAILED, "step 'a' was aborted")
    )


def test_continue_on_abort_is_a_flag_of_its_own() -> None:
    assert (
        Playbook(Node("a", continue_on_abort=True, skip_children_on_abort=False), Node("b", ("a",)))
        >> Begun()
        << Launch("a", 1)
        >> Ended("a", ABORTED)
        << Launch("b", 1)
        >> Ended("b", COMPLETED)
        << Finish(COMPLETED, "")
    )
    assert (
        Playbook(Node("a", continue_on_fail=True, skip_children_on_fail=False), Node("b", ("a",)))
        >> Begun()
        << Launch("a", 1)
        >> Ended("a", ABORTED)
        << Skip("b", SkipReason("parent aborted", "a"))
        << Finish(FAILED, "step 'a' was aborted")
    )


def test_the_first_step_that_failed_the_run_is_named() -> None:
    assert (
        Playbook(Node("a", continue_on_fail=True), Node("b"), Node("c"))
        >> Begun()
        << Launch("a", 1)
        << Launch("b", 1)
        << Launch("c", 1)
        >> Ended("a", FAILED)
        >> Ended("c", ABORTED)
        >> Ended("b", FAILED)
        << Finish(FAILED, "step 'c' was aborted")
    )


# Retries


def test_a_failed_step_is_tried_again_as_often_as_its_retries_say() -> None:
    assert (
        Playbook(Node("a", retries=2))
        >> Begun()
        << Launch("a", 1)
        >> Started("a")
        >> Ended("a", FAILED)
        << Launch("a", 2)
        >> Ended("a", FAILED)
        << Launch("a", 3)
        >> Started("a")
        >> Ended("a", FAILED)
        << Finish(FAILED, "step 'a' failed")
    )


def test_a_retry_that_completes_makes_all_well() -> None:
    assert (
        Playbook(Node("a", retries=1), Node("b", ("a",)))
        >> Begun()
        << Launch("a", 1)
        >> Ended("a", FAILED)
        << Launch("a", 2)
        >> Started("a")
        >> Ended("a", COMPLETED)
        << Launch("b", 1)
        >> Ended("b", COMPLETED)
        << Finish(COMPLETED, "")
    )


def test_the_answer_of_a_retry_callback_goes_before_the_number_of_retries() -> None:
    assert (
        Playbook(Node("a"), Node("b", retries=9))
        >> Begun()
        << Launch("a", 1)
        << Launch("b", 1)
        >> Ended("a", FAILED, retry=True)
        << Launch("a", 2)
        >> Ended("b", FAILED, retry=False)
        >> Ended("a", FAILED, retry=False)
        << Finish(FAILED, "step 'b' failed")
    )


def test_only_a_failed_step_is_tried_again() -> None:
    assert (
        Playbook(Node("a", retries=9), Node("b", retries=9))
        >> Begun()
        << Launch("a", 1)
        << Launch("b", 1)
        >> Ended("a", ABORTED, retry=True)
        >> Ended("b", COMPLETED, retry=True)
        << Finish(FAILED, "step 'a' was aborted")
    )


# Veto


def test_a_vetoed_step_and_all_that_rely_on_it_are_skipped_and_the_run_completes() -> None:
    """Promise 48: the step is skipped and so is any step that relies on it; siblings run."""
    assert (
        Playbook(*chain("a", "b", "c"), Node("x"), Node("d", ("c", "x")))
        >> Begun()
        << Launch("a", 1)
        << Launch("x", 1)
        >> Vetoed("a")
        << Skip("a", SkipReason("vetoed"))
        << Skip("b", SkipReason("parent skipped", "a"))
        << Skip("c", SkipReason("parent skipped", "b"))
        << Skip("d", SkipReason("parent skipped", "c"))
        >> Ended("x", COMPLETED)
        << Finish(COMPLETED, "")
    )


def test_a_step_that_a_person_vetoes_is_skipped_before_its_turn_and_is_not_recorded_again() -> None:
    assert (
        Playbook(*chain("a", "b", "c"), Node("d", ("a",)), Node("e", ("b", "d")))
        >> Begun()
        << Launch("a", 1)
        >> Started("a")
        >> Vetoed("b", recorded=True)
        << Skip("c", SkipReason("parent skipped", "b"))
        << Skip("e", SkipReason("parent skipped", "b"))
        >> Ended("a", COMPLETED)
        << Launch("d", 1)
        >> Ended("d", COMPLETED)
        << Finish(COMPLETED, "")
    )


def test_a_launched_step_can_be_vetoed_by_a_person_whoever_was_about_to_begin_it() -> None:
    """An agent that claimed a step and was lost before it began leaves it waiting; the run has heard of the claim."""
    assert Playbook(Node("a")) >> Begun() << Launch("a", 1) >> Vetoed("a", recorded=True) << Finish(COMPLETED, "")
    claimed = Playbook(*chain("a", "b"), Node("c")) >> Begun() << Launch("a", 1) << Launch("c", 1) >> Started("a")
    assert claimed >> Vetoed("a", recorded=True) << Skip("b", SkipReason("parent skipped", "a"))
    assert claimed >> Ended("c", COMPLETED) << Finish(COMPLETED, "")


def test_a_reason_to_skip_reads_as_a_sentence() -> None:
    assert str(SkipReason("parent failed", "train")) == "parent 'train' failed"
    assert str(SkipReason("stopped")) == "stopped"


# Going on


def test_a_run_that_goes_on_launches_no_settled_step_and_counts_attempts_on() -> None:
    play = Playbook(Node("a"), Node("b", ("a",)), Node("c", ("b",)), Node("d"))
    assert (
        play
        >> Begun(settled={"a": COMPLETED, "d": CACHED}, attempts={"a": 1, "b": 2, "d": 1})
        << Launch("b", 3)
        >> Started("b")
        >> Ended("b", COMPLETED)
        << Launch("c", 1)
        >> Ended("c", COMPLETED)
        << Finish(COMPLETED, "")
    )
    assert play.progress.attempts == {"a": 1, "b": 3, "c": 1, "d": 1}
    assert play.progress.status == {"a": COMPLETED, "b": COMPLETED, "c": COMPLETED, "d": CACHED}


def test_attempts_that_others_carry_out_go_on_and_are_not_launched_again() -> None:
    play = Playbook(Node("a"), Node("b"), Node("c", ("a", "b")))
    assert (
        play
        >> Begun(open={"a": RUNNING, "b": QUEUED}, attempts={"a": 2, "b": 1})
        >> Started("b")
        >> Ended("a", COMPLETED)
        >> Ended("b", COMPLETED)
        << Launch("c", 1)
        >> Ended("c", COMPLETED)
        << Finish(COMPLETED, "")
    )
    assert play.progress.attempts == {"a": 2, "b": 1, "c": 1}


def test_what_others_carry_out_is_told_to_abort_when_the_run_is_stopped_before_it_goes_on() -> None:
    play = Playbook(Node("a"), Node("b", ("a",)))
    assert (
        play
        >> StopAsked("enough")
        >> Begun(open={"a": RUNNING}, attempts={"a": 1})
        << Abort("a")
        << Skip("b", SkipReason("stopped"))
        >> Ended("a", ABORTED)
        << Finish(ABORTED, "enough")
    )


CONTRADICTIONS = [
    Begun(open={"a": COMPLETED}),
    Begun(settled={"a": RUNNING}),
    Begun(open={"a": RUNNING}, settled={"a": RUNNING}),
    Begun(open={"z": RUNNING}),
]


@pytest.mark.parametrize("begun", CONTRADICTIONS)
def test_a_run_goes_on_with_nothing_that_is_neither_settled_nor_open(begun) -> None:
    with pytest.raises(BadTransition):
        Progress([Node("a")]).handle(begun)


def test_an_attempt_that_was_lost_is_tried_again_and_costs_no_retry() -> None:
    play = Playbook(Node("a", retries=1))
    assert (
        play
        >> Begun()
        << Launch("a", 1)
        >> Started("a")
        >> Ended("a", FAILED, lost=True)
        << Launch("a", 2)
        >> Ended("a", ABORTED, lost=True)
        << Launch("a", 3)
        >> Ended("a", FAILED)
        << Launch("a", 4)
        >> Ended("a", FAILED)
        << Finish(FAILED, "step 'a' failed")
    )


def test_an_attempt_that_was_lost_is_not_tried_again_once_the_run_is_stopping() -> None:
    assert (
        Playbook(Node("a"))
        >> Begun()
        << Launch("a", 1)
        >> StopAsked("enough")
        << Abort("a")
        >> Ended("a", FAILED, lost=True)
        << Finish(ABORTED, "enough")
    )


def test_the_retries_of_a_run_that_goes_on_count_anew() -> None:
    play = Playbook(Node("a", retries=1))
    assert play >> Begun(attempts={"a": 7}) << Launch("a", 8)
    assert not play.progress.is_final(Ended("a", FAILED))
    assert play >> Ended("a", FAILED) << Launch("a", 9)
    assert play.progress.is_final(Ended("a", FAILED))
    assert play >> Ended("a", FAILED) << Finish(FAILED, "step 'a' failed")


def test_a_run_that_goes_on_skips_what_lies_below_a_vetoed_step() -> None:
    assert (
        Playbook(*chain("a", "b", "c"), Node("x"), Node("y", ("x",)), Node("z", ("c", "y")))
        >> Begun(settled={"a": SKIPPED, "x": COMPLETED}, attempts={"x": 1})
        << Skip("b", SkipReason("parent skipped", "a"))
        << Skip("c", SkipReason("parent skipped", "b"))
        << Skip("z", SkipReason("parent skipped", "c"))
        << Launch("y", 1)
        >> Ended("y", COMPLETED)
        << Finish(COMPLETED, "")
    )


def test_a_run_with_nothing_left_to_do_finishes_when_it_goes_on() -> None:
    play = Playbook(*chain("a", "b", "c"))
    assert (
        play
        >> Begun(settled={"a": COMPLETED, "b": SKIPPED})
        << Skip("c", SkipReason("parent skipped", "b"))
        << Finish(COMPLETED, "")
    )
    assert Playbook(Node("a")) >> Begun(settled={"a": FAILED}) << Finish(FAILED, "step 'a' failed")


def test_settled_steps_block_and_fail_what_they_would_have_blocked_and_failed() -> None:
    assert (
        Playbook(
            Node("a"),
            Node("b", ("a",)),
            Node("c", continue_on_fail=True, skip_children_on_fail=False),
            Node("d", ("c",)),
            Node("e", skip_children_on_abort=False),
            Node("f", ("e",)),
        )
        >> Begun(settled={"c": FAILED, "a": FAILED, "e": ABORTED})
        << Skip("b", SkipReason("parent failed", "a"))
        << Launch("d", 1)
        << Launch("f", 1)
        >> Ended("d", COMPLETED)
        >> Ended("f", COMPLETED)
        << Finish(FAILED, "step 'a' failed")
    )


def test_a_run_that_is_stopped_before_it_goes_on_launches_nothing() -> None:
    assert (
        Playbook(*chain("a", "b", "c"), Node("x"))
        >> StopAsked("not today")
        >> Begun(settled={"a": COMPLETED})
        << Skip("b", SkipReason("stopped"))
        << Skip("c", SkipReason("stopped"))
        << Skip("x", SkipReason("stopped"))
        << Finish(ABORTED, "not today")
    )


@pytest.mark.parametrize(
    ("settled", "message"),
    [
        ({"b": StepStatus.PENDING}, "step 'b' is pending, and not settled"),
        ({"b": StepStatus.QUEUED}, "step 'b' is queued, and not settled"),
        ({"a": COMPLETED, "b": StepStatus.RUNNING}, "step 'b' is running, and not settled"),
        ({"a": COMPLETED, "trian": COMPLETED}, "there is no step 'trian'\nhint: did you mean 'train'"),
    ],
)
def test_a_run_does_not_go_on_from_what_is_not_settled_or_not_there(
    settled: dict[str, StepStatus], message: str
) -> None:
    play = Playbook(*chain("a", "b"), Node("train"))
    before = snapshot(play.progress)
    with pytest.raises(BadTransition) as caught:
        play.progress.handle(Begun(settled=settled, attempts={"a": 5}))
    assert message in str(caught.value)
    assert snapshot(play.progress) == before
    assert play >> Begun() << Launch("a", 1) << Launch("train", 1)


@pytest.mark.parametrize(
    ("ended", "final"),
    [
        (Ended("a", COMPLETED), True),
        (Ended("a", ABORTED), True),
        (Ended("a", ABORTED, retry=True), True),
        (Ended("a", COMPLETED, retry=True), True),
        (Ended("a", FAILED), True),
        (Ended("a", FAILED, retry=True), False),
        (Ended("b", FAILED), False),
        (Ended("b", FAILED, retry=False), True),
    ],
)
def test_whether_an_end_is_final_is_known_before_it_is_handled(ended: Ended, final: bool) -> None:
    progress = Progress([Node("a"), Node("b", retries=1)])
    progress.handle(Begun())
    assert progress.is_final(ended) is final
    progress.handle(ended)
    assert (progress.status[ended.step] in SETTLED) is final


def test_every_end_is_final_once_the_run_is_stopping() -> None:
    play = Playbook(Node("a", retries=5))
    assert play >> Begun() << Launch("a", 1) >> StopAsked() << Abort("a")
    assert play.progress.is_final(Ended("a", FAILED, retry=True))
    assert play >> Ended("a", FAILED, retry=True) << Finish(ABORTED, "the run was asked to stop")


# Stopping


def test_a_stop_aborts_what_is_open_skips_what_is_pending_and_waits_for_the_rest() -> None:
    play = Playbook(Node("a", retries=5), Node("b"), Node("c", ("a", "b")), Node("d", ("b",)))
    assert (
        play
        >> Begun()
        << Launch("a", 1)
        << Launch("b", 1)
        >> Started("a")
        >> StopAsked("the time limit of 5 minutes has passed")
        << Abort("a")
        << Abort("b")
        << Skip("c", SkipReason("stopped"))
        << Skip("d", SkipReason("stopped"))
        >> StopAsked("again")
        >> Ended("a", FAILED, retry=True)
        >> Ended("b", ABORTED)
        << Finish(ABORTED, "the time limit of 5 minutes has passed")
        >> StopAsked("too late")
    )
    assert play.progress.stopping
    assert play.progress.status == {"a": FAILED, "b": ABORTED, "c": SKIPPED, "d": SKIPPED}


def test_an_order_to_abort_may_cross_with_what_the_step_reports() -> None:
    assert (
        Playbook(Node("a"), Node("b"), Node("c"), Node("d", ("a", "b", "c")))
        >> Begun()
        << Launch("a", 1)
        << Launch("b", 1)
        << Launch("c", 1)
        >> StopAsked()
        << Abort("a")
        << Abort("b")
        << Abort("c")
        << Skip("d", SkipReason("stopped"))
        >> Started("a")
        >> Ended("a", COMPLETED)
        >> Reused("b")
        >> Vetoed("c")
        << Skip("c", SkipReason("vetoed"))
        << Finish(ABORTED, "the run was asked to stop")
    )


def test_a_stop_after_the_end_changes_nothing() -> None:
    play = Playbook(Node("a"))
    assert play >> Begun() << Launch("a", 1) >> Ended("a", COMPLETED) << Finish(COMPLETED, "") >> StopAsked("too late")
    assert play.progress.outcome is COMPLETED
    assert not play.progress.stopping


def test_a_run_that_is_stopped_before_it_begins_launches_nothing() -> None:
    assert (
        Playbook(*chain("a", "b"))
        >> StopAsked("not today")
        >> Begun()
        << Skip("a", SkipReason("stopped"))
        << Skip("b", SkipReason("stopped"))
        << Finish(ABORTED, "not today")
    )


def test_a_stop_turns_a_failing_run_into_an_aborted_one() -> None:
    assert (
        Playbook(Node("a"), Node("b"))
        >> Begun()
        << Launch("a", 1)
        << Launch("b", 1)
        >> Ended("a", FAILED)
        >> StopAsked("enough")
        << Abort("b")
        >> Ended("b", ABORTED)
        << Finish(ABORTED, "enough")
    )


# abort_on_failure


def test_abort_on_failure_stops_the_run_at_the_first_step_that_fails_it() -> None:
    assert (
        Playbook(
            *chain("a", "b", "c"),
            Node("x", retries=3),
            Node("y", continue_on_fail=True),
            Node("z", ("x",)),
            abort_on_failure=True,
        )
        >> Begun()
        << Launch("a", 1)
        << Launch("x", 1)
        << Launch("y", 1)
        >> Ended("y", FAILED)
        >> Started("x")
        >> Ended("a", FAILED)
        << Skip("b", SkipReason("parent failed", "a"))
        << Skip("c", SkipReason("parent skipped", "b"))
        << Abort("x")
        << Skip("z", SkipReason("aborted on failure"))
        >> StopAsked("changes nothing any more")
        >> Ended("x", FAILED)
        << Finish(FAILED, "step 'a' failed")
    )


def test_abort_on_failure_waits_for_the_last_retry() -> None:
    assert (
        Playbook(Node("a", retries=1), Node("b"), abort_on_failure=True)
        >> Begun()
        << Launch("a", 1)
        << Launch("b", 1)
        >> Ended("a", FAILED)
        << Launch("a", 2)
        >> Ended("a", FAILED)
        << Abort("b")
        >> Ended("b", ABORTED)
        << Finish(FAILED, "step 'a' failed")
    )


def test_abort_on_failure_goes_before_letting_children_run() -> None:
    assert (
        Playbook(Node("a", skip_children_on_abort=False), Node("b", ("a",)), abort_on_failure=True)
        >> Begun()
        << Launch("a", 1)
        >> Ended("a", ABORTED)
        << Skip("b", SkipReason("aborted on failure"))
        << Finish(FAILED, "step 'a' was aborted")
    )


# Events out of order


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([Begun()], "the run has already begun"),
        ([Started("b")], "step 'b' is pending; Started is for one that is queued"),
        ([Ended("b", COMPLETED)], "step 'b' is pending; Ended is for one that is queued or running"),
        ([Reused("b")], "step 'b' is pending; Reused"),
        ([Vetoed("b")], "step 'b' is pending; Vetoed"),
        ([Ended("a", COMPLETED), Vetoed("a", recorded=True)], "step 'a' is completed; Vetoed"),
        ([Vetoed("b", recorded=True), Vetoed("b", recorded=True)], "step 'b' is skipped; Vetoed"),
        ([Started("a"), Started("a")], "step 'a' is running; Started"),
        ([Started("a"), Reused("a")], "step 'a' is running; Reused"),
        ([Started("a"), Vetoed("a")], "step 'a' is running; Vetoed"),
        ([Ended("a", FAILED), Ended("a", COMPLETED)], "step 'a' is failed; Ended"),
        ([Vetoed("a"), Started("b")], "step 'b' is skipped; Started"),
        ([Ended("a", SKIPPED)], "step 'a' cannot end as skipped"),
        ([Ended("a", StepStatus.RUNNING)], "step 'a' cannot end as running"),
        ([Started("trian")], "there is no step 'trian'"),
    ],
)
def test_an_event_out_of_order_is_refused_and_changes_nothing(events: list[Event], message: str) -> None:
    progress = Progress([*chain("a", "b"), Node("train")])
    progress.handle(Begun())
    for event in events[:-1]:
        progress.handle(event)
    before = snapshot(progress)
    with pytest.raises(BadTransition, match=message):
        progress.handle(events[-1])
    assert snapshot(progress) == before


def test_nothing_is_vetoed_before_the_run_has_begun() -> None:
    progress = Progress([Node("a")])
    with pytest.raises(BadTransition, match="step 'a' is pending; Vetoed"):
        progress.handle(Vetoed("a", recorded=True))
    assert progress.handle(Begun()) == [Launch("a", 1)]


def test_an_event_for_an_unknown_step_suggests_the_nearest() -> None:
    with pytest.raises(BadTransition, match="did you mean 'train'"):
        Progress([Node("train")]).handle(Started("trian"))
    with pytest.raises(BadTransition, match="did you mean 'train'"):
        Progress([Node("train")]).is_final(Ended("trian", FAILED))


# Pipelines that cannot run


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([Node("a"), Node("a")], "two steps are named 'a'"),
        (
            [Node("train"), Node("b", ("trian",))],
            "step 'b' names an unknown parent 'trian'\nhint: did you mean 'train'",
        ),
        ([Node("a", ("b",))], "step 'a' names an unknown parent 'b'\nhint: the pipeline has no other step"),
        ([Node("a", ("a",))], "the steps form a cycle: a -> a\n"),
        ([Node("x"), Node("a", ("x", "c")), Node("b", ("a",)), Node("c", ("b",))], ": a -> b -> c -> a\n"),
    ],
)
def test_a_pipeline_that_cannot_run_is_refused(nodes: list[Node], message: str) -> None:
    """Promises 15 and 17: a duplicate name, a missing parent, a self-parent, a cycle; the message lists the cycle."""
    with pytest.raises(BadPipeline) as caught:
        Progress(nodes)
    assert message in str(caught.value)


@given(st.integers(1, 30), st.integers(0, 5), st.randoms(use_true_random=False))
def test_the_cycle_that_is_printed_is_one(length: int, others: int, rng: random.Random) -> None:
    nodes = [Node(f"s{i}", (f"s{(i - 1) % length}",)) for i in range(length)]
    nodes += [Node(f"below{i}", (f"s{rng.randrange(length)}",)) for i in range(others)]
    rng.shuffle(nodes)
    with pytest.raises(BadPipeline) as caught:
        Progress(nodes)
    cycle = caught.value.message.partition(": ")[2].split(" -> ")
    assert cycle[0] == cycle[-1]
    assert len(cycle) == length + 1
    by_name = {node.name: node for node in nodes}
    assert all(parent in by_name[child].parents for parent, child in itertools.pairwise(cycle))


def test_a_very_long_cycle_and_a_very_long_chain_need_no_recursion() -> None:
    names = [f"s{i}" for i in range(20_000)]
    with pytest.raises(BadPipeline, match="cycle"):
        Progress([*chain(*names)[1:], Node("s0", (names[-1],))])
    progress = Progress(chain(*names))
    progress.handle(Begun())
    assert len(progress.handle(Vetoed("s0"))) == len(names) + 1


# Storing events


def test_events_and_actions_survive_being_stored() -> None:
    events: list[Event] = [
        Begun(),
        Begun(settled={"a": SKIPPED}, attempts={"b": 2}),
        StopAsked("x"),
        Started("a"),
        Reused("a"),
        Vetoed("a"),
        Ended("a", FAILED, retry=True),
    ]
    assert msgspec.json.decode(msgspec.json.encode(events), type=list[Event]) == events
    actions: list[Action] = [
        Launch("a", 1),
        Skip("b", SkipReason("parent failed", "a")),
        Abort("c"),
        Finish(FAILED, "d"),
    ]
    assert msgspec.json.decode(msgspec.json.encode(actions), type=list[Action]) == actions


# Any graph, any options, any luck


class Tale(NamedTuple):
    """One whole run of a random pipeline: each event with the actions it caused."""

    nodes: list[Node]
    abort_on_failure: bool
    turns: list[tuple[Event, list[Action]]]
    progress: Progress

    @property
    def actions(self) -> list[Action]:
        return [action for _, actions in self.turns for action in actions]


def snapshot(progress: Progress) -> tuple[object, ...]:
    return dict(progress.status), dict(progress.attempts), progress.outcome, progress.stopping


@st.composite
def graphs(draw: st.DrawFn) -> list[Node]:
    """Any acyclic graph of up to ten steps, its steps in any order."""
    size = draw(st.integers(0, 10))
    flags = st.booleans()
    nodes = [
        Node(
            f"s{i}",
            tuple(f"s{parent}" for parent in draw(st.sets(st.integers(0, i - 1), max_size=3)) if i) if i else (),
            draw(st.integers(0, 2)),
            *(draw(st.tuples(flags, flags, flags, flags))),
        )
        for i in range(size)
    ]
    return draw(st.permutations(nodes))


def next_event(progress: Progress, rng: random.Random) -> Event:
    """Choose one of the things that could happen now."""
    if rng.random() < 0.04:
        return StopAsked()
    waiting = [name for name, status in progress.status.items() if status not in SETTLED]
    if waiting and rng.random() < 0.06:
        return Vetoed(rng.choice(waiting), recorded=True)
    step = rng.choice([name for name, status in progress.status.items() if status in OPEN])
    ends = [Ended(step, outcome, rng.choice([None, None, True, False])) for outcome in (COMPLETED, FAILED, ABORTED)]
    ends += ends[:1] * 3
    others: list[Event] = [*[Started(step)] * 3, Reused(step), Vetoed(step)]
    return rng.choice([*ends, *(others if progress.status[step] is StepStatus.QUEUED else [])])


@st.composite
def tales(draw: st.DrawFn) -> Tale:
    """Any run of any pipeline, from its beginning to its end."""
    nodes = draw(graphs())
    abort_on_failure = draw(st.booleans())
    rng = draw(st.randoms(use_true_random=True))
    progress = Progress(nodes, abort_on_failure=abort_on_failure)
    turns: list[tuple[Event, list[Action]]] = []
    if rng.random() < 0.04:
        turns.append((StopAsked(), progress.handle(StopAsked())))
    turns.append((Begun(), progress.handle(Begun())))
    while progress.outcome is None:
        assert len(turns) < 1_000, "the run does not end"
        event = next_event(progress, rng)
        turns.append((event, progress.handle(event)))
    return Tale(nodes, abort_on_failure, turns, progress)


@given(tales())
def test_any_run_ends_with_one_finish_after_every_step_is_settled(tale: Tale) -> None:
    assert all(status in SETTLED for status in tale.progress.status.values())
    assert [action for action in tale.actions if isinstance(action, Finish)] == tale.actions[-1:]
    finish = tale.actions[-1]
    assert isinstance(finish, Finish)
    assert finish.outcome is tale.progress.outcome
    assert bool(finish.because) == (finish.outcome is not COMPLETED)


def vetoed_by_people(tale: Tale) -> set[str]:
    """Return the steps that somebody said no to, which was recorded before the run heard of it."""
    return {event.step for event, _ in tale.turns if isinstance(event, Vetoed) and event.recorded}


def fails(node: Node, status: StepStatus) -> bool:
    return (status is FAILED and not node.continue_on_fail) or (status is ABORTED and not node.continue_on_abort)


def blocks(node: Node, status: StepStatus) -> bool:
    return (
        status is SKIPPED
        or (status is FAILED and node.skip_children_on_fail)
        or (status is ABORTED and node.skip_children_on_abort)
    )


@given(tales())
def test_the_verdict_follows_from_how_the_steps_ended(tale: Tale) -> None:
    status = tale.progress.status
    failed = any(fails(node, status[node.name]) for node in tale.nodes)
    stopped = any(isinstance(event, StopAsked) for event, _ in tale.turns)
    if not stopped:
        assert tale.progress.outcome is (FAILED if failed else COMPLETED)
    elif not tale.abort_on_failure:
        assert tale.progress.outcome is ABORTED
    else:
        assert tale.progress.outcome is ABORTED or failed


@given(tales())
def test_a_step_is_launched_only_when_no_parent_is_open_or_blocks(tale: Tale) -> None:
    """Promise 14: the steps are launched according to the specified structure."""
    progress = Progress(tale.nodes, abort_on_failure=tale.abort_on_failure)
    nodes = {node.name: node for node in tale.nodes}
    for event, _ in tale.turns:
        for action in progress.handle(event):
            if isinstance(action, Launch):
                assert not progress.stopping
                parents = nodes[action.step].parents
                assert all(progress.status[parent] in SETTLED for parent in parents)
                assert not any(blocks(nodes[parent], progress.status[parent]) for parent in parents)


@given(tales())
def test_a_step_runs_if_nothing_stands_in_its_way(tale: Tale) -> None:
    status, nodes = tale.progress.status, {node.name: node for node in tale.nodes}
    vetoed = vetoed_by_people(tale)
    for node in tale.nodes:
        if node.name in vetoed:
            assert status[node.name] is SKIPPED
        elif any(blocks(nodes[parent], status[parent]) for parent in node.parents):
            assert status[node.name] is SKIPPED
            assert tale.progress.attempts[node.name] == 0
        elif not tale.progress.stopping:
            assert tale.progress.attempts[node.name] > 0


@given(tales())
def test_every_skipped_step_is_skipped_once_for_a_reason_that_is_true(tale: Tale) -> None:
    status, nodes = tale.progress.status, {node.name: node for node in tale.nodes}
    skips = [action for action in tale.actions if isinstance(action, Skip)]
    skipped = {name for name, one in status.items() if one is SKIPPED}
    vetoed = vetoed_by_people(tale)
    assert vetoed <= skipped
    assert sorted(skip.step for skip in skips) == sorted(skipped - vetoed)
    for step, (cause, parent) in ((skip.step, (skip.reason.cause, skip.reason.parent)) for skip in skips):
        if parent is None:
            assert cause in {"vetoed", "stopped", "aborted on failure"}
            assert cause == "vetoed" or tale.progress.stopping
        else:
            assert parent in nodes[step].parents
            assert cause == f"parent {status[parent]}"
            assert blocks(nodes[parent], status[parent])


@given(tales())
def test_attempts_are_bounded_and_count_from_one(tale: Tale) -> None:
    asked = Counter(event.step for event, _ in tale.turns if isinstance(event, Ended) and event.retry)
    for node in tale.nodes:
        launched = [
            action.attempt for action in tale.actions if isinstance(action, Launch) and action.step == node.name
        ]
        assert launched == list(range(1, tale.progress.attempts[node.name] + 1))
        assert len(launched) <= 1 + node.retries + asked[node.name]


@given(tales())
def test_what_is_open_when_a_run_stops_is_told_to_abort_once(tale: Tale) -> None:
    progress = Progress(tale.nodes, abort_on_failure=tale.abort_on_failure)
    aborted: list[str] = []
    for event, _ in tale.turns:
        was_stopping = progress.stopping
        aborts = [action.step for action in progress.handle(event) if isinstance(action, Abort)]
        still_open = [name for name, status in progress.status.items() if status in OPEN]
        assert aborts == (still_open if progress.stopping and not was_stopping else [])
        aborted += aborts
    assert len(aborted) == len(set(aborted))


@given(tales())
def test_handling_the_same_events_again_gives_the_same_run_at_every_point(tale: Tale) -> None:
    progress = Progress(tale.nodes, abort_on_failure=tale.abort_on_failure)
    for played, (event, actions) in enumerate(tale.turns):
        again = Progress(tale.nodes, abort_on_failure=tale.abort_on_failure)
        for earlier, told in tale.turns[:played]:
            assert again.handle(earlier) == told
        assert snapshot(again) == snapshot(progress)
        assert progress.handle(event) == actions


class Fate(NamedTuple):
    """How a step goes whenever it is launched: so often it fails and is tried again, and then it settles."""

    failures: int
    event: Event


@st.composite
def fates(draw: st.DrawFn) -> tuple[list[Node], dict[str, Fate]]:
    """Any graph, each step with what happens to it."""
    nodes = draw(graphs())
    found: dict[str, Fate] = {}
    for node in nodes:
        name = node.name
        ends = [Ended(name, outcome, retry=False) for outcome in (COMPLETED, FAILED, ABORTED)]
        event = draw(st.sampled_from([*ends, Reused(name), Vetoed(name)]))
        found[name] = Fate(draw(st.integers(0, node.retries)), event)
    return nodes, found


def play_out(progress: Progress, begun: Begun, fates: dict[str, Fate], rng: random.Random, turns: int) -> list[Action]:
    """Let a run begin and go its way, in any order but every step to its fate, for so many turns at most."""
    actions = progress.handle(begun)
    tries: Counter[str] = Counter()
    while progress.outcome is None and turns:
        turns -= 1
        step = rng.choice([name for name, status in progress.status.items() if status in OPEN])
        fate = fates[step]
        if progress.status[step] is StepStatus.QUEUED and rng.random() < 0.3 and isinstance(fate.event, Ended):
            actions += progress.handle(Started(step))
        elif tries[step] < fate.failures and not progress.stopping:
            tries[step] += 1
            if progress.status[step] is StepStatus.QUEUED and isinstance(fate.event, Ended):
                actions += progress.handle(Started(step))
            actions += progress.handle(Ended(step, FAILED))
        else:
            actions += progress.handle(fate.event)
    return actions


def kept(progress: Progress, actions: list[Action]) -> dict[str, StepStatus]:
    """Return what a run that goes on keeps: what completed, was reused or vetoed."""
    vetoed = {one.step for one in actions if isinstance(one, Skip) and one.reason.cause == "vetoed"}
    return {name: status for name, status in progress.status.items() if status in {COMPLETED, CACHED} or name in vetoed}


def below(nodes: list[Node], tops: set[str]) -> set[str]:
    """Return all that waits for one of these, however far down."""
    found: set[str] = set()
    while more := {node.name for node in nodes if {*node.parents} & (tops | found)} - found:
        found |= more
    return found


@given(fates(), st.booleans(), st.integers(0, 40), st.randoms(use_true_random=True))
def test_a_run_that_was_cut_off_anywhere_goes_on_to_the_same_end(
    drawn: tuple[list[Node], dict[str, Fate]], abort_on_failure: bool, cut: int, rng: random.Random
) -> None:
    """Promise of rule 9: what is settled stays, the rest goes the same way, and the verdict is that of a whole run."""
    nodes, fates = drawn
    whole = Progress(nodes, abort_on_failure=abort_on_failure)
    play_out(whole, Begun(), fates, rng, turns=1_000)
    first = Progress(nodes, abort_on_failure=abort_on_failure)
    settled = kept(first, play_out(first, Begun(), fates, rng, turns=cut))

    second = Progress(nodes, abort_on_failure=abort_on_failure)
    actions = play_out(second, Begun(settled=settled, attempts=first.attempts), fates, rng, turns=1_000)

    assert second.outcome is whole.outcome
    if not abort_on_failure:
        assert second.status == whole.status
    touched = {action.step for action in actions if isinstance(action, Launch | Skip | Abort)}
    assert not touched & set(settled)
    assert all(second.status[name] is status for name, status in settled.items())
    again = [name for name in fates if second.attempts[name] > first.attempts[name]]
    for name in again:
        launched = [action.attempt for action in actions if isinstance(action, Launch) and action.step == name]
        assert launched == list(range(first.attempts[name] + 1, second.attempts[name] + 1))
    vetoed = {name for name, status in settled.items() if status is SKIPPED}
    assert all(second.status[name] is SKIPPED for name in below(nodes, vetoed) if name not in settled)
    assert not below(nodes, vetoed) & set(again)


@given(fates(), st.booleans(), st.integers(0, 40), st.randoms(use_true_random=True))
def test_what_a_run_that_goes_on_does_at_once_follows_from_what_is_settled(
    drawn: tuple[list[Node], dict[str, Fate]], abort_on_failure: bool, cut: int, rng: random.Random
) -> None:
    """Whatever is settled, and however: nothing is launched in vain, and what is launched comes in the nodes' order."""
    nodes, fates = drawn
    first = Progress(nodes, abort_on_failure=abort_on_failure)
    play_out(first, Begun(), fates, rng, turns=cut)
    settled = {name: status for name, status in first.status.items() if status in SETTLED}
    shuffled = dict(rng.sample([*settled.items()], len(settled)))

    second = Progress(nodes, abort_on_failure=abort_on_failure)
    actions = second.handle(Begun(settled=shuffled, attempts=first.attempts))

    launched = [action.step for action in actions if isinstance(action, Launch)]
    assert launched == [node.name for node in nodes if node.name in launched]
    assert not any(isinstance(action, Abort) for action in actions)
    assert not (second.stopping and launched)
    ready = {name for name, status in first.status.items() if status in OPEN}
    if not first.stopping:
        assert set(launched) == ready
        assert [action for action in actions if isinstance(action, Skip)] == []
        assert second.outcome is first.outcome


# Cost


def line(size: int) -> list[Node]:
    return chain(*(f"s{i}" for i in range(size)))


def fan(size: int) -> list[Node]:
    middle = tuple(f"m{i}" for i in range(size - 2))
    return [Node("first"), *(Node(name, ("first",)) for name in middle), Node("last", middle)]


def dense(size: int) -> list[Node]:
    rng = random.Random(size)
    return [Node(f"s{i}", tuple(f"s{rng.randrange(i)}" for _ in range(3)) if i else ()) for i in range(size)]


def run_through(nodes: list[Node]) -> None:
    """Complete all steps in the order of their launch."""
    progress = Progress(nodes)
    launched = [action.step for action in progress.handle(Begun()) if isinstance(action, Launch)]
    for step in launched:
        progress.handle(Started(step))
        launched += [action.step for action in progress.handle(Ended(step, COMPLETED)) if isinstance(action, Launch)]
    assert progress.outcome is COMPLETED


def fail_at_once(nodes: list[Node]) -> None:
    """Fail the first step, so that all others are skipped."""
    progress = Progress(nodes, abort_on_failure=True)
    progress.handle(Begun())
    progress.handle(Ended(nodes[0].name, FAILED))
    assert progress.outcome is FAILED


def count_work(action: Callable[[list[Node]], None], nodes: list[Node]) -> int:
    """Count the lines that Python executes, each turn of a loop included: the same number on every machine."""
    lines = 0

    def trace(_frame: FrameType, event: str, _arg: object) -> TraceFunction:
        nonlocal lines
        lines += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        action(nodes)
    finally:
        sys.settrace(before)
    return lines


@pytest.mark.parametrize("play", [run_through, fail_at_once])
@pytest.mark.parametrize("shape", [line, fan, dense])
def test_the_work_grows_with_the_pipeline_and_not_faster(
    shape: Callable[[int], list[Node]], play: Callable[[list[Node]], None]
) -> None:
    small, large = (count_work(play, shape(size)) for size in (250, 1_000))
    assert small < large < 4.2 * small
