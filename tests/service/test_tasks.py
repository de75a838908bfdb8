"""Operations on tasks: drafts, endings, and what people say of them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from penstock.core.cachekey import KeyParts
from penstock.core.code import Code
from penstock.core.decision import Decision, DecisionKind
from penstock.core.errors import BadTransition, Conflict, Invalid, NotFound
from penstock.core.run import STEP_STATUS
from penstock.core.task import (
    ENDED,
    JUDGED,
    Configuration,
    Container,
    EndReason,
    Parameter,
    Script,
    Status,
    TaskType,
    Worker,
)
from penstock.ops.decisions import ListDecisions, RecordDecision
from penstock.ops.executions import Keyed, ReuseStep
from penstock.ops.outputs import ListArtifacts
from penstock.ops.steps import DraftStep
from penstock.ops.tasks import (
    CreateTask,
    DescribeTask,
    EndTask,
    GetConfigurations,
    GetParameters,
    GetTask,
    JudgeTask,
    ListProjects,
    ListTasks,
    NewTask,
    SetConfiguration,
    SetParameters,
)

ENDINGS = sorted(ENDED - {Status.PUBLISHED})


def argument(name, value, **fields):
    return Parameter(section="Args", name=name, value=value, **fields)


def test_a_task_is_recorded_with_all_that_is_known_of_it(desk):
    new = desk.new(
        "train",
        "Research/Vision",
        type=TaskType.TRAINING,
        parent="f" * 32,
        user="ada",
        comment="first",
        tags=("red", "blue"),
        system_tags=("hidden",),
        script=Script(source="def f(): pass", entry_point="f", packages=("pandas",), modules=("os",)),
        container=Container(image="python:3.12", arguments="--rm"),
        queue="gpu",
        output_uri="s3://bucket",
        parameters=(argument("rate", 0.5, type="float"), argument("deep", {"a": [1, None, "é"]})),
    )
    made = desk.backend.call(CreateTask(task=new))
    assert (made.status, made.reason, made.started, made.ended) == (Status.CREATED, None, None, None)
    assert desk.backend.call(GetTask(id=new.id)) == made
    for field in ("name", "project", "type", "parent", "user", "comment", "tags", "script", "container", "queue"):
        assert getattr(made, field) == getattr(new, field), field
    assert desk.backend.call(GetParameters(task=new.id)) == list(new.parameters)


def test_making_a_task_again_returns_the_one_that_is_there(desk):
    new = desk.new("first", parameters=(argument("n", 1),))
    made = desk.backend.call(CreateTask(task=new))
    again = NewTask(id=new.id, name="second", project="Q", parameters=(argument("n", 2),))
    assert desk.backend.call(CreateTask(task=again)) == made
    assert desk.backend.call(GetParameters(task=new.id)) == [argument("n", 1)]
    assert desk.backend.call(ListTasks()) == [made]


@pytest.mark.parametrize(
    "op",
    [
        GetTask(id="b" * 32),
        GetParameters(task="b" * 32),
        GetConfigurations(task="b" * 32),
        SetParameters(task="b" * 32, parameters=()),
        SetConfiguration(task="b" * 32, configuration=Configuration(name="c", text="")),
        DescribeTask(id="b" * 32, comment="c"),
        EndTask(id="b" * 32, status=Status.COMPLETED),
    ],
    ids=lambda op: type(op).__name__,
)
def test_a_task_that_is_not_there_is_named(backend, op):
    with pytest.raises(NotFound, match="b" * 32):
        backend.call(op)
    assert backend.call(ListTasks()) == []


@pytest.mark.parametrize("status", ENDINGS)
def test_a_draft_cannot_end(desk, status):
    task = desk.task()
    with pytest.raises(BadTransition, match=f"{task.id} is created; it cannot become {status}"):
        desk.end(task, status)


@pytest.mark.parametrize("status", ENDINGS)
def test_a_task_ends_with_what_it_leaves_behind(desk, status):
    run = desk.run("a")
    task = desk.launch(run, "a")
    left = argument("n", 3)
    ended = desk.end(
        task, status, EndReason.EXCEPTION, "why\nmore", artifacts=(desk.artifact(task),), parameters=(left,)
    )
    assert (ended.status, ended.reason, ended.message) == (status, EndReason.EXCEPTION, "why\nmore")
    assert ended.ended >= ended.started
    assert ended.seconds == ended.ended - ended.started
    assert [one.name for one in desk.backend.call(ListArtifacts(task=task.id))] == ["x"]
    assert desk.backend.call(GetParameters(task=task.id)) == [left]
    assert desk.states(run)["a"].reason == "why"


@pytest.mark.parametrize("first", ENDINGS)
@pytest.mark.parametrize("second", ENDINGS)
def test_the_first_ending_counts_and_saying_it_again_changes_nothing(desk, first, second):
    run = desk.run("a")
    task = desk.end(desk.launch(run, "a"), first, None, "the first")
    seen = desk.last()
    if first is second:
        again = desk.end(task, second, EndReason.SIGNAL, "the second", artifacts=(desk.artifact(task),))
        assert again == task
    else:
        with pytest.raises(BadTransition, match=f"is {first}; it cannot become {second}"):
            desk.end(task, second, EndReason.SIGNAL, "the second", artifacts=(desk.artifact(task),))
    assert desk.backend.call(GetTask(id=task.id)) == task
    assert desk.backend.call(ListArtifacts(task=task.id)) == []
    assert desk.last() == seen


def test_an_ending_that_is_refused_leaves_nothing_behind(desk):
    """Neither what came with it, nor a line in the feed."""
    task = desk.task()
    with pytest.raises(BadTransition):
        desk.end(task, artifacts=(desk.artifact(task),), parameters=(argument("n", 1),))
    assert desk.backend.call(ListArtifacts(task=task.id)) == []
    assert desk.backend.call(GetParameters(task=task.id)) == []
    assert desk.changes() == [("described", None, "created")]


@pytest.mark.parametrize("status", [Status.CREATED, Status.QUEUED, Status.IN_PROGRESS])
def test_only_an_ending_ends_a_task(desk, status):
    task = desk.task()
    with pytest.raises((Invalid, BadTransition)):
        desk.end(task, status)
    assert desk.backend.call(GetTask(id=task.id)).status is Status.CREATED


def test_a_run_is_not_ended_as_a_task(desk):
    """Its steps would stay open below it: `EndRun` is what ends it together with them."""
    run = desk.run("a")
    desk.launch(run, "a")
    with pytest.raises((Invalid, Conflict)):
        desk.end(run.task)
    assert desk.backend.call(GetTask(id=run.id)).status is Status.IN_PROGRESS


def test_what_is_not_said_of_a_task_stays_as_it_is(desk):
    task = desk.task(comment="first", tags=("red",))
    assert desk.backend.call(DescribeTask(id=task.id)) == task
    described = desk.backend.call(DescribeTask(id=task.id, comment="", add_tags=("blue", "red", "blue")))
    assert (described.comment, described.tags) == ("", ("red", "blue"))
    assert desk.backend.call(GetTask(id=task.id)) == described


def test_a_parameter_that_is_set_again_keeps_its_place(desk):
    task = desk.task(parameters=(argument("a", 1), argument("b", 2)))
    desk.backend.call(SetParameters(task=task.id, parameters=(argument("c", None), argument("a", [1, {"x": 0.1}]))))
    found = desk.backend.call(GetParameters(task=task.id))
    assert [(one.name, one.value) for one in found] == [("a", [1, {"x": 0.1}]), ("b", 2), ("c", None)]


def test_configurations_come_by_name_and_are_replaced(desk):
    task = desk.task()
    for name, text in (("net", "1"), ("data", "2"), ("net", "3")):
        desk.backend.call(SetConfiguration(task=task.id, configuration=Configuration(name=name, text=text)))
    found = desk.backend.call(GetConfigurations(task=task.id))
    assert [(one.name, one.text) for one in found] == [("data", "2"), ("net", "3")]


def test_what_is_published_stays_as_it_is(settings, desk):
    """Nobody can publish yet; but the table of statuses and what follows from it are there."""
    from penstock.store.sqlite import SqliteStore

    run = desk.run("a")
    task = desk.end(desk.launch(run, "a"))
    store = SqliteStore(settings.database)
    with store.transaction() as tx:
        assert tx.tasks.move(task.id, Status.PUBLISHED, now=1.0)
    store.close()
    with pytest.raises(Conflict, match=f"{task.id} is published"):
        desk.backend.call(SetParameters(task=task.id, parameters=(argument("n", 1),)))
    with pytest.raises(Conflict, match="published"):
        desk.backend.call(SetConfiguration(task=task.id, configuration=Configuration(name="c", text="")))
    with pytest.raises(BadTransition):
        desk.end(task)


def test_tasks_are_listed_newest_first_through_every_filter(desk):
    run = desk.run("a", "b")
    tasks = [desk.task("one"), desk.task("two", project="Q"), desk.task("one", type=TaskType.TESTING)]
    attempts = [desk.fail(desk.launch(run, "a")), desk.launch(run, "a", 2), desk.launch(run, "b")]

    def names(**filters):
        return [task.id for task in desk.backend.call(ListTasks(**filters))]

    assert names() == [one.id for one in [*reversed(attempts), *reversed(tasks), run]]
    assert names(name="one") == [tasks[2].id, tasks[0].id]
    assert names(name="one", type=TaskType.TESTING) == [tasks[2].id]
    assert names(project="Q") == [tasks[1].id]
    assert names(run=run.id) == [one.id for one in attempts]
    assert names(run=run.id, step="a") == [one.id for one in attempts[:2]]
    assert names(run=run.id, statuses=(Status.FAILED,)) == [attempts[0].id]
    assert names(statuses=()) == []
    assert names(limit=2) == [attempts[2].id, attempts[1].id]
    assert names(name="ONE") == []


def test_projects_are_made_with_those_above_them(desk):
    """Promise 4: the project is made where it is not there; that of pipelines is hidden."""
    desk.task(project="Research/Vision/2026")
    desk.draft("flow", "Research")
    desk.draft("lone", "")
    assert desk.backend.call(ListProjects()) == ["Research", "Research/Vision", "Research/Vision/2026"]
    hidden = set(desk.backend.call(ListProjects(hidden=True))) - set(desk.backend.call(ListProjects()))
    assert hidden == {".pipelines", ".pipelines/lone", "Research/.pipelines", "Research/.pipelines/flow"}


def test_times_and_workers_are_those_of_the_latest_status(desk):
    run = desk.run("a")
    task = desk.launch(run, "a")
    assert isinstance(task.worker, Worker)
    assert task.started >= task.created
    assert task.ended is None
    assert task.seconds is None
    assert desk.backend.call(GetTask(id=task.id)) == task


# Judging


def callback(desk, task, kind):
    decision = Decision(kind=kind, reason="", step=task.step, attempt=task.attempt, related=task.id)
    desk.backend.call(RecordDecision(run=task.run, decision=decision))


def judge(desk, task, status, reason=EndReason.CALLBACK, message="the callback says so\nat length"):
    """Judge a task, of a step as its own callback does."""
    if task.run:
        callback(desk, task, DecisionKind.ASK)
    return desk.backend.call(JudgeTask(id=task.id, status=status, reason=reason, message=message))


@pytest.mark.parametrize("ended", JUDGED)
@pytest.mark.parametrize("status", JUDGED)
def test_how_an_attempt_ended_is_changed_while_its_run_goes_on(desk, ended, status):
    run = desk.run("a", "b")
    task = desk.end(desk.launch(run, "a"), ended, EndReason.EXCEPTION, "as it was")
    seen = desk.last()
    judged = judge(desk, task, status)
    if status is ended:
        assert (judged, desk.last()) == (task, seen), "nothing changes, also not the reason"
        return
    assert judged == replace(task, status=status, reason=EndReason.CALLBACK, message="the callback says so\nat length")
    assert desk.backend.call(GetTask(id=task.id)) == judged
    state = desk.states(run)["a"]
    assert (state.status, state.reason) == (STEP_STATUS[status], "the callback says so")
    assert (state.attempt, state.task, state.ended) == (1, task.id, task.ended)
    assert desk.statuses(run)["b"] == "pending"
    assert desk.changes(after=seen, run=run) == [("status", "a", status)]
    _, decision = desk.backend.call(ListDecisions(run=run.id))
    assert (decision.kind, decision.step, decision.attempt) == (DecisionKind.JUDGE, "a", 1)
    assert decision.reason == "the callback says so"
    assert decision.at >= task.ended


def test_a_judgement_without_words_is_explained_by_its_status(desk):
    run = desk.run("a")
    judge(desk, desk.end(desk.launch(run, "a")), Status.STOPPED, None, "")
    *_, decision = desk.backend.call(ListDecisions(run=run.id))
    assert decision.reason == "a callback said aborted"


@pytest.mark.parametrize("said", [[], ["another"], [DecisionKind.ASK, DecisionKind.CALL], [DecisionKind.CALL]])
def test_what_the_run_has_gone_on_from_is_not_judged(desk, said):
    """Nobody would hear of it: the step's children may have started."""
    run = desk.run("a", "b")
    other = desk.end(desk.launch(run, "b"))
    task = desk.end(desk.launch(run, "a"))
    for kind in said:
        callback(desk, *((other, DecisionKind.ASK) if kind == "another" else (task, kind)))
    before, seen = desk.backend.call(ListDecisions(run=run.id)), desk.last()
    with pytest.raises(Conflict, match="step 'a' is completed, and its run has gone on from that") as caught:
        desk.backend.call(JudgeTask(id=task.id, status=Status.FAILED))
    assert "post_execute_callback" in caught.value.hint
    assert (desk.backend.call(GetTask(id=task.id)), desk.last()) == (task, seen)
    assert desk.backend.call(ListDecisions(run=run.id)) == before


