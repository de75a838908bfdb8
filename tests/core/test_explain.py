"""Why a run and its steps went as they did, in sentences."""

from __future__ import annotations

import gc
import time

import pytest
from msgspec.structs import replace

from penstock.core.decision import Decision, DecisionKind
from penstock.core.explain import Explanation, Explanations
from penstock.core.pipeline import Pipeline, Step
from penstock.core.progress import StepStatus
from penstock.core.run import Run, RunDetail, StepState
from penstock.core.task import EndReason, Status, Task

EXECUTE, REUSE, RETRY, GIVE_UP = DecisionKind.EXECUTE, DecisionKind.REUSE, DecisionKind.RETRY, DecisionKind.GIVE_UP
PENDING, RUNNING, SKIPPED = StepStatus.PENDING, StepStatus.RUNNING, StepStatus.SKIPPED
COMPLETED, CACHED, FAILED, ABORTED = StepStatus.COMPLETED, StepStatus.CACHED, StepStatus.FAILED, StepStatus.ABORTED
RATE = "argument 'rate' is 0.2, was 0.1 in sums #3"
SLOT = "waits for one of the 2 slots of this machine"


class Recorded:
    """A run as it is recorded, step by step."""

    def __init__(self, status: Status = Status.IN_PROGRESS, message: str = "", **of_the_run: object) -> None:
        self.task = Task(id="r", name="sums #4", project="p", status=status, message=message)
        self.reason: EndReason | None = None
        self.of_the_run = of_the_run
        self.abort_on_failure = False
        self.steps: list[Step] = []
        self.states: list[StepState] = []
        self.attempts: list[Task] = []
        self.decisions: list[Decision] = []

    def step(
        self, name: str, status: StepStatus, reason: str = "", after: tuple[str, ...] = (), attempt: int = 1, **options
    ) -> Recorded:
        self.steps.append(Step(name=name, code="c", parents=after, **options))
        self.states.append(StepState(name=name, status=status, reason=reason, attempt=attempt, ended=len(self.steps)))
        return self

    def tried(self, step: str, status: Status, message: str = "", number: int = 1, seconds: float = 2.0) -> Recorded:
        begun = 100.0 * number
        ended = None if status is Status.IN_PROGRESS else begun + seconds
        name = f"{step} {number}"
        task = Task(id=name, name=name, project="p", status=status, message=message, started=begun, ended=ended)
        self.attempts.append(replace(task, step=step, attempt=number, run="r"))
        return self

    def decided(self, kind: DecisionKind, reason: str, step: str = "", attempt: int = 1, **more) -> Recorded:
        self.decisions.append(Decision(kind=kind, reason=reason, step=step, attempt=attempt, **more))
        return self

    def explained(self) -> Explanations:
        run = Run(task=replace(self.task, reason=self.reason), pipeline="sums", project="p", **self.of_the_run)
        definition = Pipeline(name="sums", project="p", steps=tuple(self.steps), abort_on_failure=self.abort_on_failure)
        detail = RunDetail(run=run, definition=definition, steps=tuple(self.states))
        return Explanations(detail, self.attempts, self.decisions, lambda seconds: f"{seconds:g} s")

    def headline(self, step: str = "") -> str:
        return self.explain(step).headline

    def lines(self, step: str = "") -> tuple[str, ...]:
        return self.explain(step).lines

    def explain(self, step: str = "") -> Explanation:
        found = self.explained()
        return found.step(step) if step else found.run()


# A step that ran, or did not have to


def test_a_step_that_ran_says_why_it_was_not_reused_and_below_it_the_other_differences() -> None:
    run = Recorded().step("load", COMPLETED).step("train", COMPLETED, after=("load",)).tried("train", Status.COMPLETED)
    run.decided(EXECUTE, RATE, "train", details=("package numpy is 2.1, was 2.0",))
    assert run.headline("train") == f"train ran: {RATE}"
    assert run.lines("train") == (
        "it waited for load (completed)",
        "also: package numpy is 2.1, was 2.0",
        "attempt 1 completed after 2 s",
    )


def test_a_reused_step_says_what_stands_for_it() -> None:
    why = "its code, arguments, inputs and packages are those of sums #1"
    run = Recorded().step("load", CACHED, why).tried("load", Status.COMPLETED, seconds=0)
    run.decided(REUSE, why, "load", related="0123456789abcdef")
    assert run.headline("load") == f"load was reused: {why}"
    assert run.lines("load") == ("task 0123456789ab stands for it",)


