"""Tasks that belong to no run: begun, reset, cloned, queued, published, put away."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from penstock.core.errors import BadTransition, Conflict, Invalid, NotFound
from penstock.core.outputs import Artifact, ConsoleLine, Plot, ScalarPoint, Stream
from penstock.core.run import ARCHIVED
from penstock.core.task import ENDED, Configuration, Container, Parameter, Script, Status, TaskType, Worker
from penstock.ops.changes import ListChanges
from penstock.ops.lifecycle import (
    ArchiveTask,
    BeginTask,
    CloneTask,
    ContinueTask,
    Copied,
    DeleteTask,
    DequeueTask,
    EnqueueTask,
    PublishTask,
    ResetTask,
)
from penstock.ops.outputs import (
    AddArtifact,
    AppendConsole,
    GetScalars,
    ListArtifacts,
    ListPlots,
    NewPoints,
    ReadConsole,
    ReportPlots,
    ReportScalars,
)
from penstock.ops.tasks import (
    DescribeTask,
    EndTask,
    GetConfigurations,
    GetParameters,
    GetTask,
    JudgeTask,
    ListTasks,
    RemoveParameters,
    SetConfiguration,
    SetParameters,
)

HERE = Worker(host="here", pid=1, started="2", boot="3")
ELSEWHERE = replace(HERE, pid=2)
FACTS = {"name": "x", "format": "json", "type": "int", "hash": "a" * 64, "size": 1, "url": ""}


@pytest.fixture
def call(desk):
    return desk.backend.call


def argument(name, value, section="Args"):
    return Parameter(section=section, name=name, value=value)


def in_status(desk, status):
    """A task that belongs to no run, and stands so."""
    task = desk.task("work")
    if status is Status.CREATED:
        return task
    if status is Status.QUEUED:
        return desk.backend.call(EnqueueTask(id=task.id, queue="default"))
    task = desk.backend.call(BeginTask(id=task.id, worker=HERE))
    if status is Status.PUBLISHED:
        desk.end(task)
        return desk.backend.call(PublishTask(id=task.id))
    return desk.end(task, status) if status in ENDED else task


def statuses(call, task):
    return [change.status for change in call(ListChanges()) if change.task == task.id]


@pytest.mark.parametrize("status", [Status.CREATED, Status.QUEUED])
def test_a_task_that_waits_begins_in_the_process_that_says_so(desk, call, status):
    task = in_status(desk, status)
    begun = call(BeginTask(id=task.id, worker=HERE))
    assert (begun.status, begun.worker) == (Status.IN_PROGRESS, HERE)
    assert begun.started is not None
    assert statuses(call, task)[-1] == Status.IN_PROGRESS


def test_beginning_twice_is_one_beginning_for_one_process_and_refused_to_another(desk, call):
    task = in_status(desk, Status.IN_PROGRESS)
    before = statuses(call, task)
    assert call(BeginTask(id=task.id, worker=HERE)) == call(GetTask(id=task.id))
    assert statuses(call, task) == before
    with pytest.raises(BadTransition):
        call(BeginTask(id=task.id, worker=ELSEWHERE))
    assert call(GetTask(id=task.id)).worker == HERE


@pytest.mark.parametrize("status", sorted(ENDED - {Status.PUBLISHED}))
def test_what_ended_goes_on_in_another_process_with_all_that_it_recorded(desk, call, status):
    task = in_status(desk, status)
    call(AddArtifact(artifact=Artifact(task=task.id, **FACTS)))
    again = call(ContinueTask(id=task.id, worker=ELSEWHERE))
    assert (again.status, again.worker, again.ended, again.reason) == (Status.IN_PROGRESS, ELSEWHERE, None, None)
    assert [one.name for one in call(ListArtifacts(task=task.id))] == ["x"]
    assert statuses(call, task)[-1] == Status.IN_PROGRESS


@pytest.mark.parametrize("status", sorted({*Status} - ENDED | {Status.PUBLISHED}))
def test_what_has_not_ended_or_is_published_does_not_go_on(desk, call, status):
    task = in_status(desk, status)
    with pytest.raises(Conflict, match=status):
        call(ContinueTask(id=task.id, worker=ELSEWHERE))


@pytest.mark.parametrize("status", sorted(ENDED - {Status.PUBLISHED}))
def test_a_reset_forgets_what_was_recorded_and_keeps_what_was_asked(desk, call, status):
    task = in_status(desk, status)
    call(SetParameters(task=task.id, parameters=(argument("x", 1),)))
    call(AddArtifact(artifact=Artifact(task=task.id, **FACTS)))
    call(AppendConsole(task=task.id, lines=(ConsoleLine(1.0, Stream.OUT, "hello"),)))
    call(ReportScalars(task=task.id, series=(NewPoints(title="t", series="s", points=(ScalarPoint(0, 1.0, 1.0),)),)))
    call(ReportPlots(task=task.id, plots=(Plot(title="t", series="s", kind="text", iteration=0, data=""),)))
    assert call(ResetTask(id=task.id)) == ["a" * 64]
    draft = call(GetTask(id=task.id))
    assert (draft.status, draft.worker, draft.started, draft.ended) == (Status.CREATED, None, None, None)
    assert (draft.reason, draft.message) == (None, "")
    assert not any(call(op(task=task.id)) for op in (ListArtifacts, ReadConsole, GetScalars, ListPlots))
    assert [one.name for one in call(GetParameters(task=task.id))] == ["x"]
    assert statuses(call, task)[-1] == Status.CREATED


def test_a_reset_forgets_progress_and_what_was_asked_where_that_is_wished(desk, call):
    task = in_status(desk, Status.FAILED)
    call(DescribeTask(id=task.id, runtime={"progress": "40", "kept": "yes"}))
    call(SetParameters(task=task.id, parameters=(argument("x", 1), argument("seen", "yes", "properties"))))
    call(SetConfiguration(task=task.id, configuration=Configuration(name="net", text="{}")))
    call(ResetTask(id=task.id))
    assert call(GetTask(id=task.id)).runtime == {"kept": "yes"}
    assert len(call(GetParameters(task=task.id))) == 2
    call(ResetTask(id=task.id, request=True))
    assert call(GetParameters(task=task.id)) == call(GetConfigurations(task=task.id)) == []


def test_what_goes_on_is_reset_by_its_own_process_alone(desk, call):
    task = in_status(desk, Status.IN_PROGRESS)
    for worker in (ELSEWHERE, None):
        with pytest.raises(Conflict, match="another process"):
            call(ResetTask(id=task.id, worker=worker))
    call(ResetTask(id=task.id, worker=HERE))
    assert call(GetTask(id=task.id)).status is Status.CREATED


def test_what_is_published_is_never_reset(desk, call):
    with pytest.raises(BadTransition):
        call(ResetTask(id=in_status(desk, Status.PUBLISHED).id))


def test_a_clone_is_asked_to_do_the_same_and_has_recorded_nothing(desk, call):
    source = desk.task(
        "train",
        type=TaskType.TESTING,
        comment="first",
        tags=("red",),
        script=Script(source="print(1)", entry_point="train.py"),
        container=Container(image="python"),
        queue="gpu",
        output_uri="s3://b",
    )
    call(SetParameters(task=source.id, parameters=(argument("x", 1), argument("y", 2, "return"))))
    call(SetConfiguration(task=source.id, configuration=Configuration(name="net", text="{}", format="json")))
    call(BeginTask(id=source.id, worker=HERE))
    call(AddArtifact(artifact=Artifact(task=source.id, **FACTS)))
    source = desk.end(source)
    clone = call(CloneTask(source=source.id, clone=Copied(id=desk.id(), user="eve")))
    same = ("name", "project", "type", "comment", "tags", "script", "container", "queue", "output_uri")
    assert {name: getattr(clone, name) for name in same} == {name: getattr(source, name) for name in same}
    assert (clone.status, clone.parent, clone.user, clone.worker) == (Status.CREATED, source.id, "eve", None)
    assert call(GetParameters(task=clone.id)) == [argument("x", 1)]
    assert call(GetConfigurations(task=clone.id)) == call(GetConfigurations(task=source.id))
    assert call(ListArtifacts(task=clone.id)) == []
    assert call(GetTask(id=source.id)) == source


def test_a_clone_is_named_and_placed_as_asked_and_made_once(desk, call):
    source = desk.task("train", parent="a" * 32)
    asked = Copied(id=desk.id(), name="other", project="Q/R", parent="b" * 32, comment="")
    clone = call(CloneTask(source=source.id, clone=asked))
    assert (clone.name, clone.project, clone.parent, clone.comment) == ("other", "Q/R", "b" * 32, "")
    assert call(CloneTask(source=source.id, clone=asked)) == clone
    assert call(CloneTask(source=source.id, clone=Copied(id=desk.id()))).parent == "a" * 32
    with pytest.raises(NotFound):
        call(CloneTask(source="f" * 32, clone=Copied(id=desk.id())))


def test_a_task_is_in_one_queue_and_comes_back_as_a_draft(desk, call):
    task = desk.task()
    call(EnqueueTask(id=task.id, queue="default"))
    queued = call(EnqueueTask(id=task.id, queue="services"))
    assert (queued.status, queued.queue) == (Status.QUEUED, "services")
    assert call(DequeueTask(id=task.id)).status is Status.CREATED
    with pytest.raises(Invalid, match="queue"):
        call(EnqueueTask(id=task.id, queue=""))
    with pytest.raises(BadTransition):
        call(EnqueueTask(id=in_status(desk, Status.COMPLETED).id, queue="services"))


def test_what_is_published_stays_but_for_what_people_note_about_it(desk, call):
    task = in_status(desk, Status.PUBLISHED)
    with pytest.raises(Conflict, match="published"):
        call(SetParameters(task=task.id, parameters=(argument("x", 1),)))
    with pytest.raises(Conflict, match="published"):
        call(RemoveParameters(task=task.id, paths=("Args/x",)))
    call(SetParameters(task=task.id, parameters=(argument("seen", "yes", "properties"),)))
    assert [one.path for one in call(GetParameters(task=task.id))] == ["properties/seen"]
    assert call(RemoveParameters(task=task.id, paths=("properties/seen",))) == 1
    with pytest.raises(Conflict, match="published"):
        call(DeleteTask(id=task.id))
    call(DeleteTask(id=task.id, force=True))
    with pytest.raises(NotFound):
        call(GetTask(id=task.id))


def test_what_is_archived_is_out_of_sight_until_it_is_brought_back(desk, call):
    seen, hidden = desk.task("seen"), desk.task("hidden")
    call(ArchiveTask(id=hidden.id))
    assert [task.id for task in call(ListTasks(archived=False))] == [seen.id]
    assert [task.id for task in call(ListTasks(archived=True))] == [hidden.id]
    assert ARCHIVED not in call(ArchiveTask(id=hidden.id, archived=False)).system_tags
    with pytest.raises(Conflict, match="in_progress"):
        call(ArchiveTask(id=in_status(desk, Status.IN_PROGRESS).id))


@pytest.mark.parametrize("op", [BeginTask, ContinueTask, ResetTask, ArchiveTask, DeleteTask])
def test_what_belongs_to_a_run_is_left_to_its_run(desk, call, op):
    run = desk.run("a")
    attempt = desk.launch(run, "a")
    worker = {"worker": HERE} if "worker" in op.__struct_fields__ else {}
    for id in (run.id, attempt.id):
        with pytest.raises(Conflict, match="run"):
            call(op(id=id, **worker))
    assert call(GetTask(id=attempt.id)) == attempt


def test_what_people_noted_is_not_replaced(desk, call):
    task = desk.task("noted")
    call(SetParameters(task=task.id, parameters=(argument("x", 1), argument("seen", "yes", "properties"))))
    call(SetParameters(task=task.id, parameters=(argument("y", 2),), replace=True))
    assert [one.path for one in call(GetParameters(task=task.id))] == ["properties/seen", "Args/y"]


def test_a_parent_is_taken_away_by_an_empty_one(desk, call):
    task = desk.task("child", parent="f" * 32)
    assert call(DescribeTask(id=task.id, comment="x")).parent == "f" * 32
    assert call(DescribeTask(id=task.id, parent="")).parent is None


def test_the_owner_of_a_task_judges_it_when_it_has_ended(desk, call):
    task = in_status(desk, Status.COMPLETED)
    assert call(JudgeTask(id=task.id, status=Status.FAILED, message="it lied")).status is Status.FAILED
    run = desk.run("a")
    desk.end_run(run)
    with pytest.raises(Conflict):
        call(JudgeTask(id=run.id, status=Status.FAILED))


def test_a_clone_of_a_run_is_a_task_like_any_other(desk, call):
    """A pipeline may be a step of another: its clone ends by itself."""
    run = desk.run("a")
    clone = call(CloneTask(source=run.id, clone=Copied(id=desk.id())))
    call(BeginTask(id=clone.id, worker=HERE))
    assert call(EndTask(id=clone.id, status=Status.COMPLETED)).status is Status.COMPLETED


def test_parameters_are_replaced_all_at_once_or_removed_one_by_one(desk, call):
    task = desk.task(parameters=(argument("x", 1), argument("y", 2)))
    assert call(RemoveParameters(task=task.id, paths=("Args/x", "Args/nothing"))) == 1
    assert call(GetParameters(task=task.id)) == [argument("y", 2)]
    call(SetParameters(task=task.id, parameters=(argument("z", 3),), replace=True))
    assert call(GetParameters(task=task.id)) == [argument("z", 3)]


def test_what_is_said_of_a_task_can_be_changed_as_far_as_it_is_nobody_elses(desk, call):
    task = desk.task(tags=("a",))
    script = Script(source="print(2)")
    said = {"project": "New/Place", "parent": "c" * 32, "type": TaskType.QC, "script": script, "queue": "q"}
    call(DescribeTask(id=task.id, tags=("b",), add_tags=("c",), runtime={"progress": "5"}, **said))
    found = call(DescribeTask(id=task.id, runtime={"other": "x"}))
    assert {name: getattr(found, name) for name in said} == said
    assert (found.tags, found.runtime) == (("b", "c"), {"progress": "5", "other": "x"})
    attempt = desk.launch(desk.run("a"), "a")
    for place in ({"project": "X"}, {"parent": "x"}, {"type": TaskType.QC}):
        with pytest.raises(Conflict, match="given by its run"):
            call(DescribeTask(id=attempt.id, **place))
    with pytest.raises(Conflict, match="what it ran stays"):
        call(DescribeTask(id=in_status(desk, Status.FAILED).id, script=script))


def test_tasks_are_found_by_what_they_are(desk, call):
    one = desk.task("train one", project="P/a", tags=("red", "big"))
    two = desk.task("train two", project="P/b", tags=("red",), parent=one.id)
    three = desk.task("test", project="P/a")
    run = desk.run("a")
    attempt = desk.launch(run, "a")

    def found(**filters):
        return [task.id for task in call(ListTasks(**filters))]

    assert found(pattern="^train") == [two.id, one.id]
    assert found(pattern="t$") == [three.id]
    assert found(pattern="train", limit=1) == [two.id]
    assert found(tags=("red", "-big")) == [two.id]
    assert found(ids=(one.id, three.id)) == [three.id, one.id]
    assert found(beginning=one.id) == [one.id]
    assert found(beginning=f"{one.id}0") == found(beginning="%") == found(beginning="~") == []
    assert set(found(beginning=one.id[:20])) >= {one.id, two.id, three.id}
    assert found(parent=one.id) == [two.id]
    assert found(alone=True) == [three.id, two.id, one.id]
    assert set(found(alone=False)) == {run.id, attempt.id}
    with pytest.raises(Invalid, match="regular expression"):
        found(pattern="(")


def test_packages_that_were_found_count_where_nobody_named_any(desk, call):
    """They are found in the background while the script goes on, and may name its own meanwhile."""
    found, named = desk.task(), desk.task(script=Script(packages=()))
    for task in (found, named):
        call(DescribeTask(id=task.id, packages=("numpy==2",)))
    assert call(GetTask(id=found.id)).script.packages == ("numpy==2",)
    assert call(GetTask(id=named.id)).script.packages == ()
