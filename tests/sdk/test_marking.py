"""What each status lets people say of a task by `mark_...` and `publish`: of one of its own, of a step, of a run."""

from __future__ import annotations

import pytest

from penstock import Task
from penstock.core.errors import BadTransition, Conflict
from penstock.core.pipeline import Pipeline, Step
from penstock.core.run import attempt_id
from penstock.core.task import ENDED, Script, Status, Worker
from penstock.ops.lifecycle import BeginTask, EnqueueTask, PublishTask
from penstock.ops.runs import CreateRun, EndRun, GetRun, StartRun
from penstock.ops.steps import LaunchStep
from penstock.ops.tasks import CreateTask, EndTask, GetTask, NewTask
from penstock.run import liveness
from penstock.sdk import session

OWN, RUN = "1" * 32, "2" * 32
ATTEMPT = attempt_id(RUN, "a", 1)
ELSEWHERE = Worker(host="elsewhere", pid=1)

CREATED, QUEUED, IN_PROGRESS = Status.CREATED, Status.QUEUED, Status.IN_PROGRESS
STOPPED, FAILED, COMPLETED, PUBLISHED = Status.STOPPED, Status.FAILED, Status.COMPLETED, Status.PUBLISHED

MARKS = {
    "mark_started": (IN_PROGRESS, {CREATED, QUEUED}),
    "mark_completed": (COMPLETED, {IN_PROGRESS, STOPPED, FAILED, COMPLETED}),
    "mark_failed": (FAILED, {IN_PROGRESS, STOPPED, FAILED, COMPLETED}),
    "mark_stopped": (STOPPED, {QUEUED, IN_PROGRESS, STOPPED, FAILED, COMPLETED}),
    "publish": (PUBLISHED, {COMPLETED, PUBLISHED}),
}
"""What each says, and where a task of its own may stand for it."""

call = pytest.fixture(lambda home: session.backend().call)


def own(call, status, worker=ELSEWHERE):
    """A task of its own that stands so."""
    call(CreateTask(task=NewTask(id=OWN, name="own", project="P")))
    if status is QUEUED:
        call(EnqueueTask(id=OWN, queue="default"))
    elif status is not CREATED:
        call(BeginTask(id=OWN, worker=worker))
    if status in ENDED:
        call(EndTask(id=OWN, status=COMPLETED if status is PUBLISHED else status))
    if status is PUBLISHED:
        call(PublishTask(id=OWN))
    return Task.get_task(task_id=OWN)


def run(call):
    """A run in progress whose one step runs."""
    definition = Pipeline(name="p", project="P", steps=(Step(name="a", code="c"),), code={"c": Script(source="")})
    call(CreateRun(pipeline="p", project="P", task=NewTask(id=RUN, name="p", project="")))
    call(StartRun(id=RUN, definition=definition, worker=ELSEWHERE))
    new = NewTask(id="", name="a", project="P")
    call(LaunchStep(run=RUN, step="a", attempt=1, task=new, worker=ELSEWHERE))


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("status", Status)
def test_a_task_of_its_own_is_marked_where_its_status_allows_it(call, status, mark):
    task = own(call, status)
    said, allowed = MARKS[mark]
    if status in allowed:
        getattr(task, mark)()
        assert (task.status, call(GetTask(id=OWN)).status) == (said, said)
        return
    before = call(GetTask(id=OWN))
    with pytest.raises(BadTransition, match=f"task {OWN} is {status}; it cannot become {said}"):
        getattr(task, mark)()
    assert call(GetTask(id=OWN)) == before


@pytest.mark.parametrize("status", Status)
def test_a_task_of_its_own_is_aborted_when_it_is_asked_to_stop_while_it_waits_or_runs(call, status):
    task = own(call, status)
    if status in {QUEUED, IN_PROGRESS, STOPPED}:
        task.mark_stop_request()
        assert task.get_status() == STOPPED
        assert status is STOPPED or task.get_status_message().startswith("aborted by ")
        return
    with pytest.raises((Conflict, BadTransition), match=f"task {OWN} is"):
        task.mark_stop_request()
    assert task.get_status() == status