def test_the_callback_of_a_run_that_goes_on_may_judge_although_it_was_called_before(desk):
    run = desk.run("a")
    task = desk.end(desk.launch(run, "a"))
    callback(desk, task, DecisionKind.ASK)
    callback(desk, task, DecisionKind.CALL)
    assert judge(desk, task, Status.FAILED).status is Status.FAILED


def test_a_late_report_does_not_undo_a_judgement(desk):
    run = desk.run("a")
    task = desk.launch(run, "a")
    judged = judge(desk, desk.end(task), Status.FAILED)
    for status in (Status.COMPLETED, Status.STOPPED):
        with pytest.raises(BadTransition, match=f"{task.id} is failed; it cannot become {status}"):
            desk.end(task, status, artifacts=(desk.artifact(task),))
    assert desk.end(task, Status.FAILED, EndReason.SIGNAL, "late") == judged
    assert desk.statuses(run) == {"a": "failed"}


def test_a_judgement_may_be_judged_again(desk):
    run = desk.run("a")
    task = desk.fail(desk.launch(run, "a"))
    judge(desk, task, Status.COMPLETED, None, "")
    assert judge(desk, task, Status.FAILED).status is Status.FAILED
    assert desk.statuses(run) == {"a": "failed"}


def test_a_reused_step_is_judged_as_well(desk):
    source = desk.end(desk.launch(desk.run("a"), "a"))
    run = desk.run("a")
    keyed = Keyed(key="k", parts=KeyParts(code=Code("d", {})))
    decision = Decision(kind=DecisionKind.REUSE, reason="", step="a")
    new = desk.new("a")
    op = ReuseStep(run=run.id, step="a", attempt=1, task=new, source=source.id, keyed=keyed, decision=decision)
    task = desk.backend.call(op)
    judge(desk, task, Status.FAILED)
    assert desk.statuses(run) == {"a": "failed"}
    assert desk.backend.call(GetTask(id=source.id)) == source
    assert desk.launch(run, "a", 2).attempt == 2


