from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.service.conftest import WORKER

from penstock.core.assignment import Assignment
from penstock.core.errors import Conflict, LeaseLost
from penstock.core.lease import MOST_LOST, Held
from penstock.core.outputs import ConsoleLine, Stream
from penstock.core.progress import StepStatus
from penstock.core.task import ENDED, EndReason, Status
from penstock.ops.agents import Agent, DrainAgent, ReportAgent
from penstock.ops.claims import BeginClaimed, EndLeases, HandBack, ListHeld, ReleaseLease, RenewLease, SpareLeases
from penstock.ops.lifecycle import EnqueueTask
from penstock.ops.outputs import AppendConsole, ReadConsole
from penstock.ops.queues import ListEntries
from penstock.ops.runs import GetRun, ResumeRun, StopRun
from penstock.ops.tasks import DescribeTask, EndTask, GetTask


def test_a_claimed_task_is_in_progress_and_its_agent_is_told_what_it_is_given(timed):
    run = timed.run("a", "b")
    given = Assignment(returns=("x",), time_limit=5.0)
    task = timed.enqueue_step(run, assignment=given)
    assert (task.status, timed.states(run)["a"].status) == (Status.QUEUED, StepStatus.QUEUED)
    claim = timed.claim()
    assert (claim.task.id, claim.task.status, claim.assignment, claim.queue) == (
        task.id,
        "in_progress",
        given,
        "default",
    )
    state = timed.states(run)["a"]
    assert (state.status, state.attempt, state.task, state.started) == (StepStatus.RUNNING, 1, task.id, 1_000.0)


def test_a_claim_that_is_repeated_because_its_answer_was_lost_is_the_same_claim(timed):
    """T02."""
    timed.queued()
    timed.queued()
    first = timed.claim(request="once")
    assert timed.claim(request="once") == first
    assert timed.claim(request="twice") != first


def test_each_task_goes_to_one_of_many_that_claim_at_once(timed):
    tasks = {timed.queued(str(number)).id for number in range(40)}
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda number: timed.claim(request=f"r{number}"), range(60)))
    got = [claim.task.id for claim in claims if claim is not None]
    assert (len(got), set(got)) == (40, tasks)


def test_queues_are_looked_at_in_the_order_of_the_agent(timed):
    timed.queued("late", "default")
    timed.queued("soon", "services")
    assert [timed.claim("services", "nowhere", "default").task.name for _ in range(2)] == ["soon", "late"]


def test_a_run_takes_no_slot_of_an_agent(timed):
    timed.queued(queue="services")
    run = timed.queued_run()
    claim = timed.claim("services", workers=0)
    assert claim.task.id == run.id
    assert timed.claim("services", workers=0) is None
    assert timed.claim("services") is not None


def test_an_agent_holds_no_more_tasks_than_it_has_workers_and_gets_the_next_as_soon_as_one_has_ended(timed):
    for _ in range(3):
        timed.queued()
    held = [timed.claim(workers=2) for _ in range(2)]
    assert timed.claim(workers=2) is None
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(timed.claim(workers=2, wait=60.0)))
    waiting.start()
    timed.backend.call(EndTask(id=held[0].task.id, status=Status.COMPLETED), held=held[0].held)
    waiting.join(30.0)
    assert answers[0] is not None


def test_an_agent_that_is_to_leave_gets_nothing_more_and_waits_for_nothing(timed):
    timed.backend.call(ReportAgent(agent=Agent(name="agent", process=WORKER)))
    refused = []

    def wait():
        try:
            timed.claim(wait=60.0)
        except Conflict as error:
            refused.append(error.message)

    waiting = threading.Thread(target=wait)
    waiting.start()
    timed.backend.call(DrainAgent(name="agent"))
    waiting.join(30.0)
    assert refused == ["agent agent is to leave, and gets nothing more"]


def test_what_is_known_of_a_task_when_it_begins_is_kept_with_it(timed):
    task = timed.queued()
    held = timed.claim("default").held
    before = timed.backend.call(DescribeTask(id=task.id, runtime={"host": "h"})).runtime
    for facts in ({"environment": "same: it needs no packages"}, {}):
        begun = timed.backend.call(BeginClaimed(held=held, worker=WORKER, runtime=facts))
        assert begun == timed.backend.call(GetTask(id=task.id))
        assert begun.runtime == {**before, "environment": "same: it needs no packages"}