def test_a_step_that_completed_at_its_second_try_says_why_it_ran_and_how_the_first_ended() -> None:
    run = Recorded().step("train", COMPLETED, attempt=2).decided(EXECUTE, RATE, "train")
    run.decided(RETRY, "attempt 1 failed: ValueError: bad; try 2 of 3", "train", attempt=2, details=(RATE,))
    run.tried("train", Status.FAILED, "ValueError: bad\nTraceback").tried("train", Status.COMPLETED, number=2)
    assert run.headline("train") == f"train ran: {RATE} (attempt 2 completed)"
    assert run.lines("train") == (
        "attempt 1 failed after 2 s: ValueError: bad; try 2 of 3",
        "attempt 2 completed after 2 s",
    )


def test_a_step_that_ran_again_when_its_run_was_resumed_says_why_it_ran_last() -> None:
    run = Recorded().step("train", COMPLETED, attempt=2).decided(EXECUTE, "caching is off for this step", "train")
    run.decided(DecisionKind.RESUME, "somebody asked for it").decided(EXECUTE, RATE, "train", attempt=2)
    assert run.headline("train") == f"train ran: {RATE} (attempt 2 completed)"
    assert "it went on again: somebody asked for it" in run.lines()


def test_a_step_that_a_callback_judged_says_what_it_said() -> None:
    run = Recorded().step("a", COMPLETED).decided(EXECUTE, RATE, "a").decided(GIVE_UP, "it has no retries", "a")
    run.decided(DecisionKind.JUDGE, "post_execute_callback marked it completed", "a")
    assert run.headline("a") == "a completed: post_execute_callback marked it completed"
    assert run.lines("a") == (f"it ran: {RATE}", "it was not tried again: it has no retries")
    said = "post_execute_callback marked it failed: accuracy 0.2"
    run = Recorded().step("a", FAILED, said).decided(EXECUTE, RATE, "a").decided(DecisionKind.JUDGE, said, "a")
    assert run.headline("a") == f"a failed: {said}"


def test_the_judgement_of_an_earlier_try_is_no_reason_for_a_later_one() -> None:
    run = Recorded().step("a", COMPLETED, attempt=2).decided(DecisionKind.JUDGE, "marked it failed", "a", attempt=1)
    assert run.headline("a") == "a ran and completed (attempt 2 completed)"
    assert "judged: marked it failed" in run.lines("a")


def test_what_callbacks_and_the_run_did_afterwards_is_told() -> None:
    monitored = {"monitor_metrics": (["loss", "train"],), "monitor_artifacts": ("model",), "monitor_models": ("best*",)}
    run = Recorded().step("train", COMPLETED, **monitored)
    run.decided(DecisionKind.TAKE_OVER, "the run monitors it", "train", related="train 1")
    run.decided(DecisionKind.CALL, "post_execute_callback was called", "train")
    assert run.lines("train") == (
        "the run took over what it monitors of it: metric loss/train, artifact model, model best*",
        "post_execute_callback was called",
    )


# A step that did not end well


def test_a_failed_step_says_what_failed_and_why_it_is_not_tried_again() -> None:
    run = Recorded().step("train", FAILED, "ValueError: bad", attempt=3).step("score", SKIPPED, after=("train",))
    run.decided(GIVE_UP, "its 2 retries are used up", "train", attempt=3).decided(EXECUTE, RATE, "train")
    run.tried("train", Status.FAILED, "KeyError: 'x'").tried("train", Status.FAILED, "ValueError: bad", number=3)
    assert run.headline("train") == "train failed: ValueError: bad (its 2 retries are used up)"
    assert run.lines("train") == (
        f"it ran: {RATE}",
        "attempt 1 failed after 2 s: KeyError: 'x'",
        "attempt 3 failed after 2 s",
        "score was skipped because of it",
    )


def test_a_message_that_is_a_part_of_another_one_is_told_all_the_same() -> None:
    run = Recorded().step("a", FAILED, "ValueError: bad luck", attempt=2)
    run.tried("a", Status.FAILED, "ValueError: bad").tried("a", Status.FAILED, "ValueError: bad luck", number=2)
    assert run.lines("a")[0] == "attempt 1 failed after 2 s: ValueError: bad"


