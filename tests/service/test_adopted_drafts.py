"""Drafts that steps carry out themselves: they become an attempt, and are nobody's to delete."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from penstock.core.cachekey import KeyParts, key
from penstock.core.code import Code
from penstock.core.decision import Decision, DecisionKind
from penstock.core.errors import Conflict, NotFound
from penstock.core.run import attempt_id
from penstock.core.task import Configuration, EndReason, Parameter, Script, ScriptKind, Status, TaskType, Worker
from penstock.ops.executions import Keyed, ReuseStep
from penstock.ops.lifecycle import BeginTask, DeleteTask, EnqueueTask
from penstock.ops.runs import DeleteRun, ResumeRun
from penstock.ops.steps import DraftStep, LaunchStep
from penstock.ops.tasks import GetConfigurations, GetParameters, GetTask, ListProjects, ListTasks, NewTask

WORKER = Worker(host="here", pid=1, started="2", boot="3")
SCRIPT = Script(source="print()", entry_point="train.py", kind=ScriptKind.SCRIPT)


def adopting(task, **changes):
    facts = ("name", "project", "type", "comment", "tags", "script", "container", "queue", "output_uri")
    return NewTask(id=task.id, adopted=True, **{name: getattr(task, name) for name in facts} | changes)


def launch(desk, run, task, step="a", attempt=1, **changes):
    new = adopting(task, **changes)
    return desk.backend.call(LaunchStep(run=run.id, step=step, attempt=attempt, task=new, worker=WORKER))


def draft(desk, run, task, step="a", attempt=1):
    return desk.backend.call(DraftStep(run=run.id, step=step, attempt=attempt, task=adopting(task)))


def found(desk, task):
    return desk.backend.call(GetTask(id=task.id))


def test_a_draft_that_is_launched_by_a_step_is_the_step_s_attempt_under_its_own_id(desk):
    run, task = desk.run("a"), desk.task(script=SCRIPT)
    begun = launch(desk, run, task)
    assert (begun.id, begun.run, begun.step, begun.attempt, begun.parent) == (task.id, run.id, "a", 1, run.id)
    assert (begun.status, begun.worker, begun.script) == (Status.IN_PROGRESS, WORKER, SCRIPT)
    assert desk.states(run)["a"].task == task.id
    assert [one.id for one in desk.backend.call(ListTasks(run=run.id))] == [task.id]
    assert desk.end(begun).status is Status.COMPLETED
    assert desk.statuses(run) == {"a": "completed"}


def test_launching_it_again_changes_nothing(desk):
    run, task = desk.run("a"), desk.task()
    first = launch(desk, run, task)
    seen = desk.last()
    assert launch(desk, run, task, comment="other") == first
    assert desk.last() == seen


def test_all_that_a_step_overrides_is_recorded_with_it(desk):
    run, task = desk.run("a"), desk.task(parameters=(Parameter(section="Args", name="kept", value=1),))
    given = {
        "name": "other",
        "project": "New/place",
        "type": TaskType.QC,
        "comment": "said",
        "tags": ("red",),
        "queue": "gpu",
        "output_uri": "s3://b",
        "parameters": (Parameter(section="Args", name="rate", value=0.5, type="float"),),
        "configurations": (Configuration(name="net", text="{}"),),
    }
    begun = launch(desk, run, task, **given)
    for name in given.keys() - {"parameters", "configurations"}:
        assert getattr(begun, name) == given[name], name
    assert "New/place" in desk.backend.call(ListProjects())
    assert [one.path for one in desk.backend.call(GetParameters(task=task.id))] == ["Args/kept", "Args/rate"]
    assert desk.backend.call(GetConfigurations(task=task.id)) == list(given["configurations"])


@pytest.mark.parametrize("taken", ["queued", "begun", "by another step", "by another run", "a run itself"])
def test_what_is_no_draft_of_its_own_is_not_adopted(desk, taken):
    run, task = desk.run("a", "b"), desk.task()
    if taken == "queued":
        desk.backend.call(EnqueueTask(id=task.id, queue="default"))
    elif taken == "begun":
        desk.backend.call(BeginTask(id=task.id, worker=WORKER))
    elif taken == "by another step":
        launch(desk, run, task, "b")
    elif taken == "by another run":
        draft(desk, desk.run("a"), task)
    else:
        task = desk.draft().task
    before, states = found(desk, task), desk.statuses(run)
    for use in (launch, draft):
        with pytest.raises(Conflict, match=f"task {task.id} is no draft of its own any more; step 'a'"):
            use(desk, run, task)
    assert found(desk, task) == before
    assert desk.statuses(run) == states


def test_one_that_is_gone_is_named(desk):
    run, task = desk.run("a"), desk.task()
    desk.backend.call(DeleteTask(id=task.id))
    with pytest.raises(NotFound, match=task.id):
        launch(desk, run, task)
    assert desk.statuses(run) == {"a": "pending"}


def test_drafted_and_then_launched_it_keeps_what_a_callback_changed(desk):
    run, task = desk.run("a"), desk.task(comment="mine")
    drafted = draft(desk, run, task)
    assert (drafted.id, drafted.status, drafted.run) == (task.id, Status.CREATED, run.id)
    assert draft(desk, run, task) == drafted
    begun = launch(desk, run, task, comment="of the definition")
    assert (begun.id, begun.status, begun.comment) == (task.id, Status.IN_PROGRESS, "mine")


def test_a_veto_lets_it_go_as_a_draft_of_its_own(desk):
    """It is somebody's task; only drafts that the run itself made are deleted."""
    run, task = desk.run("a"), desk.task()
    draft(desk, run, task)
    desk.decide(run, "a", "skipped", "the callback said no", DecisionKind.VETO)
    assert found(desk, task) == task
    assert desk.backend.call(ListTasks(run=run.id)) == []
    assert [one.id for one in desk.backend.call(ListTasks(alone=True))] == [task.id]