def test_a_run_that_ended_is_held_until_whoever_carried_it_out_has_left(timed):
    run = timed.queued_run()
    held = timed.claim("services").held
    timed.backend.call(BeginClaimed(held=held, worker=WORKER))
    timed.start(timed.backend.call(GetRun(id=run.id)).run)
    timed.end_run(run)
    timed.backend.call(AppendConsole(task=run.id, lines=(ConsoleLine(1.0, Stream.OUT, "bye"),)), held=held)
    timed.backend.call(ReleaseLease(held=held))
    assert timed.backend.call(ListHeld()) == []
    assert timed.status(run) is Status.COMPLETED


def test_a_run_whose_process_left_before_its_end_goes_on_when_it_is_claimed_next(timed):
    run = timed.queued_run()
    held = timed.claim("services").held
    timed.backend.call(BeginClaimed(held=held, worker=WORKER))
    timed.backend.call(ReleaseLease(held=held))
    assert timed.claim("services").resumed
    assert timed.status(run) is Status.IN_PROGRESS


def test_who_waits_for_a_task_gets_it_as_soon_as_there_is_one(timed):
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(timed.claim(wait=60.0)))
    waiting.start()
    task = timed.queued()
    waiting.join(30.0)
    assert [answer.task.id for answer in answers] == [task.id]


def test_what_had_not_begun_waits_again_before_all_others_when_its_agent_is_lost(timed):
    first, second = timed.queued("first"), timed.queued("second")
    claim = timed.claim(seconds=60.0)
    timed.clock.now += 59.0
    assert timed.backend.call(EndLeases()) == []
    timed.clock.now += 2.0
    assert timed.backend.call(EndLeases()) == [first.id]
    assert timed.status(first) is Status.QUEUED
    again = timed.claim()
    assert (again.task.id, again.held.fence > claim.held.fence) == (first.id, True)
    assert timed.claim().task.id == second.id


def test_what_is_lost_too_often_is_given_up(timed):
    task = timed.queued()
    for _ in range(MOST_LOST + 1):
        timed.claim(agent="frail")
        timed.clock.now += 61.0
        timed.backend.call(EndLeases())
    ended = timed.backend.call(GetTask(id=task.id))
    assert (ended.status, ended.reason) == (Status.FAILED, EndReason.AGENT_LOST)
    assert ended.message == f"given up: lost with its agent {MOST_LOST + 1} times; the last, frail"


def test_a_run_that_is_given_up_is_held_by_nobody(timed):
    run = timed.queued_run()
    for _ in range(MOST_LOST + 1):
        timed.backend.call(ReleaseLease(held=timed.claim("services").held))
    ended = timed.backend.call(GetTask(id=run.id))
    assert (ended.status, ended.reason) == (Status.STOPPED, EndReason.CONTROLLER_LOST)
    assert timed.backend.call(ListHeld()) == []


def test_an_attempt_that_had_begun_fails_with_its_agent(timed):
    run = timed.run("a", "b")
    task = timed.enqueue_step(run)
    claim = timed.claim()
    timed.backend.call(BeginClaimed(held=claim.held, worker=WORKER))
    timed.clock.now += 61.0
    timed.backend.call(EndLeases())
    ended = timed.backend.call(GetTask(id=task.id))
    assert (ended.status, ended.reason, ended.worker) == (Status.FAILED, EndReason.AGENT_LOST, WORKER)
    assert timed.states(run)["a"].status is StepStatus.FAILED


def test_a_run_that_had_begun_waits_again_and_is_told_that_it_goes_on(timed):
    run = timed.queued_run()
    claim = timed.claim("services")
    assert not claim.resumed
    timed.backend.call(BeginClaimed(held=claim.held, worker=WORKER))
    timed.clock.now += 61.0
    timed.backend.call(EndLeases())
    assert timed.status(run) is Status.QUEUED
    again = timed.claim("services")
    assert (again.task.id, again.resumed) == (run.id, True)


def test_a_lease_that_is_renewed_lasts(timed):
    timed.queued()
    claim = timed.claim()
    for _ in range(5):
        timed.clock.now += 50.0
        timed.backend.call(RenewLease(held=claim.held))
    assert timed.backend.call(EndLeases()) == []


WRITES = [
    lambda held: AppendConsole(task=held.task, lines=(ConsoleLine(1.0, Stream.OUT, "late"),)),
    lambda held: EndTask(id=held.task, status=Status.COMPLETED),
    lambda held: RenewLease(held=held),
    lambda held: BeginClaimed(held=held, worker=WORKER),
]


