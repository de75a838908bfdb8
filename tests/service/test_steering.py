"""One step is skipped or aborted, one task aborted: what is recorded of it, by whom, and what is refused."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from tests.service.conftest import WORKER

from penstock.core.access import Identity, Scope
from penstock.core.assignment import Assignment
from penstock.core.decision import DecisionKind
from penstock.core.errors import BadTransition, Conflict, Forbidden, LeaseLost, NotFound
from penstock.core.progress import StepStatus
from penstock.core.run import attempt_id
from penstock.core.task import EndReason, Script, Status, Worker
from penstock.ops.actions import Action, Effect, PlanAction, RequeueRun
from penstock.ops.audit import ListAudit
from penstock.ops.claims import BeginClaimed, EndLeases, RenewLease
from penstock.ops.decisions import ListDecisions
from penstock.ops.graphs import GetGraph
from penstock.ops.lifecycle import EnqueueTask
from penstock.ops.queues import ListEntries
from penstock.ops.runs import DefineRun, GetRun, ResumeRun
from penstock.ops.steering import AbortStep, AbortTask, SkipStep
from penstock.ops.steps import DecideSteps, DraftStep, EnqueueStep, StepDecision
from penstock.ops.tasks import CreateTask, GetTask, ListTasks, NewTask

STEPS = ("a", ("b", ["a"]), ("c", ["b"]), "d")
OTHER = Worker(host="there", pid=2, started="2", boot="3")
ADA = Identity(name="ada", scope=Scope.ADMIN)


def skip(desk, run, step, by="ada"):
    return desk.backend.call(SkipStep(run=run.id, step=step, by=by))


def abort(desk, run, step, by="ada"):
    return desk.backend.call(AbortStep(run=run.id, step=step, by=by))


def decisions(desk, run, step):
    return [(one.kind, one.reason) for one in desk.backend.call(ListDecisions(run=run.id, step=step))]


def attempts(desk, run):
    return [(task.step, task.attempt, task.status) for task in desk.backend.call(ListTasks(run=run.id))]


# A step is skipped


def test_a_step_that_waits_is_skipped_and_it_is_told_by_whom(desk):
    run = desk.run(*STEPS)
    before = desk.last()
    state = skip(desk, run, "b")
    assert (state.status, state.reason) == (StepStatus.SKIPPED, "skipped by ada")
    assert desk.changes(before, run) == [("step", "b", "skipped")]
    assert decisions(desk, run, "b") == [(DecisionKind.VETO, "skipped by ada")]
    assert desk.statuses(run) == {"a": "pending", "b": "skipped", "c": "pending", "d": "pending"}


def test_no_attempt_of_a_skipped_step_begins_whoever_is_about_to_begin_it(timed):
    run = timed.run("a", "b")
    skip(timed, run, "a")
    for launch in (timed.launch, timed.enqueue_step, lambda run, step: draft(timed, run, step)):
        with pytest.raises(Conflict, match=r"step 'a' of run \w+ is skipped"):
            launch(run, "a")
    assert attempts(timed, run) == []


def draft(desk, run, step):
    new = NewTask(id="", name=step, project="P")
    return desk.backend.call(DraftStep(run=run.id, step=step, attempt=1, task=new))


def test_what_the_run_decides_too_late_leaves_a_skipped_step_as_somebody_left_it(desk):
    run = desk.run(*STEPS)
    skip(desk, run, "b")
    before = desk.last()
    late = [StepDecision(step="b", status=status, reason="x") for status in (StepStatus.QUEUED, StepStatus.SKIPPED)]
    other = StepDecision(step="c", status=StepStatus.SKIPPED, reason="parent 'b' skipped")
    desk.backend.call(DecideSteps(run=run.id, decisions=(*late, other)))
    assert desk.states(run)["b"].reason == "skipped by ada"
    assert desk.changes(before, run) == [("step", "c", "skipped")]


def test_an_attempt_that_waits_in_a_queue_leaves_it_and_is_gone(timed):
    run = timed.run("a", "b")
    task = timed.enqueue_step(run)
    state = skip(timed, run, "a")
    assert (state.status, state.task, state.attempt) == (StepStatus.SKIPPED, None, 0)
    assert timed.backend.call(ListEntries(queue="default")) == []
    assert timed.claim() is None
    with pytest.raises(NotFound):
        timed.backend.call(GetTask(id=task.id))


def test_an_adopted_attempt_that_waits_is_a_draft_of_its_own_again(timed):
    run = timed.run("a", "b")
    own = timed.task("mine")
    new = NewTask(id=own.id, name="mine", project="P", queue="default", adopted=True)
    timed.backend.call(EnqueueStep(run=run.id, step="a", attempt=1, task=new, assignment=Assignment()))
    skip(timed, run, "a")
    left = timed.backend.call(GetTask(id=own.id))
    assert (left.status, left.run, left.step) == (Status.CREATED, None, None)


def test_a_draft_that_a_callback_is_about_to_change_goes_too(desk):
    run = desk.run("a", "b")
    draft(desk, run, "a")
    skip(desk, run, "a")
    assert attempts(desk, run) == []


def test_an_attempt_that_waits_again_because_its_agent_never_began_it_can_be_skipped(timed):
    run = timed.run("a", "b")
    timed.enqueue_step(run)
    claim = timed.claim(agent="one")
    with pytest.raises(Conflict, match="step 'a' is running"):
        skip(timed, run, "a")
    timed.backend.call(EndLeases(tasks=(claim.task.id,)))
    assert skip(timed, run, "a").status is StepStatus.SKIPPED


@pytest.mark.parametrize(
    ("status", "hint"),
    [("running", "penstock abort"), ("completed", None), ("failed", None), ("aborted", None), ("skipped", None)],
)
def test_a_step_that_has_begun_or_ended_is_not_skipped_and_the_error_names_where_it_stands(desk, status, hint):
    run = desk.run(*STEPS)
    if status == "skipped":
        skip(desk, run, "a")
    else:
        task = desk.launch(run, "a")
        how = {"completed": Status.COMPLETED, "failed": Status.FAILED, "aborted": Status.STOPPED}
        if status in how:
            desk.end(task, how[status])
    with pytest.raises(Conflict, match=f"step 'a' is {status}") as caught:
        skip(desk, run, "a")
    assert (hint in caught.value.hint) if hint else caught.value.hint is None


def test_a_run_that_waits_to_begin_skips_the_step_when_it_does(timed):
    run = timed.draft()
    definition = timed.pipeline("a", "b", name=run.pipeline)
    timed.backend.call(DefineRun(id=run.id, definition=definition))
    timed.backend.call(EnqueueTask(id=run.id, queue="services"))
    assert skip(timed, run, "a").status is StepStatus.SKIPPED
    shown = {step.name: step.status for step in timed.backend.call(GetGraph(id=run.id)).steps}
    assert shown == {"a": "skipped", "b": "pending"}
    timed.claim()
    timed.start(run, definition)
    state = timed.states(run)["a"]
    assert (state.status, state.reason) == (StepStatus.SKIPPED, "skipped by ada")


def test_a_run_that_waits_to_go_on_leaves_out_a_step_that_it_would_have_tried_again(timed):
    run = timed.start(timed.draft(script=Script(source="x", entry_point="flow.py")), timed.pipeline(*STEPS))
    timed.end(timed.launch(run, "a"))
    timed.fail(timed.launch(run, "b"))
    timed.end_run(run, Status.FAILED)
    timed.backend.call(RequeueRun(id=run.id))
    with pytest.raises(Conflict, match="step 'a' is completed"):
        skip(timed, run, "a")
    skip(timed, run, "b")
    timed.claim()
    detail = timed.backend.call(ResumeRun(id=run.id, worker=OTHER, seen=None))
    assert {state.name: str(state.status) for state in detail.steps} == {
        "a": "completed",
        "b": "skipped",
        "c": "pending",
        "d": "pending",
    }


def test_a_skipped_step_stays_skipped_when_its_run_is_resumed(desk):
    """Also when the process of the run was killed before it heard of it."""
    run = desk.run(*STEPS)
    skip(desk, run, "b")
    desk.backend.call(ResumeRun(id=run.id, worker=OTHER, seen=WORKER))
    assert desk.statuses(run) == {"a": "pending", "b": "skipped", "c": "pending", "d": "pending"}


def test_nothing_of_a_run_that_has_ended_or_is_not_there_is_steered(desk):
    run = desk.run(*STEPS)
    with pytest.raises(NotFound, match="has no step 'train'"):
        skip(desk, run, "train")
    with pytest.raises(NotFound, match="there is no run"):
        desk.backend.call(SkipStep(run="f" * 32, step="a"))
    desk.end_run(run)
    with pytest.raises(Conflict, match="is completed; only a step of a run that goes on, or waits to, can be skipped"):
        skip(desk, run, "a")
    with pytest.raises(Conflict, match="can be aborted"):
        abort(desk, run, "a")


# A step is aborted


def test_a_step_that_runs_is_aborted_and_the_rest_of_the_run_stands_as_it_did(desk):
    run = desk.run(*STEPS)
    task = desk.launch(run, "a")
    desk.launch(run, "d")
    before = desk.last()
    state = abort(desk, run, "a")
    assert (state.status, state.reason, state.task) == (StepStatus.ABORTED, "aborted by ada", task.id)
    ended = desk.backend.call(GetTask(id=task.id))
    assert (ended.status, ended.reason, ended.message) == (Status.STOPPED, EndReason.ABORTED, "aborted by ada")
    assert desk.changes(before, run) == [("status", "a", "stopped")]
    assert decisions(desk, run, "a") == [(DecisionKind.ABORT, "aborted by ada")]
    assert desk.statuses(run) == {"a": "aborted", "b": "pending", "c": "pending", "d": "running"}


def test_what_an_aborted_step_says_later_changes_nothing(desk):
    run = desk.run(*STEPS)
    task = desk.launch(run, "a")
    abort(desk, run, "a")
    with pytest.raises(BadTransition):
        desk.end(task)
    assert desk.statuses(run)["a"] == "aborted"


def test_an_agent_that_carries_the_step_out_holds_it_no_more(timed):
    run = timed.run("a", "b")
    timed.enqueue_step(run)
    claim = timed.claim()
    timed.backend.call(BeginClaimed(held=claim.held, worker=WORKER, seconds=60.0))
    abort(timed, run, "a")
    with pytest.raises(LeaseLost):
        timed.backend.call(RenewLease(held=claim.held, seconds=60.0))


def test_a_step_that_waits_in_a_queue_is_aborted_and_leaves_it(timed):
    run = timed.run("a", "b")
    timed.enqueue_step(run)
    assert abort(timed, run, "a").status is StepStatus.ABORTED
    assert timed.backend.call(ListEntries(queue="default")) == []
    assert timed.claim() is None


@pytest.mark.parametrize(
    ("status", "hint"), [("pending", "penstock skip"), ("queued", "penstock skip"), ("completed", None)]
)
def test_a_step_without_an_attempt_is_not_aborted_and_the_error_names_where_it_stands(desk, status, hint):
    run = desk.run(*STEPS)
    if status == "queued":
        desk.decide(run, "a", "queued", "waits for a slot")
    if status == "completed":
        desk.end(desk.launch(run, "a"))
    with pytest.raises(Conflict, match=f"step 'a' is {status}") as caught:
        abort(desk, run, "a")
    assert (hint in caught.value.hint) if hint else caught.value.hint is None


def test_only_somebodys_word_has_an_aborted_step_tried_again(timed):
    """T16: a run that was lost with its agent goes on without it; who resumes the run asks for it anew."""
    run = timed.queued_run()
    claim = timed.claim()
    timed.start(run, timed.pipeline(*STEPS))
    timed.backend.call(BeginClaimed(held=claim.held, worker=WORKER, seconds=60.0))
    timed.launch(run, "a")
    abort(timed, run, "a")
    timed.clock.now += 100.0
    timed.backend.call(EndLeases())
    again = timed.claim()
    assert again.resumed
    seen = timed.backend.call(GetRun(id=run.id)).run.task.worker
    timed.backend.call(ResumeRun(id=run.id, worker=OTHER, seen=seen))
    assert timed.statuses(run)["a"] == "aborted"


def test_who_retries_a_run_has_its_aborted_steps_tried_again(timed):
    run = timed.start(timed.draft(script=Script(source="x", entry_point="flow.py")), timed.pipeline(*STEPS))
    timed.launch(run, "a")
    abort(timed, run, "a")
    timed.end_run(run, Status.FAILED)
    timed.backend.call(RequeueRun(id=run.id))
    timed.claim()
    timed.backend.call(ResumeRun(id=run.id, worker=OTHER, seen=None))
    assert timed.statuses(run)["a"] == "pending"


# A task that belongs to no run is aborted


@pytest.mark.parametrize("begun", [True, False])
def test_a_task_of_its_own_is_aborted_where_it_runs_and_where_it_waits(timed, begun):
    task = timed.queued()
    claim = timed.claim() if begun else None
    ended = timed.backend.call(AbortTask(id=task.id, by="ada"))
    assert (ended.status, ended.reason, ended.message) == (Status.STOPPED, EndReason.ABORTED, "aborted by ada")
    assert timed.backend.call(ListEntries(queue="default")) == []
    if claim is not None:
        with pytest.raises(LeaseLost):
            timed.backend.call(RenewLease(held=claim.held, seconds=60.0))
    assert timed.backend.call(AbortTask(id=task.id)) == ended


def test_a_task_that_does_not_run_or_belongs_to_a_run_is_refused_with_what_helps(desk):
    run = desk.run(*STEPS)
    with pytest.raises(Conflict, match="is an attempt of step 'a'") as caught:
        desk.backend.call(AbortTask(id=desk.launch(run, "a").id))
    assert caught.value.hint == f"abort the step: penstock abort {run.id[:12]} a"
    with pytest.raises(Conflict, match="is a run of a pipeline"):
        desk.backend.call(AbortTask(id=run.id))
    with pytest.raises(Conflict, match="is a draft"):
        desk.backend.call(AbortTask(id=desk.task().id))


# Who asks


def test_who_is_known_to_ask_is_told_and_not_who_they_say_they_are(timed):
    service = timed.backend
    task = service.call(CreateTask(task=NewTask(id="1" * 32, name="x", project="P")), ADA)
    service.call(EnqueueTask(id=task.id, queue="default"), ADA)
    assert service.call(AbortTask(id=task.id, by="somebody else"), ADA).message == "aborted by ada"
    row = service.call(ListAudit(limit=1), ADA)[0]
    assert (row.who, row.operation, row.object) == ("ada", "AbortTask", task.id)


def test_a_name_is_one_line_of_bounded_length(desk):
    run = desk.run(*STEPS)
    assert skip(desk, run, "a", by="x\ny").reason == "skipped by x"
    assert skip(desk, run, "d", by="").reason == "skipped by a user"
    assert len(skip(desk, run, "b", by="x" * 1_000).reason) < 120


def test_it_takes_the_right_to_run(timed):
    run = timed.run(*STEPS)
    for op in (SkipStep(run=run.id, step="a"), AbortStep(run=run.id, step="a"), AbortTask(id=run.id)):
        with pytest.raises(Forbidden):
            timed.backend.call(op, replace(ADA, scope=Scope.READ))
    assert timed.statuses(run)["a"] == "pending"


# What is shown before


def planned(desk, run, action, step):
    return desk.backend.call(PlanAction(id=run.id, action=action, step=step))


def effects(plan):
    return {one.name: str(one.effect) for one in plan.steps}


@pytest.fixture
def going(desk):
    """A run: a completed, b runs, c and d wait."""
    run = desk.run(*STEPS)
    desk.end(desk.launch(run, "a"))
    desk.launch(run, "b")
    return run


def test_what_skipping_does_is_shown_before(desk, going):
    plan = planned(desk, going, Action.SKIP_STEP, "c")
    assert effects(plan) == {"a": "stays", "b": "stays", "c": "skipped", "d": "stays"}
    assert plan.text == "1 step is skipped, 3 steps stay; the run may complete all the same"


def test_what_aborting_does_is_shown_before(desk, going):
    plan = planned(desk, going, Action.ABORT_STEP, "b")
    assert effects(plan) == {"a": "stays", "b": "stops", "c": "skipped", "d": "stays"}
    assert plan.steps[2].why == "parent 'b' aborted"
    assert plan.text == "1 step stops, 1 step is skipped, 2 steps stay; the run fails by that"


@pytest.mark.parametrize(
    ("action", "op", "step"),
    [(action, op, step) for action, op in ((Action.SKIP_STEP, SkipStep), (Action.ABORT_STEP, AbortStep))
     for step in ("a", "b", "c", "d")],
)  # fmt: skip
def test_what_is_shown_as_allowed_is_done_and_the_rest_is_refused_for_the_same_reason(desk, going, action, op, step):
    plan = planned(desk, going, action, step)
    if plan.allowed:
        desk.backend.call(op(run=going.id, step=step))
        assert desk.statuses(going)[step] in {"skipped", "aborted"}
        return
    with pytest.raises(Conflict) as caught:
        desk.backend.call(op(run=going.id, step=step))
    assert (plan.why_not, plan.hint) == (caught.value.message, caught.value.hint or "")
    assert {one.effect for one in plan.steps} == {Effect.STAYS}


def test_an_action_on_a_step_needs_its_name(desk, going):
    assert planned(desk, going, Action.SKIP_STEP, None).why_not == "nothing says which step to skip"
    assert "has no step 'x'" in planned(desk, going, Action.ABORT_STEP, "x").why_not


def test_the_attempt_of_an_aborted_step_is_the_one_that_was_launched(desk, going):
    abort(desk, going, "b")
    assert desk.backend.call(GetTask(id=attempt_id(going.id, "b", 1))).status is Status.STOPPED
