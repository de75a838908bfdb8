"""What the change feed tells of beside what becomes of tasks: for every operation somebody said whether it is news."""

from __future__ import annotations

import pytest

from penstock.core.access import Scope
from penstock.core.errors import Conflict
from penstock.core.pipeline import Pipeline, Step
from penstock.core.run import ChangeKind
from penstock.core.task import Configuration, Parameter, Script
from penstock.ops.access import AddKey, AddUser, ChangeUser, RemoveUser, RevokeKey
from penstock.ops.base import REGISTRY
from penstock.ops.changes import ListChanges
from penstock.ops.lifecycle import ArchiveTask, CloneTask, Copied
from penstock.ops.models import AddModel, ArchiveModel, ChangeModel, DeleteModel, LinkModel, PublishModel
from penstock.ops.reruns import DraftRerun
from penstock.ops.runs import ArchiveRun, CloneRun, CreateRun, DefineRun
from penstock.ops.tasks import CreateTask, DescribeTask, NewTask, RemoveParameters, SetConfiguration, SetParameters
from penstock.service.news import _ACCESS, _MODEL, _TASK

OTHERWISE = {
    "their handlers tell what becomes of a task, a step, a queue, an agent or a limit": """
        StartRun ResumeRun EndRun StopRun DeleteRun RequeueRun LaunchRun EndTask JudgeTask BeginTask
        ContinueTask SkipStep AbortStep AbortTask EnqueueTask DequeueTask ResetTask DeleteTask PublishTask
        DraftStep LaunchStep EnqueueStep ReuseStep AddStep DecideSteps TakeOver ClaimTask BeginClaimed HandBack
        ReleaseLease EndLeases MoveEntry CreateQueue ChangeQueue DeleteQueue ReportAgent DrainAgent ForgetAgent
        SetTagLimit RemoveTagLimit
    """,
    "records come in masses, and are read again and again while a task runs": """
        AddArtifact AppendConsole ReportScalars ReportPlots RecordDecision
    """,
    "no list shows it": "LogIn LogOut Authenticate RenewLease SpareLeases OpenSecrets",
}


def told(desk, *ops):
    """Carry operations out; return what the feed said: kind, task, place."""
    seen = desk.last()
    for op in ops:
        desk.backend.call(op)
    return [(one.kind, one.task, one.place) for one in desk.backend.call(ListChanges(after=seen))]


def test_it_is_said_of_every_operation_that_changes_something_whether_it_is_news():
    here = {kind.__name__ for kind in (*_TASK, *_MODEL, *_ACCESS)}
    elsewhere = {name for names in OTHERWISE.values() for name in names.split()}
    writing = {name for name, op in REGISTRY.items() if not op.reads and op.__module__.startswith("penstock.ops")}
    assert not here & elsewhere
    assert here | elsewhere == writing


def test_that_a_task_is_described_otherwise_is_told_with_its_run(desk):
    run = desk.run("a")
    one = desk.launch(run, "a")
    assert told(desk, DescribeTask(id=one.id, name="other")) == [(ChangeKind.DESCRIBED, one.id, "")]
    assert told(desk, DescribeTask(id=run.id, add_tags=("best",))) == [(ChangeKind.DESCRIBED, run.id, "")]
    (change,) = desk.backend.call(ListChanges(after=desk.last() - 1))
    assert (change.run, change.status) == (run.id, "in_progress")
    assert desk.backend.call(ListChanges(after=desk.last() - 2, run=run.id))[0].step == "a"


def test_what_no_list_shows_is_no_news(desk):
    task = desk.task()
    assert told(desk, DescribeTask(id=task.id, runtime={"a": "b"})) == []


def test_that_a_draft_was_made_is_told_with_the_run_that_it_is(desk):
    task, run = desk.task(), desk.run("a")
    desk.end_run(run)
    made = [f"{number:032x}" for number in range(1, 6)]
    ops = (
        CreateTask(task=NewTask(id=made[0], name="one", project="p")),
        CloneTask(source=task.id, clone=Copied(id=made[1])),
        CreateRun(pipeline="p", project="p", task=NewTask(id=made[2], name="p", project="p")),
        CloneRun(source=run.id, clone=Copied(id=made[3])),
        DraftRerun(id=made[4], source=run.id),
    )
    assert told(desk, *ops) == [(ChangeKind.DESCRIBED, id, "") for id in made]
    first, _, *others = (one.run for one in desk.backend.call(ListChanges(after=desk.last() - 5)))
    assert (first, others) == (None, made[2:])
    definition = Pipeline(name="p", project="p", steps=(Step(name="a", code="c"),), code={"c": Script(source="")})
    assert told(desk, DefineRun(id=made[2], definition=definition)) == [(ChangeKind.DESCRIBED, made[2], "")]


def test_that_something_is_put_away_is_told(desk):
    task, run = desk.task(), desk.run("a")
    desk.end_run(run)
    assert told(desk, ArchiveTask(id=task.id)) == [(ChangeKind.DESCRIBED, task.id, "")]
    assert told(desk, ArchiveRun(id=run.id, archived=True)) == [(ChangeKind.DESCRIBED, run.id, "")]


def test_what_a_draft_is_asked_to_do_is_told_and_what_a_task_notes_is_not(desk):
    draft, run = desk.task(), desk.run("a")
    parameter = Parameter(section="Args", name="rate", value=1)
    asked = (
        lambda id: SetParameters(task=id, parameters=(parameter,)),
        lambda id: SetConfiguration(task=id, configuration=Configuration(name="c", text="x")),
        lambda id: RemoveParameters(task=id, paths=("Args/rate",)),
    )
    assert told(desk, *(one(draft.id) for one in asked)) == [(ChangeKind.DESCRIBED, draft.id, "")] * 3
    assert told(desk, *(one(run.id) for one in asked)) == []


def test_every_change_of_a_model_is_told_with_the_task_that_made_it(desk):
    task, other = desk.task(), desk.task("other")
    model = desk.model(task, "net")
    ops = [
        AddModel(model=model),
        ChangeModel(id=model.id, task=task.id, tags=("best",)),
        LinkModel(task=other.id, model=model.id, direction="input"),
        ArchiveModel(id=model.id, task=task.id),
        DeleteModel(id=model.id, force=True),
    ]
    assert told(desk, *ops) == [(ChangeKind.MODEL, task.id, model.id)] * 5
    alone = desk.model(task, "alone")
    assert told(desk, AddModel(model=alone), PublishModel(id=alone.id, task=task.id))[1:] == [
        (ChangeKind.MODEL, task.id, alone.id)
    ]


def test_that_users_and_keys_changed_is_told_without_their_names(desk):
    call = desk.backend.call
    assert (
        told(desk, AddUser(name="root", scope=Scope.ADMIN), AddUser(name="ada", scope=Scope.RUN))
        == [(ChangeKind.ACCESS, "", "")] * 2
    )
    key = call(AddKey(owner="ada", scope=Scope.RUN)).key
    assert (
        told(desk, ChangeUser(name="ada", disabled=True), RevokeKey(id=key.id), RemoveUser(name="ada"))
        == [(ChangeKind.ACCESS, "", "")] * 3
    )


def test_what_was_refused_is_no_news(desk):
    task = desk.task()
    model = desk.model(task, "net")
    desk.backend.call(AddModel(model=model))
    seen = desk.last()
    with pytest.raises(Conflict):
        desk.backend.call(ArchiveModel(id=model.id, task="f" * 32))
    assert desk.last() == seen
