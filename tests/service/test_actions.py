"""What people do with a run: what it would change, before it does; and letting a run go on by an agent."""

from __future__ import annotations

import pytest
from tests.service.conftest import WORKER

from penstock.core.access import Identity, Kind, Scope
from penstock.core.errors import Conflict, Forbidden, LeaseLost, NotFound
from penstock.core.progress import StepStatus
from penstock.core.run import attempt_id
from penstock.core.task import Script, Status
from penstock.ops.actions import Action, Effect, PlanAction, RequeueRun
from penstock.ops.claims import BeginClaimed, RenewLease
from penstock.ops.launches import LaunchRun
from penstock.ops.lifecycle import DequeueTask, EnqueueTask
from penstock.ops.queues import DeleteQueue, ListEntries
from penstock.ops.runs import ArchiveRun, DeleteRun, GetRun, ResumeRun, StopRun
from penstock.ops.tasks import GetTask

SCRIPT = Script(source="x", entry_point="flow.py")
STEPS = ("a", ("b", ["a"]), ("c", ["b"]), "d")


def planned(desk, run, action, **fields):
    return desk.backend.call(PlanAction(id=run.id, action=action, **fields))


def effects(plan):
    return {one.name: str(one.effect) for one in plan.steps}


@pytest.fixture
def going(desk):
    """A run: a completed, b runs, c and d wait."""
    run = desk.start(desk.draft(script=SCRIPT), desk.pipeline(*STEPS))
    desk.end(desk.launch(run, "a"))
    desk.launch(run, "b")
    return run


@pytest.fixture
def failed(desk, going):
    desk.fail(desk.backend.call(GetTask(id=attempt_id(going.id, "b", 1))))
    return desk.end_run(going, Status.FAILED, message="step 'b' failed")


def test_to_abort_stops_what_runs_and_skips_what_waits_and_what_completed_stays(desk, going):
    plan = planned(desk, going, Action.ABORT)
    assert effects(plan) == {"a": "stays", "b": "stops", "c": "skipped", "d": "skipped"}
    assert plan.text == "1 step stops, 2 steps are skipped, 1 step stays; what completed stays"


def test_to_resume_tries_what_did_not_complete(desk, failed):
    plan = planned(desk, failed, Action.RESUME)
    assert effects(plan) == {"a": "stays", "b": "runs", "c": "runs", "d": "runs"}
    assert [one.why for one in plan.steps] == ["", "it failed", "it was skipped", "it was skipped"]


def test_what_is_said_before_is_what_happens_then(desk, failed):
    plan = planned(desk, failed, Action.RESUME)
    desk.backend.call(RequeueRun(id=failed.id))
    seen = desk.backend.call(GetRun(id=failed.id)).run
    desk.backend.call(DequeueTask(id=seen.id))
    desk.backend.call(ResumeRun(id=failed.id, worker=WORKER, seen=None))
    again = {name for name, state in desk.states(failed).items() if state.status is StepStatus.PENDING}
    assert again == {one.name for one in plan.steps if one.effect is Effect.RUNS}


def test_a_rerun_says_what_it_runs_reuses_and_leaves_out(desk, failed):
    whole = planned(desk, failed, Action.RERUN)
    assert effects(whole) == {"a": "reused", "b": "runs", "c": "runs", "d": "runs"}
    assert effects(planned(desk, failed, Action.RERUN_FROM, step="a"))["a"] == "runs"
    only = planned(desk, failed, Action.RERUN_ONLY, step="b")
    assert effects(only) == {"a": "reused", "b": "runs", "c": "skipped", "d": "skipped"}
    assert only.text == (
        "2 steps are skipped, 1 step runs, 1 step is reused; it becomes a run of its own, and flow stays as it is"
    )
    assert only.steps[2].why == "you asked for 'b' only"


def test_to_delete_takes_all_steps_along_and_to_archive_none(desk, failed):
    assert set(effects(planned(desk, failed, Action.DELETE)).values()) == {"goes"}
    assert set(effects(planned(desk, failed, Action.ARCHIVE)).values()) == {"stays"}


@pytest.mark.parametrize(
    ("action", "fields", "why"),
    [
        (Action.RESUME, {}, "is in_progress; only one that failed"),
        (Action.RERUN, {}, "is in_progress; only one that has ended"),
        (Action.ARCHIVE, {}, "only one that has ended can be archived"),
        (Action.DELETE, {}, "only one that has ended can be deleted"),
        (Action.RERUN_FROM, {}, "nothing says which step"),
    ],
)
def test_what_cannot_be_done_says_why_and_what_helps_and_leaves_every_step(desk, going, action, fields, why):
    plan = planned(desk, going, action, **fields)
    assert not plan.allowed
    assert why in plan.why_not
    assert plan.hint
    assert set(effects(plan).values()) == {"stays"}