def test_a_step_that_runs_is_aborted_when_its_attempt_is_asked_to_stop_and_no_later_one(call):
    run(call)
    task = Task.get_task(task_id=ATTEMPT)
    task.mark_stop_request()
    assert task.get_status() == STOPPED
    with pytest.raises(Conflict, match="has ended"):
        task.mark_stop_request()


def test_what_this_process_carries_out_already_is_started_again_without_effect(call):
    task = own(call, IN_PROGRESS, liveness.here())
    before = call(GetTask(id=OWN))
    task.mark_started()
    assert task.data == before


def test_the_reason_is_kept_for_people(call):
    task = own(call, IN_PROGRESS)
    task.mark_failed(status_reason="too hot", status_message="stopped at 90 degrees")
    assert (task.data.reason, task.get_status_message()) == ("callback", "stopped at 90 degrees")
    task.mark_failed(status_message="the same again")
    assert task.get_status_message() == "stopped at 90 degrees", "it is failed already: nothing changes"
    task.mark_stopped(status_message="by hand")
    assert (task.data.reason, task.get_status_message()) == ("aborted", "by hand")
    task.mark_completed(status_message="after all")
    assert (task.data.reason, task.get_status_message()) == (None, "after all")


def test_the_short_names_say_the_same(call):
    task = own(call, CREATED)
    task.started()
    task.stopped()
    assert task.status == STOPPED
    task.completed()
    assert task.status == COMPLETED


@pytest.mark.parametrize("mark", ["mark_completed", "mark_failed", "mark_stopped"])
def test_an_attempt_that_goes_on_is_marked_and_its_step_follows(call, mark):
    run(call)
    task = Task.get_task(task_id=ATTEMPT)
    getattr(task, mark)()
    assert task.status == MARKS[mark][0]
    (state,) = call(GetRun(id=RUN)).steps
    assert state.status == {STOPPED: "aborted"}.get(MARKS[mark][0], MARKS[mark][0])


@pytest.mark.parametrize("mark", ["mark_completed", "mark_failed", "mark_stopped"])
@pytest.mark.parametrize("status", [STOPPED, FAILED, COMPLETED])
@pytest.mark.parametrize("over", [False, True])
def test_an_attempt_that_ended_is_marked_by_its_own_callback_alone(call, status, mark, over):
    run(call)
    call(EndTask(id=ATTEMPT, status=status))
    if over:
        call(EndRun(id=RUN, status=COMPLETED))
    task = Task.get_task(task_id=ATTEMPT)
    before = call(GetTask(id=ATTEMPT))
    if MARKS[mark][0] is status:
        getattr(task, mark)()
    else:
        with pytest.raises(Conflict, match="that is final" if over else "its run has gone on from that"):
            getattr(task, mark)()
    assert call(GetTask(id=ATTEMPT)) == before


@pytest.mark.parametrize("id", [RUN, ATTEMPT])
def test_runs_and_steps_are_started_by_their_pipeline(call, id):
    run(call)
    with pytest.raises(Conflict, match="run"):
        Task.get_task(task_id=id).mark_started()


@pytest.mark.parametrize("mark", ["mark_completed", "mark_failed", "mark_stopped"])
def test_a_run_is_asked_to_stop_and_not_marked(call, mark):
    run(call)
    task = Task.get_task(task_id=RUN)
    with pytest.raises(Conflict, match="is a run; EndRun ends it"):
        getattr(task, mark)()
    task.mark_stop_request(status_message="enough")
    assert call(GetRun(id=RUN)).run.stop_asked == "enough"
    call(EndRun(id=RUN, status=STOPPED))
    with pytest.raises(Conflict, match="only a run in progress can be stopped"):
        task.mark_stop_request()
    if mark != "mark_stopped":
        with pytest.raises(Conflict, match="that is final"):
            getattr(task, mark)()