@pytest.mark.parametrize("write", WRITES)
def test_who_was_frozen_for_longer_than_the_lease_changes_nothing_any_more(timed, write):
    task = timed.queued()
    frozen = timed.claim().held
    timed.clock.now += 61.0
    timed.backend.call(EndLeases())
    timed.claim()
    with pytest.raises(LeaseLost, match="not held under number"):
        timed.backend.call(write(frozen), held=frozen)
    assert timed.status(task) is Status.IN_PROGRESS
    assert timed.backend.call(ReadConsole(task=task.id), held=frozen) == []


def test_the_last_words_of_a_task_that_was_stopped_are_taken_from_who_held_it_and_from_nobody_else(timed):
    task = timed.queued()
    held = timed.claim().held
    timed.backend.call(EndTask(id=task.id, status=Status.STOPPED, reason=EndReason.ABORTED))
    words = AppendConsole(task=task.id, lines=(ConsoleLine(1.0, Stream.OUT, "last"),))
    timed.backend.call(words, held=held)
    assert [line.text for chunk in timed.backend.call(ReadConsole(task=task.id)) for line in chunk.lines] == ["last"]
    other = timed.queued("other")
    for other_held in (Held(other.id, held.fence), Held("f" * 32, 99)):
        with pytest.raises(LeaseLost):
            timed.backend.call(words, held=other_held)
    with pytest.raises(LeaseLost):
        timed.backend.call(EndTask(id=task.id, status=Status.COMPLETED), held=held)


def test_an_end_whose_answer_was_lost_may_be_reported_again_and_another_end_may_not(timed):
    task = timed.queued()
    held = timed.claim().held
    for _ in range(5):
        assert timed.backend.call(EndTask(id=task.id, status=Status.COMPLETED), held=held).status is Status.COMPLETED
    with pytest.raises(LeaseLost):
        timed.backend.call(EndTask(id=task.id, status=Status.FAILED), held=held)
    assert timed.status(task) is Status.COMPLETED


def test_a_lease_lasts_from_the_beginning_on_however_late_that_is(timed):
    task = timed.queued()
    held = timed.claim(seconds=60.0).held
    timed.clock.now += 50.0
    timed.backend.call(BeginClaimed(held=held, worker=WORKER, seconds=60.0))
    timed.clock.now += 50.0
    assert timed.backend.call(EndLeases()) == []
    timed.clock.now += 20.0
    assert timed.backend.call(EndLeases()) == [task.id]


def test_what_has_not_begun_can_be_handed_back_and_counts_as_nothing_lost(timed):
    task = timed.queued()
    for _ in range(MOST_LOST + 2):
        held = timed.claim().held
        timed.backend.call(HandBack(held=held))
        timed.backend.call(HandBack(held=held))
        assert timed.status(task) is Status.QUEUED
    held = timed.claim().held
    timed.backend.call(BeginClaimed(held=held, worker=WORKER))
    with pytest.raises(Conflict, match="has begun"):
        timed.backend.call(HandBack(held=held))


def test_handing_back_a_run_that_has_just_ended_lets_go_of_it_and_no_more(timed):
    run = timed.queued_run()
    held = timed.claim("services").held
    timed.backend.call(BeginClaimed(held=held, worker=WORKER))
    timed.start(timed.backend.call(GetRun(id=run.id)).run)
    timed.end_run(run)
    timed.backend.call(HandBack(held=held))
    assert (timed.status(run), timed.backend.call(ListHeld())) == (Status.COMPLETED, [])


def test_a_task_that_somebody_stops_is_not_held_any_more(timed):
    task = timed.queued()
    held = timed.claim().held
    timed.backend.call(EndTask(id=task.id, status=Status.STOPPED, reason=EndReason.ABORTED))
    with pytest.raises(LeaseLost):
        timed.backend.call(RenewLease(held=held))
    assert timed.backend.call(ListHeld()) == []


def test_what_waits_or_is_held_stays_when_its_run_is_resumed_and_all_else_is_closed(timed):
    run = timed.run("waits", "held", "here", "fresh")
    waits, held = timed.enqueue_step(run, "waits", queue="services"), timed.enqueue_step(run, "held")
    timed.claim("default")
    here = timed.launch(run, "here")
    timed.backend.call(ResumeRun(id=run.id, worker=WORKER, seen=run.task.worker, reason="test"))
    assert [timed.status(task) for task in (waits, held, here)] == ["queued", "in_progress", "stopped"]
    steps = timed.backend.call(GetRun(id=run.id)).steps
    assert [(one.name, one.status) for one in steps] == [
        ("waits", "queued"),
        ("held", "running"),
        ("here", "pending"),
        ("fresh", "pending"),
    ]