def test_what_was_decided_of_an_earlier_try_does_not_speak_for_the_last_one() -> None:
    run = Recorded().step("a", FAILED, "bad", attempt=2).decided(GIVE_UP, "it has no retries", "a", attempt=1)
    assert run.headline("a") == "a failed: bad (after 2 attempts)"
    run = Recorded().step("a", RUNNING, attempt=2).decided(EXECUTE, RATE, "a", attempt=1)
    assert run.headline("a") == "a runs again"


def test_a_failed_step_that_may_fail_says_so() -> None:
    run = Recorded().step("a", FAILED, "bad", continue_on_fail=True)
    assert run.lines("a") == ("the run may complete all the same: continue_on_fail is on",)


def test_an_aborted_step_says_its_own_reason_or_that_of_the_run() -> None:
    limit = "stopped: it ran longer than its time limit of 5 s"
    run = Recorded(Status.STOPPED, "penstock abort by ada").step("a", ABORTED, limit)
    run.step("b", ABORTED, "stopped: the run was stopped")
    run.step("c", ABORTED, "the run was stopped before the step was started")
    assert run.headline("a") == "a was aborted: it ran longer than its time limit of 5 s"
    assert run.headline("b") == "b was aborted: the run was stopped: penstock abort by ada"
    assert run.headline("c") == "c was aborted: the run was stopped: penstock abort by ada"


def test_when_the_first_failure_stopped_the_run_it_is_the_cause_of_the_rest() -> None:
    run = Recorded(Status.FAILED, "step 'a' failed").step("a", FAILED, "KeyError: 'x'")
    run.step("b", ABORTED, "stopped: the run was stopped").step("c", SKIPPED, "aborted on failure", attempt=0)
    run.abort_on_failure = True
    why = "the run was stopped: a failed: KeyError: 'x', and the pipeline aborts on failure"
    assert run.headline("b") == f"b was aborted: {why}"
    assert run.headline("c") == f"c was skipped: {why}"
    run.of_the_run["stop_asked"] = "it takes too long"
    assert run.headline("c") == f"c was skipped: {why}", "who asks later did not stop it"


# A step that did not run


def test_a_skipped_step_names_the_step_that_began_it_however_far_up() -> None:
    run = Recorded().step("load", FAILED, "KeyError: 'x'").step("s0", SKIPPED, "parent 'load' failed", ("load",))
    for number in range(1, 3000):
        run.step(f"s{number}", SKIPPED, f"parent 's{number - 1}' skipped", (f"s{number - 1}",))
    assert run.headline("s0") == "s0 was skipped: load failed: KeyError: 'x'"
    assert run.headline("s2999") == "s2999 was skipped: load failed: KeyError: 'x'"
    assert run.lines("s2999") == ("its parents: s2998 (skipped)", "what began it lies 3,000 steps up: load")
    assert run.lines("load") == ("s0, s1, s2, s3, s4 and 2,995 more were skipped because of it",)


def test_a_veto_is_the_cause_for_the_step_and_for_those_below() -> None:
    veto = "pre_execute_callback returned False"
    run = Recorded().step("publish", SKIPPED, veto).step("tell", SKIPPED, "parent 'publish' skipped", ("publish",))
    run.decided(DecisionKind.VETO, veto, "publish")
    assert run.headline("publish") == f"publish was skipped: {veto}"
    assert run.headline("tell") == f"tell was skipped: publish was skipped: {veto}"


def test_a_step_that_was_skipped_for_another_reason_than_its_parents_says_it() -> None:
    run = Recorded(Status.STOPPED, "it takes too long").step("a", FAILED, "bad").step("b", SKIPPED, "stopped", ("a",))
    assert run.headline("b") == "b was skipped: the run was stopped: it takes too long"
    gone = "the process that ran the pipeline is gone"
    run = Recorded(Status.STOPPED, gone).step("b", SKIPPED, gone)
    assert run.headline("b") == f"b was skipped: {gone}"


# A step that waits or runs


def test_a_pending_step_names_who_it_waits_for_and_what_has_to_end_first() -> None:
    run = Recorded().step("load", RUNNING).step("split", PENDING, after=("load",)).step("x", COMPLETED)
    run.step("train", PENDING, after=("x", "split"))
    assert run.headline("split") == "split waits for load, which is running"
    assert run.headline("train") == "train waits for split, and with it for load, which is running"
    assert run.lines("train") == ("it waits for x (completed) and split (pending)",)