def test_a_step_that_was_judged_failed_can_be_tried_again_and_one_that_was_judged_completed_cannot(desk):
    run = desk.run("a", "b")
    judge(desk, desk.end(desk.launch(run, "a")), Status.FAILED)
    judge(desk, desk.fail(desk.launch(run, "b")), Status.COMPLETED)
    assert desk.launch(run, "a", 2).attempt == 2
    with pytest.raises(Conflict, match="step 'b'"):
        desk.launch(run, "b", 2)


def test_only_the_latest_attempt_of_a_step_is_judged(desk):
    """Its place in the run is taken: by a later try, or by the decision that there is to be one."""
    run = desk.run("a", "b")
    first = desk.fail(desk.launch(run, "a"))
    second = desk.launch(run, "a", 2)
    waiting = desk.fail(desk.launch(run, "b"))
    desk.decide(run, "b", "queued", "is tried again")
    seen = desk.last()
    for task, step in ((first, "a"), (waiting, "b")):
        with pytest.raises(Conflict, match=f"step '{step}'"):
            judge(desk, task, Status.COMPLETED)
    ended = desk.fail(second)
    with pytest.raises(Conflict, match="step 'a'"):
        judge(desk, first, Status.COMPLETED)
    assert [desk.backend.call(GetTask(id=one.id)) for one in (first, waiting)] == [first, waiting]
    assert desk.changes(after=seen) == [("status", "a", "failed")]
    kinds = [one.kind for one in desk.backend.call(ListDecisions(run=run.id))]
    assert [kind for kind in kinds if kind is not DecisionKind.ASK] == [DecisionKind.WAIT]
    assert judge(desk, ended, Status.COMPLETED).status is Status.COMPLETED


