"""Runs that go on after their end, or after their process died: what is kept, and that nothing counts twice."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from penstock.core.cachekey import KeyParts
from penstock.core.code import Code
from penstock.core.decision import Decision, DecisionKind
from penstock.core.errors import BadTransition, Conflict, NotFound
from penstock.core.progress import StepStatus
from penstock.core.run import ChangeKind
from penstock.core.task import EndReason, Parameter, Status, Worker
from penstock.ops.changes import ListChanges
from penstock.ops.decisions import ListDecisions, RecordDecision
from penstock.ops.executions import Keyed, ReuseStep
from penstock.ops.runs import ArchiveRun, GetRun, ResumeRun, StopRun
from penstock.ops.steps import DraftStep
from penstock.ops.tasks import GetParameters, GetTask, JudgeTask, ListTasks, SetParameters

OTHER = Worker(host="here", pid=2, started="2", boot="3")


def resume(desk, run):
    seen = desk.backend.call(ListTasks(name=run.task.name, limit=1))[0].worker
    return desk.backend.call(ResumeRun(id=run.id, worker=replace(OTHER, pid=seen.pid + 1), seen=seen))


def draft(desk, run, step, attempt=1):
    return desk.backend.call(DraftStep(run=run.id, step=step, attempt=attempt, task=desk.new(step)))


def attempts(desk, run):
    return [(task.step, task.attempt, task.status) for task in desk.backend.call(ListTasks(run=run.id))]


def test_a_draft_that_the_dead_process_left_does_not_keep_a_run_from_going_on(desk):
    """It is drafted anew: what a callback changed in the old one is not changed once more."""
    run = desk.run("a", "b")
    desk.backend.call(
        SetParameters(task=draft(desk, run, "a").id, parameters=(Parameter(section="kwargs", name="x", value=2),))
    )
    detail = resume(desk, run)
    assert [state.status for state in detail.steps] == [StepStatus.PENDING] * 2
    assert attempts(desk, run) == []
    assert desk.backend.call(GetParameters(task=draft(desk, run, "a").id)) == []
    assert desk.launch(run, "a").status is Status.IN_PROGRESS
    assert attempts(desk, run) == [("a", 1, Status.IN_PROGRESS)]


@pytest.mark.parametrize("reason", [EndReason.CONTROLLER_LOST, EndReason.ABORTED])
def test_a_draft_does_not_keep_a_run_from_ending(desk, reason):
    run = desk.run("a", "b")
    draft(desk, run, "a")
    assert desk.end_run(run, Status.STOPPED, reason, "interrupted").task.status is Status.STOPPED
    assert desk.statuses(run) == {"a": "skipped", "b": "skipped"}
    assert attempts(desk, run) == []


ENDINGS = [None, Status.STOPPED, Status.FAILED]


def worker(number):
    return Worker(host="here", pid=number, started="2", boot="3")


def go_on(desk, run, seen, now=OTHER, **why):
    return desk.backend.call(ResumeRun(id=run.id, worker=now, seen=seen, **why))


@pytest.mark.parametrize("ended", ENDINGS)
def test_a_run_goes_on_whose_process_is_gone_or_that_ended_short_of_its_goal(desk, ended):
    run = desk.run("a")
    desk.backend.call(StopRun(id=run.id, why="enough"))
    if ended is not None:
        desk.end_run(run, ended, EndReason.STEP_FAILED, "step 'a' failed")
    seen = desk.last()
    detail = go_on(desk, run, run.task.worker, reason="ann asked")
    task = detail.run.task
    assert (task.status, task.worker, task.reason, task.message, task.ended) == ("in_progress", OTHER, None, "", None)
    assert (task.started, task.name, detail.run.number) == (run.task.started, run.task.name, run.number)
    assert detail.run.stop_asked is None, "the wish to stop was fulfilled, or was one of a life that is over"
    assert detail == desk.backend.call(GetRun(id=run.id))
    change = desk.backend.call(ListChanges(after=seen, run=run.id))[-1]
    assert (change.kind, change.step, change.status) == (ChangeKind.STATUS, None, "in_progress")
    assert change.message == "resumed: ann asked"
    decision = desk.backend.call(ListDecisions(run=run.id, step=""))[-1]
    assert (decision.kind, decision.reason) == (DecisionKind.RESUME, "ann asked")
    assert decision.at >= task.started


@pytest.mark.parametrize("ended", ENDINGS)
def test_what_completed_was_reused_or_vetoed_stays_and_all_else_is_pending_with_its_count(desk, ended):
    steps = ("done", "cached", "vetoed", "below", "failed", "aborted", "running", "queued", "judged", "fresh")
    run = desk.run(*steps)
    done = desk.end(desk.launch(run, "done"))
    cached = reuse(desk, run, "cached", desk.end(desk.launch(desk.run("x"), "x")))
    draft(desk, run, "vetoed")
    desk.decide(run, "vetoed", "skipped", "no", DecisionKind.VETO)
    desk.decide(run, "below", "skipped", "parent 'vetoed' skipped")
    for attempt in (1, 2):
        failed = desk.fail(desk.launch(run, "failed", attempt))
    aborted = desk.end(desk.launch(run, "aborted"), Status.STOPPED)
    running = desk.launch(run, "running")
    desk.decide(run, "queued", "queued", "waits")
    judged = desk.end(desk.launch(run, "judged"))
    ask = Decision(kind=DecisionKind.ASK, reason="", step="judged", attempt=1, related=judged.id)
    desk.backend.call(RecordDecision(run=run.id, decision=ask))
    desk.backend.call(JudgeTask(id=judged.id, status=Status.FAILED))
    if ended is not None:
        desk.end_run(run, ended, EndReason.ABORTED, "the end")
    before = desk.states(run)

    detail = go_on(desk, run, run.task.worker)

    states = {state.name: state for state in detail.steps}
    assert list(states) == list(steps)
    kept = {name: states[name] for name in ("done", "cached", "vetoed")}
    assert kept == {name: before[name] for name in kept}
    assert [kept[name].status for name in kept] == ["completed", "cached", "skipped"]
    again = {name: state for name, state in states.items() if name not in kept}
    assert {(state.status, state.reason, state.started, state.ended) for state in again.values()} == {
        ("pending", "", None, None)
    }
    counts = {name: state.attempt for name, state in states.items() if state.attempt}
    assert counts == {"done": 1, "cached": 1, "failed": 2, "aborted": 1, "running": 1, "judged": 1}
    assert detail.run.counts == {"completed": 1, "cached": 1, "skipped": 1, "pending": 7}
    for task in (done, cached, failed, aborted):
        assert desk.backend.call(GetTask(id=task.id)) == task, "what ended stays as it ended"
    closed = desk.backend.call(GetTask(id=running.id))
    assert closed.status is Status.STOPPED
    assert closed.reason is (EndReason.CONTROLLER_LOST if ended is None else EndReason.ABORTED)
    for name, attempt in (("failed", 3), ("aborted", 2), ("running", 2), ("judged", 2), ("below", 1), ("fresh", 1)):
        assert desk.launch(run, name, attempt).attempt == attempt
    for name in kept:
        with pytest.raises(Conflict, match=f"step '{name}'"):
            desk.launch(run, name, states[name].attempt + 1)


def reuse(desk, run, step, source):
    keyed = Keyed(key="k", parts=KeyParts(code=Code("d", {})))
    decision = Decision(kind=DecisionKind.REUSE, reason="the same", step=step)
    new = desk.new(step)
    op = ReuseStep(run=run.id, step=step, attempt=1, task=new, source=source.id, keyed=keyed, decision=decision)
    return desk.backend.call(op)


def test_those_who_follow_the_feed_hear_which_steps_are_pending_again(desk):
    run = desk.run("done", "failed", "running", "skipped", "fresh")
    desk.end(desk.launch(run, "done"))
    desk.fail(desk.launch(run, "failed"))
    desk.launch(run, "running")
    desk.decide(run, "skipped", "skipped", "no")
    seen = desk.last()
    go_on(desk, run, run.task.worker)
    assert desk.changes(after=seen, run=run) == [
        ("status", "running", "stopped"),
        ("step", "failed", "pending"),
        ("step", "running", "pending"),
        ("step", "skipped", "pending"),
        ("status", None, "in_progress"),
    ]


def test_an_attempt_that_was_in_flight_cannot_report_any_more(desk):
    run = desk.run("a")
    task = desk.launch(run, "a")
    go_on(desk, run, run.task.worker)
    with pytest.raises(BadTransition, match=f"{task.id} is stopped; it cannot become completed"):
        desk.end(task)
    assert desk.statuses(run) == {"a": "pending"}


def test_a_run_is_resumed_by_one_of_those_who_saw_the_same(desk):
    """Both saw that its process was gone; the second would run all its steps a second time."""
    run = desk.run("a")
    seen = run.task.worker
    go_on(desk, run, seen)
    task = desk.launch(run, "a")
    last = desk.last()
    with pytest.raises(Conflict, match="run 'flow' was resumed by somebody else just now"):
        go_on(desk, run, seen, worker(3))
    assert desk.backend.call(GetTask(id=run.id)).worker == OTHER
    assert desk.backend.call(GetTask(id=task.id)).status is Status.IN_PROGRESS
    assert (desk.statuses(run), desk.last()) == ({"a": "running"}, last)
    with pytest.raises(Conflict):
        go_on(desk, run, None)
    assert go_on(desk, run, OTHER, worker(3)).run.task.worker == worker(3)


def test_a_run_may_end_and_go_on_again_and_again(desk):
    run = desk.run("a", "b")
    desk.end(desk.launch(run, "b"))
    seen = run.task.worker
    for number in range(1, 4):
        desk.fail(desk.launch(run, "a", number))
        desk.end_run(run, Status.FAILED, EndReason.STEP_FAILED)
        go_on(desk, run, seen, worker(number + 10))
        seen = worker(number + 10)
    desk.end(desk.launch(run, "a", 4))
    ended = desk.end_run(run)
    assert (ended.task.status, ended.task.reason, ended.counts) == (Status.COMPLETED, None, {"completed": 2})
    assert ended.task.ended > ended.task.started
    assert attempts(desk, run)[1:] == [("a", number, Status.FAILED) for number in (1, 2, 3)] + [
        ("a", 4, Status.COMPLETED)
    ]
    kinds = [one.kind for one in desk.backend.call(ListDecisions(run=run.id))]
    assert kinds == [DecisionKind.RESUME] * 3


def test_what_was_vetoed_stays_vetoed_however_often_a_run_goes_on(desk):
    run = desk.run("a")
    desk.decide(run, "a", "skipped", "no", DecisionKind.VETO)
    for number in (5, 6):
        state = go_on(desk, run, desk.backend.call(GetTask(id=run.id)).worker, worker(number)).steps[0]
        assert (state.status, state.reason) == (StepStatus.SKIPPED, "no")
        desk.end_run(run, Status.STOPPED)


def test_a_run_that_completed_or_never_began_is_not_resumed(desk):
    run, draft_run = desk.run("a"), desk.draft()
    desk.end_run(run)
    for one in (run, draft_run):
        before = desk.backend.call(GetRun(id=one.id)), desk.last()
        with pytest.raises(Conflict, match="only one that failed, was stopped or lost can be resumed") as caught:
            go_on(desk, one, one.task.worker)
        assert "start a new run" in caught.value.hint
        assert (desk.backend.call(GetRun(id=one.id)), desk.last()) == before


def test_only_a_run_is_resumed(desk):
    task = desk.task()
    for id in (task.id, "b" * 32):
        with pytest.raises(NotFound, match=f"no run {id}"):
            desk.backend.call(ResumeRun(id=id, worker=OTHER, seen=None))


def test_an_archived_run_is_brought_back_before_it_goes_on(desk):
    """Else it would go on out of sight."""
    run = desk.run("a")
    desk.end_run(run, Status.FAILED)
    desk.backend.call(ArchiveRun(id=run.id))
    seen = run.task.worker
    with pytest.raises(Conflict, match="is archived") as refused:
        desk.backend.call(ResumeRun(id=run.id, worker=OTHER, seen=seen))
    assert "penstock archive --restore" in refused.value.hint
    desk.backend.call(ArchiveRun(id=run.id, archived=False))
    assert desk.backend.call(ResumeRun(id=run.id, worker=OTHER, seen=seen)).run.task.status is Status.IN_PROGRESS