def test_a_pending_step_names_of_several_parents_the_one_that_runs() -> None:
    run = Recorded().step("a", PENDING).step("b", RUNNING).step("c", PENDING).step("d", PENDING, after=("a", "b", "c"))
    assert run.headline("d") == "d waits for b, which is running, and for 2 other steps"
    assert run.headline("a") == "a is about to start"


def test_a_step_that_waits_for_a_slot_says_so_and_later_how_long_it_did() -> None:
    run = Recorded().step("split", StepStatus.QUEUED, SLOT).step("train", PENDING, after=("split",))
    assert run.headline("split") == f"split {SLOT}"
    assert run.headline("train") == "train waits for split, which waits for a slot"
    run = Recorded().step("split", COMPLETED, attempt=2).tried("split", Status.FAILED, "bad")
    run.tried("split", Status.COMPLETED, number=2)
    run.decided(DecisionKind.WAIT, SLOT, "split", at=90.0).decided(DecisionKind.WAIT, SLOT, "split", at=193.0)
    assert run.lines("split") == (
        "it waited 10 s for one of the 2 slots of this machine",
        "attempt 1 failed after 2 s: bad",
        "it waited 7 s for one of the 2 slots of this machine",
        "attempt 2 completed after 2 s",
    )


def test_a_running_step_says_why_it_runs_or_why_again() -> None:
    run = Recorded().step("a", RUNNING).tried("a", Status.IN_PROGRESS).decided(EXECUTE, RATE, "a")
    assert run.headline("a") == f"a runs: {RATE}"
    assert run.lines("a") == ("attempt 1 is running",)
    run = Recorded().step("a", RUNNING, attempt=2).tried("a", Status.FAILED, "bad").decided(EXECUTE, RATE, "a")
    run.decided(RETRY, "attempt 1 failed: bad; try 2 of 3", "a", attempt=2)
    assert run.headline("a") == "a runs again: attempt 1 failed: bad; try 2 of 3"
    assert run.lines("a") == (f"it ran: {RATE}", "attempt 1 failed after 2 s: bad; try 2 of 3")


# What older versions recorded


@pytest.mark.parametrize(
    ("status", "attempt", "sentence"),
    [
        (COMPLETED, 1, "a ran and completed"),
        (COMPLETED, 2, "a ran and completed (attempt 2 completed)"),
        (CACHED, 1, "a was reused: an equal execution stands for it"),
        (FAILED, 1, "a failed"),
        (FAILED, 3, "a failed (after 3 attempts)"),
        (ABORTED, 1, "a was aborted"),
        (SKIPPED, 0, "a was skipped"),
        (RUNNING, 1, "a runs"),
        (RUNNING, 2, "a runs again"),
        (StepStatus.QUEUED, 0, "a waits for a slot"),
        (PENDING, 0, "a is about to start"),
    ],
)
def test_a_status_without_any_decision_or_reason_gives_a_true_sentence(status, attempt, sentence) -> None:
    run = Recorded().step("a", status, attempt=attempt)
    assert run.explain("a") == Explanation(step="a", status=status.value, headline=sentence)


def test_a_message_that_only_the_attempt_has_is_found_there() -> None:
    run = Recorded().step("a", FAILED).tried("a", Status.FAILED, "\nValueError: bad\nTraceback")
    assert run.headline("a") == "a failed: ValueError: bad"


def test_a_veto_of_before_reasons_were_recorded_is_one() -> None:
    assert Recorded().step("a", SKIPPED, "vetoed").headline("a") == "a was skipped: its pre_execute_callback said no"


# The run


def test_a_failed_run_names_the_step_that_failed_it_and_what_followed() -> None:
    run = Recorded(Status.FAILED, "step 'train' failed").step("load", CACHED).step("other", FAILED, "OSError: full")
    run.step("train", FAILED, "ValueError: bad").step("score", SKIPPED, "parent 'train' failed", ("train",))
    run.reason = EndReason.STEP_FAILED
    run.decided(GIVE_UP, "it has no retries", "train")
    assert run.headline() == "sums #4 failed: train failed: ValueError: bad (it has no retries)"
    assert run.lines() == (
        "other failed: OSError: full",
        "score was skipped because train failed",
        "1 step was reused, 2 failed, 1 was skipped",
    )


def test_a_run_that_broke_down_says_so_whatever_its_steps_did() -> None:
    run = Recorded(Status.FAILED, "the controller failed: OSError: full\nTraceback").step("a", FAILED, "bad")
    run.reason = EndReason.EXCEPTION
    assert run.headline() == "sums #4 failed: the controller failed: OSError: full"