def test_what_was_done_already_cannot_be_done_again(desk, failed):
    assert "only a run in progress" in planned(desk, failed, Action.ABORT).why_not
    assert "is not archived" in planned(desk, failed, Action.RESTORE).why_not
    desk.backend.call(ArchiveRun(id=failed.id))
    assert "archived already" in planned(desk, failed, Action.ARCHIVE).why_not
    assert "is archived" in planned(desk, failed, Action.RESUME).why_not
    assert planned(desk, failed, Action.RESTORE).allowed


@pytest.mark.parametrize(
    ("action", "step", "act"),
    [
        (Action.RESUME, None, lambda id: RequeueRun(id=id)),
        (Action.RERUN, None, lambda id: LaunchRun(source=id, reuse=True)),
        (Action.RERUN_FROM, "b", lambda id: LaunchRun(source=id, from_step="b")),
        (Action.RERUN_ONLY, "b", lambda id: LaunchRun(source=id, only="b")),
        (Action.ARCHIVE, None, lambda id: ArchiveRun(id=id)),
        (Action.RESTORE, None, lambda id: ArchiveRun(id=id, archived=False)),
        (Action.DELETE, None, lambda id: DeleteRun(id=id)),
        (Action.ABORT, None, lambda id: StopRun(id=id)),
    ],
)
@pytest.mark.parametrize("state", ["going", "failed", "archived", "completed", "without script", "queued"])
def test_an_action_that_is_allowed_is_carried_out_and_one_that_is_not_is_refused(desk, state, action, step, act):
    script = Script() if state == "without script" else SCRIPT
    run = desk.start(desk.draft(script=script), desk.pipeline(*STEPS))
    if state != "going":
        desk.end_run(run, Status.COMPLETED if state == "completed" else Status.FAILED)
    if state == "archived":
        desk.backend.call(ArchiveRun(id=run.id))
    if state == "queued":
        desk.backend.call(RequeueRun(id=run.id))
    if planned(desk, run, action, step=step).allowed:
        desk.backend.call(act(run.id))
    elif action not in {Action.ARCHIVE, Action.RESTORE}:  # to do these twice changes nothing
        with pytest.raises(Conflict):
            desk.backend.call(act(run.id))


def test_a_run_that_is_to_go_on_waits_where_it_waited_before_and_its_steps_stand_as_they_stood(desk, failed):
    before = desk.statuses(failed)
    run = desk.backend.call(RequeueRun(id=failed.id, priority=2))
    assert (run.task.status, run.task.queue, run.number, run.task.ended) == (Status.QUEUED, "services", 1, None)
    (entry,) = desk.backend.call(ListEntries(queue="services"))
    assert (entry.task, entry.priority) == (failed.id, 2)
    assert desk.statuses(failed) == before
    again = desk.backend.call(StopRun(id=failed.id))
    assert again.task.status is Status.STOPPED
    assert desk.backend.call(RequeueRun(id=failed.id, queue="default")).task.queue == "default"


def test_of_two_who_let_a_run_go_on_at_once_one_is_refused(desk, failed):
    desk.backend.call(RequeueRun(id=failed.id))
    with pytest.raises(Conflict, match="is queued; only one that failed"):
        desk.backend.call(RequeueRun(id=failed.id))


def test_a_queue_that_is_not_there_leaves_the_run_as_it_was(desk, failed):
    with pytest.raises(NotFound, match="no queue 'gpu'"):
        desk.backend.call(RequeueRun(id=failed.id, queue="gpu"))
    assert desk.backend.call(GetRun(id=failed.id)).run == failed


def test_a_key_for_some_queues_lets_runs_go_on_in_these_alone(desk, failed):
    ada = Identity(name="ada", kind=Kind.USER, scope=Scope.RUN, queues=("default",))
    for op in (RequeueRun(id=failed.id), RequeueRun(id=failed.id, queue="services")):
        with pytest.raises(Forbidden, match="'services'"):
            desk.backend.call(op, ada)
    assert desk.backend.call(RequeueRun(id=failed.id, queue="default"), ada).task.queue == "default"


def test_who_carried_the_run_out_before_holds_it_no_more(timed):
    """They may not have left yet when somebody asks for it to go on."""
    run = timed.draft(script=SCRIPT)
    timed.backend.call(EnqueueTask(id=run.id, queue="services"))
    held = timed.claim().held
    timed.start(run)
    timed.backend.call(BeginClaimed(held=held, worker=WORKER))
    timed.end_run(run, Status.FAILED)
    timed.backend.call(RenewLease(held=held))
    timed.backend.call(RequeueRun(id=run.id))
    with pytest.raises(LeaseLost):
        timed.backend.call(RenewLease(held=held))
    again = timed.claim()
    assert (again.task.id, again.resumed) == (run.id, True)


def test_what_is_taken_out_of_its_queue_or_loses_it_stays_stopped_and_is_no_draft(desk, failed):
    desk.backend.call(RequeueRun(id=failed.id))
    assert desk.backend.call(DequeueTask(id=failed.id)).status is Status.STOPPED
    desk.backend.call(RequeueRun(id=failed.id))
    desk.backend.call(DeleteQueue(name="services", force=True))
    assert desk.backend.call(GetRun(id=failed.id)).run.task.status is Status.STOPPED
