"""Operations on executions: what is found under a key, and what a step that is reused gets and keeps."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from penstock.core.cachekey import KeyParts, key
from penstock.core.code import Code
from penstock.core.decision import Decision, DecisionKind
from penstock.core.errors import Conflict, NotFound
from penstock.core.monitor import monitors
from penstock.core.outputs import Blob, Plot, ScalarPoint
from penstock.core.run import REUSED, attempt_id
from penstock.core.task import Configuration, Parameter, Status
from penstock.ops.changes import ListChanges
from penstock.ops.decisions import ListDecisions
from penstock.ops.executions import Keyed, ListExecutions, ListStored, ReuseStep
from penstock.ops.models import AddModel, DeleteModel, LinkModel, ListModels
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
from penstock.ops.runs import ArchiveRun, DeleteRun, GetRun
from penstock.ops.steps import DraftStep, TakeOver
from penstock.ops.tasks import GetConfigurations, GetParameters, GetTask, ListTasks, SetConfiguration, SetParameters
from penstock.store.sqlite import SqliteStore

NOBODY = "b" * 32


def keyed(word="same"):
    parts = KeyParts(code=Code(word, {"work": f"function:{word}"}), arguments={"n": "1"})
    return Keyed(key=key(parts), parts=parts)


def reuse(desk, run, source, step="a", attempt=1, word="same", **fields):
    decision = Decision(kind=DecisionKind.REUSE, reason="nothing changed", step=step, attempt=attempt)
    op = ReuseStep(
        run=run.id,
        step=step,
        attempt=attempt,
        task=desk.new(step, **fields),
        source=source.id,
        keyed=keyed(word),
        decision=decision,
    )
    return desk.backend.call(op)


def execute(desk, run, step="a", attempt=1, word="same"):
    """Launch a step under a key; it is in progress."""
    return desk.launch(run, step, attempt, keyed=keyed(word))


def completed(desk, *, name="flow"):
    """A run that has ended and whose only step completed under a key."""
    run = desk.run("a", name=name)
    task = desk.end(execute(desk, run))
    desk.end_run(run)
    return run, task


def fill(desk, task, run):
    """Let a task leave something of every kind behind, some of it in the name of its run."""
    call = desk.backend.call
    image = desk.backend.blobs.put_bytes(b"pixels")
    call(SetParameters(task=task.id, parameters=tuple(argument(name, name) for name in ("n", "found"))))
    call(SetConfiguration(task=task.id, configuration=Configuration(name="net", text="{}", format="json")))
    call(AddArtifact(artifact=desk.artifact(task, "table", b"rows", preview="3 rows", metadata={"rows": "3"})))
    call(AddArtifact(artifact=desk.artifact(run, "report", b"words", maker=task.id)))
    call(AddArtifact(artifact=desk.artifact(run, "input", b"given")))
    call(AddModel(model=desk.model(task, "net", b"weights", tags=("t",), framework="torch")))
    call(AddModel(model=desk.model(run, "best", b"best weights", maker=task.id)))
    call(AddModel(model=desk.model(run, "other", b"other weights", maker=NOBODY)))
    plots = (
        Plot(title="t", series="s", kind="image", iteration=1, data=image.hash, at=4.0),
        Plot(title="t", series="s", kind="table", iteration=2, data="[]", at=5.0),
    )
    call(ReportPlots(task=task.id, plots=plots))
    points = tuple(ScalarPoint(number, 1.0 / (number + 1), float(number)) for number in range(250))
    call(ReportScalars(task=task.id, series=(NewPoints(title="loss", series="train", points=points),)))
    call(AppendConsole(task=task.id, lines=()))


def argument(name, value):
    return Parameter(section="kwargs", name=name, value=value)


def left(desk, task):
    """All that a task left behind, without the names of who holds it."""
    call = desk.backend.call
    return {
        "parameters": call(GetParameters(task=task.id)),
        "configurations": call(GetConfigurations(task=task.id)),
        "artifacts": [replace(one, task="") for one in call(ListArtifacts(task=task.id))],
        "models": [replace(one, task="", id="") for one in call(ListModels(task=task.id))],
        "plots": call(ListPlots(task=task.id)),
        "scalars": call(GetScalars(task=task.id)),
    }


def filled(desk):
    run = desk.run("a")
    task = execute(desk, run)
    fill(desk, task, run)
    task = desk.end(task)
    desk.end_run(run)
    return run, task


def blobs_of(desk, task):
    return {one.blob for one in desk.backend.call(ListStored(task=task.id))}


# Executions


def test_an_attempt_that_is_launched_under_a_key_is_an_execution(desk):
    run = desk.run("a", "b")
    task = execute(desk, run)
    desk.launch(run, "b")
    (found,) = desk.backend.call(ListExecutions())
    assert (found.task, found.run, found.step, found.status) == (task.id, "flow #1", "a", Status.IN_PROGRESS)
    assert (found.archived, found.keyed) == (False, keyed())
    desk.fail(task)
    assert desk.backend.call(ListExecutions(key=keyed().key))[0].status is Status.FAILED


def test_launching_again_makes_no_second_execution(desk):
    run = desk.run("a")
    task = execute(desk, run)
    assert execute(desk, run, word="other") == task
    assert [one.keyed for one in desk.backend.call(ListExecutions())] == [keyed()]


def test_executions_are_found_by_key_in_every_pipeline_and_by_step_in_one(desk):
    runs = [desk.run("a", "b"), desk.run("a"), desk.run("a", name="other"), desk.run("a", project="Q")]
    tasks = [execute(desk, run) for run in runs]
    ids = [task.id for task in (*tasks, execute(desk, runs[0], "b", word="other"))]

    def found(**filters):
        return [ids.index(one.task) for one in desk.backend.call(ListExecutions(**filters))]

    assert found(key=keyed().key) == [3, 2, 1, 0]
    assert found(key=keyed("other").key) == [4]
    assert found(key="no such key") == []
    assert found(project="P", pipeline="flow", step="a") == [1, 0]
    assert found(project="P", pipeline="flow", step="a", key=keyed("other").key) == []
    assert found(pipeline="flow") == [4, 3, 1, 0]
    assert found(limit=2) == [4, 3]


def test_executions_that_ran_come_before_those_that_were_reused(desk):
    """What really ran is the better witness: its console is there."""
    _, source = completed(desk)
    copy = reuse(desk, desk.run("a"), source)
    _, later = completed(desk)
    again = reuse(desk, desk.run("a"), later)
    found = [one.task for one in desk.backend.call(ListExecutions(key=keyed().key))]
    assert found == [later.id, source.id, again.id, copy.id]


# What a reused step gets


def test_a_reused_step_gets_a_task_that_is_born_completed(desk):
    source_run, source = completed(desk)
    run = desk.run("a")
    seen = desk.last()
    task = reuse(desk, run, source, runtime={"gpu": "none"}, tags=("mine",))
    assert task.id == attempt_id(run.id, "a", 1)
    assert (task.status, task.run, task.step, task.attempt, task.parent) == ("completed", run.id, "a", 1, run.id)
    assert (task.worker, task.tags, task.runtime) == (None, ("mine",), {"gpu": "none", REUSED: source.id})
    assert task.started == task.ended == task.created
    assert desk.backend.call(GetTask(id=task.id)) == task
    state = desk.states(run)["a"]
    assert (state.status, state.attempt, state.task, state.reason) == ("cached", 1, task.id, "nothing changed")
    assert desk.backend.call(GetRun(id=run.id)).run.counts == {"cached": 1}
    assert desk.changes(after=seen, run=run) == [("status", "a", "completed"), ("step", "a", "cached")]
    (told, _) = desk.backend.call(ListChanges(after=seen, run=run.id))
    assert (told.task, told.attempt) == (task.id, 1), "who follows the task hears of it as well"
    (decision,) = desk.backend.call(ListDecisions(run=run.id))
    assert (decision.kind, decision.reason, decision.related) == ("reuse", "nothing changed", source.id)
    assert decision.at == task.ended
    assert desk.backend.call(ListDecisions(run=source_run.id)) == []
    assert [one.task for one in desk.backend.call(ListExecutions(step="a", limit=9))] == [source.id, task.id]


def test_all_that_the_earlier_step_left_is_there(desk):
    source_run, source = filled(desk)
    before = left(desk, source)
    assert all(before.values())
    run = desk.run("a")
    task = reuse(desk, run, source)
    assert left(desk, task) == before == left(desk, source)
    models, theirs = (desk.backend.call(ListModels(task=one.id)) for one in (task, source))
    assert [(one.id, one.task) for one in models] == [(one.id, source.id) for one in theirs], "they are the same ones"
    assert len(desk.backend.call(GetScalars(task=task.id))[0].points) == 250
    assert desk.backend.call(ReadConsole(task=task.id)) == [], "it printed nothing: it did not run"
    assert {one.name for one in desk.backend.call(ListArtifacts(task=source_run.id))} == {"report", "input"}


@pytest.mark.parametrize("holder", ["step", "run"])
def test_a_step_whose_model_was_deleted_is_not_reused(desk, holder):
    """What stands for it would lack the model as well."""
    run, source = filled(desk)
    model = desk.backend.call(ListModels(task=source.id if holder == "step" else run.id))[0]
    other_run = desk.run("a", name="other")
    other = desk.end(execute(desk, other_run, word="other"))
    desk.backend.call(LinkModel(task=other.id, model=model.id, direction="input"))
    desk.backend.call(DeleteModel(id=model.id, force=True))
    assert desk.backend.call(ListExecutions(key=keyed().key)) == []
    assert [one.task for one in desk.backend.call(ListExecutions(key=keyed("other").key))] == [other.id]


def test_what_the_earlier_step_stored_in_the_name_of_its_run_is_there_for_the_new_run(desk):
    _, source = filled(desk)
    run = desk.run("a")
    task = reuse(desk, run, source)
    (artifact,) = desk.backend.call(ListArtifacts(task=run.id))
    (model,) = desk.backend.call(ListModels(task=run.id))
    assert (artifact.name, artifact.maker, model.name, model.maker) == ("report", task.id, "best", task.id)
    assert desk.backend.blobs.read(Blob(artifact.hash, artifact.size)) == b"words"
    assert blobs_of(desk, task) == blobs_of(desk, source)


def test_what_the_new_run_gives_the_step_goes_before_what_the_earlier_one_had(desk):
    _, source = filled(desk)
    task = reuse(desk, desk.run("a"), source, parameters=(argument("n", 7), argument("new", 8)))
    found = desk.backend.call(GetParameters(task=task.id))
    assert {one.name: one.value for one in found} == {"n": 7, "new": 8, "found": "found"}


def test_a_draft_becomes_the_reused_task_with_what_it_holds(desk):
    _, source = filled(desk)
    run = desk.run("a")
    draft = desk.backend.call(DraftStep(run=run.id, step="a", attempt=1, task=desk.new("a", comment="from a draft")))
    desk.backend.call(SetParameters(task=draft.id, parameters=(argument("n", "changed"),)))
    task = reuse(desk, run, source)
    assert (task.id, task.status, task.comment) == (draft.id, "completed", "from a draft")
    assert {one.name: one.value for one in desk.backend.call(GetParameters(task=task.id))} == {
        "n": "changed",
        "found": "found",
    }


def test_a_try_after_others_may_be_reused(desk):
    _, source = completed(desk)
    run = desk.run("a")
    desk.fail(desk.launch(run, "a"))
    task = reuse(desk, run, source, attempt=2)
    assert (task.attempt, desk.states(run)["a"].attempt, desk.statuses(run)) == (2, 2, {"a": "cached"})


def test_reusing_again_under_the_same_attempt_returns_the_task_that_is_there(desk):
    _, source = filled(desk)
    run = desk.run("a")
    task = reuse(desk, run, source)
    before = left(desk, task), left(desk, run), desk.last(), desk.backend.call(ListDecisions(run=run.id))
    assert reuse(desk, run, source, comment="otherwise") == task
    assert (left(desk, task), left(desk, run), desk.last(), desk.backend.call(ListDecisions(run=run.id))) == before


def test_the_reuse_of_a_reuse_names_the_origin(desk):
    _, source = filled(desk)
    second = reuse(desk, desk.run("a"), source)
    run = desk.run("a")
    third = reuse(desk, run, second)
    assert third.runtime[REUSED] == source.id
    assert left(desk, third) == left(desk, source)
    assert [one.name for one in desk.backend.call(ListArtifacts(task=run.id))] == ["report"]
    assert desk.backend.call(ListDecisions(run=run.id))[0].related == second.id


# What cannot be reused


def nothing_happened(desk, run, seen):
    return (desk.statuses(run), desk.backend.call(ListTasks(run=run.id)), desk.last()) == ({"a": "pending"}, [], seen)


@pytest.mark.parametrize("status", [Status.FAILED, Status.STOPPED])
def test_what_ended_badly_is_not_reused(desk, status):
    source = desk.end(execute(desk, desk.run("a")), status)
    run = desk.run("a")
    seen = desk.last()
    with pytest.raises(Conflict, match=f"task {source.id} cannot be reused any more"):
        reuse(desk, run, source)
    assert nothing_happened(desk, run, seen)


def test_what_still_runs_is_not_reused(desk):
    source = execute(desk, desk.run("a"))
    run = desk.run("a")
    with pytest.raises(Conflict, match=source.id):
        reuse(desk, run, source)
    assert desk.statuses(run) == {"a": "pending"}


def test_what_was_archived_just_now_is_not_reused_until_it_is_brought_back(desk):
    source_run, source = completed(desk)
    desk.backend.call(ArchiveRun(id=source_run.id))
    run = desk.run("a")
    seen = desk.last()
    assert desk.backend.call(ListExecutions(key=keyed().key))[0].archived
    with pytest.raises(Conflict, match=source.id):
        reuse(desk, run, source)
    assert nothing_happened(desk, run, seen)
    desk.backend.call(ArchiveRun(id=source_run.id, archived=False))
    assert reuse(desk, run, source).status is Status.COMPLETED


def test_what_was_deleted_just_now_is_not_reused(desk):
    source_run, source = completed(desk)
    desk.backend.call(DeleteRun(id=source_run.id))
    run = desk.run("a")
    seen = desk.last()
    with pytest.raises(Conflict, match=source.id):
        reuse(desk, run, source)
    assert nothing_happened(desk, run, seen)


def test_what_is_published_is_reused(desk, settings):
    _, source = completed(desk)
    store = SqliteStore(settings.database)
    with store.transaction() as tx:
        tx.tasks.move(source.id, Status.PUBLISHED, now=1.0)
    store.close()
    assert reuse(desk, desk.run("a"), source).status is Status.COMPLETED


def test_a_step_that_is_no_step_or_not_in_turn_reuses_nothing(desk):
    _, source = filled(desk)
    run = desk.run("a", "b")
    desk.end(desk.launch(run, "b"))
    seen = desk.last()
    with pytest.raises(NotFound, match="no step 'x'"):
        reuse(desk, run, source, step="x")
    for step, attempt in (("a", 2), ("a", 0), ("b", 2)):
        with pytest.raises(Conflict, match=f"step '{step}'"):
            reuse(desk, run, source, step=step, attempt=attempt)
    assert desk.statuses(run) == {"a": "pending", "b": "completed"}
    assert (len(desk.backend.call(ListTasks(run=run.id))), desk.last()) == (1, seen)
    assert desk.backend.call(ListArtifacts(task=run.id)) == []


def test_nothing_is_reused_in_a_run_that_is_not_in_progress(desk):
    _, source = completed(desk)
    run = desk.run("a")
    desk.end_run(run, Status.STOPPED)
    for one, status in ((run, "stopped"), (desk.draft(), "created")):
        with pytest.raises(Conflict, match=f"{one.id} is {status}"):
            reuse(desk, one, source)
    with pytest.raises(NotFound, match=NOBODY):
        reuse(desk, replace(run, task=replace(run.task, id=NOBODY)), source)


# Deleting


def test_deleting_the_earlier_run_leaves_all_that_was_reused_and_its_bytes(desk):
    source_run, source = filled(desk)
    blobs = blobs_of(desk, source)
    run = desk.run("a")
    task = reuse(desk, run, source)
    before = left(desk, task), left(desk, run)

    unused = desk.backend.call(DeleteRun(id=source_run.id))

    assert (left(desk, task), left(desk, run)) == before
    assert blobs_of(desk, task) == blobs
    assert {desk.backend.blobs.read(blob) for blob in blobs} == {b"rows", b"words", b"weights", b"best weights"}
    image = desk.backend.call(ListPlots(task=task.id))[0].data
    assert desk.backend.blobs.stat(image) is not None
    kept = {blob.hash for blob in blobs} | {image}
    assert len(unused) == 2, "what only the run itself was given, and what nobody there made"
    assert kept.isdisjoint(unused)

    desk.end_run(run)
    assert set(desk.backend.call(DeleteRun(id=run.id))) == kept
    assert all(desk.backend.blobs.stat(hash) is None for hash in kept)


def test_a_chain_of_reuses_outlives_its_first_links(desk):
    run, first = filled(desk)
    before, task = left(desk, first), first
    for _ in range(3):
        after = desk.run("a")
        task = reuse(desk, after, task)
        desk.end_run(after)
        desk.backend.call(DeleteRun(id=run.id))
        run = after
    assert left(desk, task) == before
    assert task.runtime[REUSED] == first.id
    assert all(desk.backend.blobs.stat(blob.hash) for blob in blobs_of(desk, task))


def test_what_a_key_is_made_of_goes_with_its_last_execution(desk, settings):
    def keys():
        store = SqliteStore(settings.database)
        with store.transaction(writes=False) as tx:
            found = tx.executions._session.rows("SELECT key FROM key_parts")
        store.close()
        return sorted(row[0] for row in found)

    source_run, source = completed(desk)
    run = desk.run("a", "b")
    reuse(desk, run, source)
    execute(desk, run, "b", word="other")
    desk.end_run(run, Status.STOPPED)
    assert keys() == sorted([keyed().key, keyed("other").key])
    desk.backend.call(DeleteRun(id=source_run.id))
    assert keys() == sorted([keyed().key, keyed("other").key])
    desk.backend.call(DeleteRun(id=run.id))
    assert keys() == []
    assert desk.backend.call(ListExecutions()) == []


# The bytes that a task left


def test_the_bytes_that_a_task_left_are_named_in_words(desk):
    _, source = filled(desk)
    found = desk.backend.call(ListStored(task=source.id))
    assert [one.what for one in found] == ["artifact 'table'", "artifact 'report'", "model 'net'", "model 'best'"]
    assert [desk.backend.blobs.read(one.blob) for one in found] == [b"rows", b"words", b"weights", b"best weights"]
    assert desk.backend.call(ListStored(task=desk.task().id)) == []
    with pytest.raises(NotFound, match=NOBODY):
        desk.backend.call(ListStored(task=NOBODY))


def test_what_a_run_monitors_of_a_reused_step_it_has_once(desk):
    """The earlier run took it over as well; the new one may monitor something else, or under another name."""
    wanted = monitors([["loss", "train"]], ["table", ["table", "earlier"]], ["net", ["net", "earlier"]])
    source_run = desk.run("a")
    source = execute(desk, source_run)
    fill(desk, source, source_run)
    desk.end(source)
    desk.backend.call(TakeOver(task=source.id, wanted=wanted))
    run = desk.run("a")
    task = reuse(desk, run, source)
    desk.backend.call(TakeOver(task=task.id, wanted=monitors([["loss", "train"]], ["table"], ["net"])))
    artifacts, models = desk.backend.call(ListArtifacts(task=run.id)), desk.backend.call(ListModels(task=run.id))
    assert sorted((one.name, one.maker) for one in artifacts) == [("report", task.id), ("table", task.id)]
    assert sorted((one.name, one.maker) for one in models) == [("best", task.id), ("net", task.id)]
    assert len(desk.backend.call(GetScalars(task=run.id))[0].points) == 250
    assert len(blobs_of(desk, task)) == 4


def test_a_reuse_that_is_asked_for_again_finds_its_task_also_when_the_earlier_one_is_gone(desk):
    source_run, source = completed(desk)
    run = desk.run("a")
    task = reuse(desk, run, source)
    desk.backend.call(DeleteRun(id=source_run.id))
    assert reuse(desk, run, source) == task