def test_a_stopped_run_says_why() -> None:
    assert Recorded(Status.STOPPED, "interrupted").headline() == "sums #4 was stopped: interrupted"
    assert Recorded(Status.STOPPED, stop_asked="too long").headline() == "sums #4 was stopped: too long"


def test_a_completed_run_says_how_its_steps_did() -> None:
    run = Recorded(Status.COMPLETED).step("a", COMPLETED).step("b", COMPLETED).step("c", CACHED)
    assert run.headline() == "sums #4 completed: 2 steps ran, 1 was reused"
    assert run.lines() == ()
    assert Recorded(Status.PUBLISHED).step("a", COMPLETED).headline() == "sums #4 is published: 1 step ran"
    assert Recorded(Status.COMPLETED).headline() == "sums #4 completed: it has no steps"


def test_a_run_that_goes_on_says_what_it_is_at() -> None:
    run = Recorded().step("a", COMPLETED).step("b", RUNNING).step("c", RUNNING).step("d", PENDING, after=("b",))
    assert run.headline() == "sums #4 goes on: b and c are running, 1 of 4 steps settled"
    run = Recorded().step("a", StepStatus.QUEUED)
    assert run.headline() == "sums #4 goes on: a waits for a slot, 0 of 1 steps settled"
    assert Recorded().step("a", PENDING).headline() == "sums #4 goes on: none of its steps is running at this moment"


def test_a_run_that_is_stopping_says_why() -> None:
    assert Recorded(stop_asked="too long").step("a", RUNNING).headline() == "sums #4 is stopping: too long"
    run = Recorded().step("a", FAILED, "bad").step("b", RUNNING)
    run.abort_on_failure = True
    assert run.headline() == "sums #4 is stopping: a failed: bad, and the pipeline aborts on failure"
    run.of_the_run["stop_asked"] = "too long"
    assert run.headline() == "sums #4 is stopping: too long", "nobody knows yet which of the two came first"


def test_a_draft_was_never_started() -> None:
    assert Recorded(Status.CREATED).headline() == "sums #4 is a draft: it was never started"
    assert Recorded(Status.QUEUED).headline() == "sums #4 waits in a queue"


def test_a_step_that_is_pending_in_a_run_that_ended_says_that_it_did_not_run() -> None:
    run = Recorded(Status.STOPPED, "interrupted").step("a", PENDING)
    assert run.headline("a") == "a did not run: sums #4 was stopped: interrupted"


def test_many_steps_that_did_not_end_well_are_counted() -> None:
    run = Recorded(Status.FAILED, "step 's0' failed")
    for number in range(12):
        run.step(f"s{number}", FAILED, "bad")
    assert run.lines() == (
        *(f"s{number} failed: bad" for number in range(1, 6)),
        "6 other steps did not end well either",
        "12 steps failed",
    )


# All of it


@pytest.mark.parametrize("status", [PENDING, SKIPPED])
def test_ten_thousand_steps_in_a_row_cost_ten_times_a_thousand(status) -> None:
    def seconds(count: int) -> float:
        run = Recorded().step("s0", RUNNING if status is PENDING else FAILED, "bad")
        for number in range(1, count):
            run.step(f"s{number}", status, after=(f"s{number - 1}",))
        begun = time.process_time()
        found = run.explained()
        assert len(found.steps()) == count
        assert found.run().headline
        return time.process_time() - begun

    def fewest_seconds(count: int) -> float:
        return min(seconds(count) for _ in range(3))

    gc.collect()  # a collection would walk over whatever else this process has made
    gc.disable()
    try:
        assert fewest_seconds(10_000) < 40 * fewest_seconds(1000), "it grows faster than the run"
    finally:
        gc.enable()


def test_every_sentence_is_one_line() -> None:
    run = Recorded(Status.FAILED, "one\ntwo").step("a", FAILED, "bad\nworse").step("b", SKIPPED, "no\nno")
    run.decided(EXECUTE, "why\nso", "a", details=("one\ntwo",)).decided(
        DecisionKind.CALL, "x\ny", "a", details=("q\nr",)
    )
    run.decided(DecisionKind.RESUME, "w\nv", details=("u\nt",)).tried("a", Status.FAILED, "bad\nworse")
    found = run.explained()
    for one in (found.run(), *found.steps()):
        assert not [line for line in (one.headline, *one.lines) if "\n" in line]