def test_a_run_that_was_to_stop_when_it_was_lost_is_to_stop_in_its_next_process_too(timed):
    """T16."""
    run = timed.queued_run()
    held = timed.claim("services").held
    timed.start(timed.backend.call(GetRun(id=run.id)).run)
    timed.backend.call(StopRun(id=run.id, why="enough"))
    timed.backend.call(ReleaseLease(held=held))
    seen = timed.claim("services").task.worker
    going_on = timed.backend.call(ResumeRun(id=run.id, worker=WORKER, seen=seen, reason="test")).run
    assert going_on.stop_asked == "enough"


def test_a_run_that_ends_leaves_nothing_in_a_queue_or_held(timed):
    run = timed.run("waits", "held")
    waits, held = timed.enqueue_step(run, "waits", queue="services"), timed.enqueue_step(run, "held")
    claim = timed.claim("default")
    timed.end_run(run, Status.STOPPED, EndReason.ABORTED, "enough")
    assert [timed.status(task) for task in (waits, held)] == ["stopped", "stopped"]
    assert timed.backend.call(ListEntries(queue="services")) == timed.backend.call(ListHeld()) == []
    with pytest.raises(LeaseLost):
        timed.backend.call(EndTask(id=held.id, status=Status.COMPLETED), held=claim.held)


def test_no_lease_runs_out_because_nobody_could_renew_it(timed):
    task = timed.queued()
    timed.claim(seconds=60.0)
    timed.clock.now += 600.0
    timed.backend.call(SpareLeases(seconds=60.0))
    assert timed.backend.call(EndLeases()) == []
    timed.clock.now += 61.0
    assert timed.backend.call(EndLeases()) == [task.id]


def test_nobody_holds_what_was_never_claimed(timed):
    task = timed.queued()
    with pytest.raises(LeaseLost):
        timed.backend.call(RenewLease(held=Held(task.id, 1)))


class TestLeftBehind:
    """Runs that the process of a task carries out: a pipeline within a step, say."""

    @pytest.fixture
    def maker(self, timed):
        """An attempt that an agent carries out."""
        attempt = timed.enqueue_step(timed.run("a", name="outer"))
        timed.claim()
        return attempt

    def left_behind(self, timed, maker):
        """Have a maker's run go on when the maker has ended."""
        inner = timed.start(timed.draft("inner", parent=maker.id))
        timed.clock.now += 10.0
        timed.fail(maker)
        return inner

    def ended(self, timed, run):
        timed.backend.call(EndLeases())
        task = timed.backend.call(GetTask(id=run.id))
        return task.status in ENDED and (task.status, task.reason, task.message)

    def test_a_run_is_stopped_with_the_task_whose_process_carried_it_out(self, timed, maker):
        inner = timed.start(timed.draft("inner", parent=maker.id))
        launched = timed.launch(inner, "a")
        assert not self.ended(timed, inner)
        timed.fail(maker)
        message = "task 'a', whose process carried it out, has ended"
        assert self.ended(timed, inner) == (Status.STOPPED, EndReason.CONTROLLER_LOST, message)
        assert timed.status(launched) is Status.STOPPED
        assert timed.statuses(inner) == {"a": "aborted", "b": "skipped"}

    def test_one_that_somebody_resumed_has_another_process_and_goes_on(self, timed, maker):
        inner = self.left_behind(timed, maker)
        timed.clock.now += 10.0
        timed.backend.call(ResumeRun(id=inner.id, worker=WORKER, seen=WORKER, reason="test"))
        assert not self.ended(timed, inner)

    def test_one_that_was_resumed_before_is_stopped(self, timed, maker):
        inner = timed.start(timed.draft("inner", parent=maker.id))
        timed.backend.call(ResumeRun(id=inner.id, worker=WORKER, seen=WORKER, reason="test"))
        timed.clock.now += 10.0
        timed.fail(maker)
        assert self.ended(timed, inner)

    def test_one_that_waits_or_that_an_agent_has_goes_on(self, timed, maker):
        inner = timed.draft("inner", parent=maker.id)
        timed.backend.call(EnqueueTask(id=inner.id, queue="services"))
        timed.fail(maker)
        assert not self.ended(timed, inner)
        claim = timed.claim(seconds=1e6)
        assert claim.task.id == inner.id
        timed.start(inner)
        assert not self.ended(timed, inner)

    def test_the_clone_of_a_run_goes_on_when_that_has_ended(self, timed):
        source = timed.run("a", name="source")
        clone = timed.start(timed.draft("source", parent=source.id))
        timed.end_run(source)
        assert not self.ended(timed, clone)