def test_what_is_in_progress_or_has_not_begun_is_not_judged(desk):
    run = desk.run("a", "b")
    task = desk.launch(run, "a")
    draft = desk.backend.call(DraftStep(run=run.id, step="b", attempt=1, task=desk.new("b")))
    for one in (task, draft):
        for status in JUDGED:
            with pytest.raises(Conflict, match=f"task {one.id} is {one.status}; only what has ended is judged"):
                judge(desk, one, status)
        assert desk.backend.call(GetTask(id=one.id)) == one
    assert desk.statuses(run) == {"a": "running", "b": "queued"}


@pytest.mark.parametrize("status", sorted(set(Status) - set(JUDGED)))
def test_a_judgement_is_an_end(desk, status):
    run = desk.run("a")
    task = desk.end(desk.launch(run, "a"))
    with pytest.raises(Invalid, match=f"{status} is no way for a task to end") as caught:
        judge(desk, task, status)
    assert caught.value.hint == "completed, failed or stopped"
    assert desk.backend.call(GetTask(id=task.id)) == task


def test_what_ended_is_final_once_its_run_has_ended(desk):
    run = desk.run("a")
    task = desk.end(desk.launch(run, "a"))
    desk.end_run(run)
    with pytest.raises(Conflict, match=f"task {task.id} is completed, and that is final") as caught:
        judge(desk, task, Status.FAILED)
    assert "callbacks of a run in progress" in caught.value.hint
    assert desk.statuses(run) == {"a": "completed"}