def test_a_run_that_ends_before_it_began_lets_it_go(desk):
    run, task = desk.run("a"), desk.task()
    draft(desk, run, task)
    desk.end_run(run, Status.STOPPED, EndReason.ABORTED, "stopped")
    assert found(desk, task) == task


def test_a_run_that_is_resumed_may_adopt_it_again(desk):
    run, task = desk.run("a"), desk.task()
    draft(desk, run, task)
    desk.end_run(run, Status.STOPPED, EndReason.CONTROLLER_LOST, "gone")
    desk.backend.call(ResumeRun(id=run.id, worker=WORKER, seen=run.task.worker, reason="by ada"))
    assert launch(desk, run, task).id == task.id
    assert desk.statuses(run) == {"a": "running"}


def test_a_step_that_is_reused_lets_it_go_and_has_a_task_of_its_own(desk):
    parts = KeyParts(code=Code("same", {"work": "function:same"}), arguments={})
    keyed = Keyed(key=key(parts), parts=parts)
    earlier = desk.run("a")
    source = desk.end(desk.launch(earlier, "a", keyed=keyed))
    run, task = desk.run("a"), desk.task()
    draft(desk, run, task)
    decision = Decision(kind=DecisionKind.REUSE, reason="nothing changed", step="a", attempt=1)
    new = replace(adopting(task), adopted=False)
    op = ReuseStep(run=run.id, step="a", attempt=1, task=new, source=source.id, keyed=keyed, decision=decision)
    reused = desk.backend.call(op)
    assert reused.id == attempt_id(run.id, "a", 1)
    assert found(desk, task) == task
    assert [one.id for one in desk.backend.call(ListTasks(run=run.id))] == [reused.id]


def test_the_next_try_is_a_task_of_the_run(desk):
    run, task = desk.run("a"), desk.task()
    first = desk.fail(launch(desk, run, task))
    second = desk.launch(run, "a", 2)
    assert second.id == attempt_id(run.id, "a", 2)
    assert found(desk, task) == first


def test_once_it_has_begun_it_goes_with_its_run(desk):
    run, task = desk.run("a"), desk.task()
    desk.end(launch(desk, run, task))
    with pytest.raises(Conflict, match="its run decides about it"):
        desk.backend.call(DeleteTask(id=task.id))
    desk.end_run(run)
    desk.backend.call(DeleteRun(id=run.id))
    with pytest.raises(NotFound):
        found(desk, task)
