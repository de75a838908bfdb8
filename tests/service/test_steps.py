"""Operations on the steps of a run: their attempts, and what is decided of them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from penstock.core.decision import Decision, DecisionKind
from penstock.core.errors import Conflict, Invalid, NotFound
from penstock.core.progress import StepStatus
from penstock.core.run import attempt_id
from penstock.core.task import Container, Parameter, Status, Worker
from penstock.ops.decisions import ListDecisions
from penstock.ops.runs import GetRun, ResumeRun
from penstock.ops.steps import DecideSteps, DraftStep, GetStep, LaunchStep, StepDecision
from penstock.ops.tasks import DescribeTask, GetParameters, GetTask, ListProjects, ListTasks, NewTask, SetParameters

NOBODY = "b" * 32
WORKER = Worker(host="here", pid=1, started="2", boot="3")

# Attempts


def test_an_attempt_is_a_task_whose_id_follows_from_run_step_and_number(desk):
    run = desk.run("a")
    task = desk.launch(run, "a")
    assert task.id == attempt_id(run.id, "a", 1)
    assert (task.run, task.step, task.attempt, task.parent) == (run.id, "a", 1, run.id)
    assert task.status is Status.IN_PROGRESS
    assert desk.backend.call(GetTask(id=task.id)) == task
    state = desk.states(run)["a"]
    assert (state.status, state.attempt, state.task, state.started) == ("running", 1, task.id, task.started)
    assert desk.backend.call(GetRun(id=run.id)).run.counts == {"running": 1}


def test_launching_an_attempt_again_returns_the_task_that_is_there(desk):
    run = desk.run("a")
    task = desk.launch(run, "a")
    seen = desk.last()
    assert desk.launch(run, "a", comment="otherwise") == task
    ended = desk.fail(task)
    assert desk.launch(run, "a") == ended
    assert desk.statuses(run) == {"a": "failed"}
    assert desk.changes(after=seen) == [("status", "a", "failed")]


def test_a_retry_is_a_task_of_its_own(desk):
    run = desk.run("a")
    first = desk.fail(desk.launch(run, "a"))
    second = desk.launch(run, "a", 2)
    assert second.id != first.id
    state = desk.states(run)["a"]
    assert (state.status, state.attempt, state.task, state.reason, state.ended) == ("running", 2, second.id, "", None)
    assert desk.backend.call(GetTask(id=first.id)) == first


def test_a_step_that_the_run_does_not_have_cannot_be_launched(desk):
    """The refusal leaves nothing: no task, no project, no line in the feed."""
    run = desk.run("a")
    seen, tasks = desk.last(), desk.backend.call(ListTasks())
    with pytest.raises(NotFound, match=f"no step 'x' in run {run.id}"):
        desk.launch(run, "x")
    assert (desk.last(), desk.backend.call(ListTasks())) == (seen, tasks)
    with pytest.raises(NotFound, match=NOBODY):
        desk.launch(type("Run", (), {"id": NOBODY, "project": "New", "pipeline": "p"}), "a")
    assert desk.backend.call(ListProjects()) == ["P"]


def test_nothing_is_launched_in_a_run_that_is_not_in_progress(desk):
    draft = desk.draft()
    with pytest.raises(Conflict, match=f"{draft.id} is created; step 'a' cannot start"):
        desk.launch(draft, "a")
    run = desk.run("a")
    desk.end_run(run, Status.STOPPED)
    with pytest.raises(Conflict, match="is stopped"):
        desk.launch(run, "a")
    assert desk.statuses(run) == {"a": "skipped"}


def test_an_attempt_that_is_open_bars_the_next_one(desk):
    run = desk.run("a")
    desk.launch(run, "a")
    with pytest.raises(Conflict, match="'a'"):
        desk.launch(run, "a", 2)
    assert desk.states(run)["a"].attempt == 1


@pytest.mark.parametrize("attempt", [0, -1, 3])
def test_attempts_are_launched_in_turn(desk, attempt):
    run = desk.run("a")
    desk.fail(desk.launch(run, "a"))
    with pytest.raises((Invalid, Conflict)):
        desk.launch(run, "a", attempt)
    assert desk.states(run)["a"].attempt == 1


def test_a_step_that_completed_is_not_tried_again(desk):
    run = desk.run("a")
    desk.end(desk.launch(run, "a"))
    with pytest.raises(Conflict):
        desk.launch(run, "a", 2)
    assert desk.statuses(run) == {"a": "completed"}


# Decisions


def test_decisions_are_recorded_with_their_reasons(desk):
    run = desk.run("a", "b", "c")
    seen = desk.last()
    decisions = (
        StepDecision(step="a", status=StepStatus.QUEUED, reason="waits for a slot"),
        StepDecision(step="b", status=StepStatus.SKIPPED, reason="parent 'x' failed"),
    )
    desk.backend.call(DecideSteps(run=run.id, decisions=decisions))
    assert desk.statuses(run) == {"a": "queued", "b": "skipped", "c": "pending"}
    assert desk.states(run)["b"].reason == "parent 'x' failed"
    assert desk.changes(after=seen, run=run) == [("step", "a", "queued"), ("step", "b", "skipped")]


def test_decisions_hold_all_or_none(desk):
    run = desk.run("a")
    seen = desk.last()
    decisions = tuple(StepDecision(step=step, status=StepStatus.SKIPPED) for step in ("a", "x"))
    with pytest.raises(NotFound, match=f"no step 'x' in run {run.id}"):
        desk.backend.call(DecideSteps(run=run.id, decisions=decisions))
    assert (desk.statuses(run), desk.last()) == ({"a": "pending"}, seen)


@pytest.mark.parametrize("status", ["skipped", "queued", "aborted"])
def test_a_step_whose_attempt_is_open_is_decided_by_that_alone(desk, status):
    run = desk.run("a")
    desk.launch(run, "a")
    with pytest.raises(Conflict):
        desk.decide(run, "a", status)
    assert desk.statuses(run) == {"a": "running"}


def test_a_step_that_is_over_stays_as_it_is(desk):
    run = desk.run("a", "b")
    desk.end(desk.launch(run, "a"))
    desk.decide(run, "b", "skipped", "by somebody")
    with pytest.raises(Conflict):
        desk.decide(run, "a", "queued")
    seen = desk.last()
    desk.decide(run, "b", "queued")  # somebody may have skipped it just now: that is no mistake of the run's
    assert desk.statuses(run) == {"a": "completed", "b": "skipped"}
    assert (desk.states(run)["b"].reason, desk.last()) == ("by somebody", seen)


def test_nothing_is_decided_in_a_run_that_has_ended(desk):
    run = desk.run("a")
    desk.end_run(run)
    seen = desk.last()
    with pytest.raises(Conflict):
        desk.decide(run, "a", "queued")
    assert (desk.statuses(run), desk.last()) == ({"a": "skipped"}, seen)


@pytest.mark.parametrize(
    ("status", "kind"), [("queued", DecisionKind.WAIT), ("skipped", DecisionKind.SKIP), ("aborted", DecisionKind.ABORT)]
)
def test_what_is_decided_of_a_step_is_there_to_be_explained(desk, status, kind):
    run = desk.run("a")
    desk.decide(run, "a", status, "because")
    (decision,) = desk.backend.call(ListDecisions(run=run.id))
    assert (decision.kind, decision.step, decision.reason, decision.attempt) == (kind, "a", "because", 0)
    assert decision.at >= run.task.started


@pytest.mark.parametrize("status", ["pending", "running", "completed", "cached", "failed"])
def test_what_only_a_task_can_bring_about_is_not_decided(desk, status):
    run = desk.run("a")
    seen = desk.last()
    with pytest.raises(Invalid, match=f"step 'a' cannot become {status} by a decision"):
        desk.decide(run, "a", status)
    assert (desk.statuses(run), desk.last()) == ({"a": "pending"}, seen)


def test_a_veto_is_a_skip_with_a_name_of_its_own(desk):
    run = desk.run("a")
    seen = desk.last()
    desk.decide(run, "a", "skipped", "the callback said no", DecisionKind.VETO)
    assert desk.changes(after=seen) == [("step", "a", "skipped")]
    (decision,) = desk.backend.call(ListDecisions(run=run.id))
    assert (decision.kind, decision.reason) == (DecisionKind.VETO, "the callback said no")


def test_where_one_step_stands_is_known_without_the_others(desk):
    run = desk.run("a", "b")
    desk.launch(run, "b")
    for step in ("a", "b"):
        assert desk.backend.call(GetStep(run=run.id, step=step)) == desk.states(run)[step]
    for id, step in ((run.id, "x"), (NOBODY, "a")):
        with pytest.raises(NotFound, match=f"no step '{step}' in run {id}"):
            desk.backend.call(GetStep(run=id, step=step))


# Keys and reasons of attempts


def test_why_an_attempt_is_launched_is_recorded_once(desk):
    run = desk.run("a")
    decision = Decision(kind=DecisionKind.EXECUTE, reason="nothing like it was run before", step="a", attempt=1)
    new = NewTask(id="", name="a", project="P")
    op = LaunchStep(run=run.id, step="a", attempt=1, task=new, worker=WORKER, decision=decision)
    task = desk.backend.call(op)
    assert desk.backend.call(op) == task
    assert desk.backend.call(ListDecisions(run=run.id)) == [replace(decision, at=task.started)]


# Drafts


def draft(desk, run, step="a", attempt=1, **fields):
    return desk.backend.call(DraftStep(run=run.id, step=step, attempt=attempt, task=desk.new(step, **fields)))


def test_a_draft_is_an_attempt_that_has_not_begun(desk):
    run = desk.run("a")
    task = draft(desk, run)
    assert task.id == attempt_id(run.id, "a", 1)
    assert (task.status, task.started, task.worker) == (Status.CREATED, None, None)
    assert (task.run, task.step, task.attempt, task.parent) == (run.id, "a", 1, run.id)
    state = desk.states(run)["a"]
    assert (state.status, state.attempt, state.task) == ("queued", 0, None)
    assert desk.changes(run=run)[2:] == [("status", "a", "created")]


def test_drafting_the_same_attempt_again_returns_the_task_that_is_there(desk):
    run = desk.run("a")
    task = draft(desk, run, comment="first")
    seen = desk.last()
    assert draft(desk, run, comment="second") == task
    assert desk.last() == seen
    launched = desk.launch(run, "a")
    assert draft(desk, run) == launched
    assert desk.statuses(run) == {"a": "running"}
    ended = desk.end(launched)
    assert draft(desk, run) == ended
    assert desk.statuses(run) == {"a": "completed"}


def test_a_draft_that_is_launched_keeps_what_it_holds(desk):
    run = desk.run("a")
    given = tuple(Parameter(section="kwargs", name=name, value=1) for name in ("n", "m"))
    task = draft(desk, run, comment="first", parameters=given)
    changed = (replace(given[0], value=2),)
    desk.backend.call(SetParameters(task=task.id, parameters=changed))
    desk.backend.call(DescribeTask(id=task.id, container=Container(image="python:3.12"), add_tags=("mine",)))
    launched = desk.launch(run, "a", comment="second", parameters=given, container=Container(image="other"))
    assert (launched.id, launched.status) == (task.id, Status.IN_PROGRESS)
    assert (launched.comment, launched.tags, launched.container) == ("first", ("mine",), Container(image="python:3.12"))
    assert desk.backend.call(GetTask(id=task.id)) == launched
    assert desk.backend.call(GetParameters(task=task.id)) == [*changed, given[1]]
    assert desk.states(run)["a"].task == task.id


def test_the_next_try_of_a_failed_step_is_drafted_as_well(desk):
    run = desk.run("a")
    first = desk.fail(desk.launch(run, "a"))
    second = draft(desk, run, attempt=2)
    assert (second.attempt, second.status) == (2, Status.CREATED)
    state = desk.states(run)["a"]
    assert (state.status, state.attempt, state.task) == ("queued", 1, first.id)
    assert desk.launch(run, "a", 2).id == second.id


def test_nothing_is_drafted_where_nothing_could_be_launched(desk):
    run, ended = desk.run("a", "b"), desk.run("a")
    desk.end(desk.launch(run, "b"))
    desk.end_run(ended)
    seen, tasks = desk.last(), desk.backend.call(ListTasks())
    with pytest.raises(NotFound, match=f"no step 'x' in run {run.id}"):
        draft(desk, run, "x")
    with pytest.raises(Conflict, match="step 'b'"):
        draft(desk, run, "b", 2)
    with pytest.raises(Conflict, match=f"run {ended.id} is completed; step 'a' cannot start"):
        draft(desk, ended)
    assert (desk.last(), desk.backend.call(ListTasks())) == (seen, tasks)


@pytest.mark.parametrize("attempt", [0, 1, 3])
def test_attempts_are_drafted_in_turn(desk, attempt):
    run = desk.run("a", "b")
    failed = desk.fail(desk.launch(run, "a"))
    if attempt == 1:
        assert draft(desk, run, "a", attempt) == failed
        return
    with pytest.raises(Conflict, match=f"step 'a' of run {run.id} is failed after try 1"):
        draft(desk, run, "a", attempt)
    assert desk.statuses(run) == {"a": "failed", "b": "pending"}
    assert desk.backend.call(ListTasks(run=run.id)) == [failed]


@pytest.mark.parametrize("tries", [0, 1])
def test_the_draft_of_a_vetoed_step_is_deleted_and_the_step_is_skipped(desk, tries):
    run = desk.run("a", "b")
    earlier = [desk.fail(desk.launch(run, "a")) for _ in range(tries)]
    other = draft(desk, run, "b")
    task = draft(desk, run, "a", tries + 1, parameters=(Parameter(section="kwargs", name="n", value=1),))
    desk.decide(run, "a", "skipped", "the callback said no", DecisionKind.VETO)
    assert desk.backend.call(ListTasks(run=run.id)) == [*earlier, other]
    with pytest.raises(NotFound, match=task.id):
        desk.backend.call(GetParameters(task=task.id))
    state = desk.states(run)["a"]
    assert (state.status, state.reason, state.attempt) == ("skipped", "the callback said no", tries)
    for launch in (desk.launch, lambda *told: draft(desk, *told)):
        with pytest.raises(Conflict, match="'a'"):
            launch(run, "a", tries + 1)


def test_only_a_veto_deletes_a_draft(desk):
    run = desk.run("a")
    task = draft(desk, run)
    desk.decide(run, "a", "queued", "waits")
    assert desk.backend.call(GetTask(id=task.id)) == task


@pytest.mark.parametrize("end", ["vetoed", "over", "resumed"])
def test_a_task_of_a_user_that_was_to_be_the_attempt_stays_when_it_never_began(desk, end):
    """It was made by somebody, and may be carried out by the run that goes on."""
    mine = desk.task("mine", tags=("own",))
    run = desk.run("a")

    def draft():
        new = desk.new("a", adopted=True)
        return desk.backend.call(DraftStep(run=run.id, step="a", attempt=1, task=replace(new, id=mine.id)))

    assert draft().run == run.id
    if end == "vetoed":
        desk.decide(run, "a", "skipped", "no", DecisionKind.VETO)
    elif end == "over":
        desk.end_run(run, Status.STOPPED)
    else:
        desk.backend.call(ResumeRun(id=run.id, worker=WORKER, seen=run.task.worker))
    left = desk.backend.call(GetTask(id=mine.id))
    assert (left.status, left.run, left.step, left.parent) == (Status.CREATED, None, None, None)
    if end == "resumed":
        assert draft().run == run.id