def test_only_attempts_of_steps_are_judged(desk):
    run = desk.run("a")
    for task in (run.task, desk.task()):
        with pytest.raises(Conflict, match=f"task {task.id} is {task.status}"):
            judge(desk, task, Status.FAILED)
    with pytest.raises(NotFound, match="b" * 32):
        desk.backend.call(JudgeTask(id="b" * 32, status=Status.FAILED))


# Container and runtime


def test_only_a_draft_is_given_another_container(desk):
    task = desk.task(container=Container(image="old", arguments="--rm"))
    described = desk.backend.call(DescribeTask(id=task.id, container=Container(image="new"), name="renamed"))
    assert described == replace(task, container=Container(image="new"), name="renamed")
    assert desk.backend.call(DescribeTask(id=task.id, comment="same")).container == Container(image="new")
    run = desk.run("a")
    for one in (desk.launch(run, "a"), run.task):
        with pytest.raises(Conflict, match=f"{one.id} is in_progress; only a draft can be given another container"):
            desk.backend.call(DescribeTask(id=one.id, container=Container(image="new"), comment="not either"))
        assert desk.backend.call(GetTask(id=one.id)) == one


def test_a_name_that_is_empty_is_no_name(desk):
    task = desk.task("work")
    assert desk.backend.call(DescribeTask(id=task.id, name="")) == task
    assert desk.backend.call(DescribeTask(id=task.id, name="play")).name == "play"


def test_the_system_keeps_small_facts_with_a_task(desk):
    task = desk.task(runtime={"host": "é"})
    assert task.runtime == {"host": "é"}
    assert desk.backend.call(GetTask(id=task.id)) == task
