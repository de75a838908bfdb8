"""Reruns as drafts: what is planned, what is recorded with them, and what is refused."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from penstock.core.decision import Decision, DecisionKind
from penstock.core.errors import BadParameter, Conflict, Invalid, NotFound
from penstock.core.pipeline import Argument, Step
from penstock.core.rerun import Rerun, recorded
from penstock.core.run import DEFINITION, REUSED, VERSION
from penstock.core.task import Configuration, Status
from penstock.ops.decisions import ListDecisions
from penstock.ops.executions import ListExecutions, ReuseStep
from penstock.ops.lifecycle import Copied
from penstock.ops.outputs import AddArtifact, ListArtifacts
from penstock.ops.reruns import DraftRerun, GetRerun, PlanRerun
from penstock.ops.runs import ArchiveRun, CloneRun, DefineRun, DeleteRun, GetRun, StopRun
from penstock.ops.tasks import (
    DescribeTask,
    GetConfigurations,
    GetParameters,
    GetTask,
    ListTasks,
    SetConfiguration,
    SetParameters,
)

NOBODY = "b" * 32


def definition(desk, **fields):
    """Two steps in a row, the second of which refers to the parameter."""
    one = desk.pipeline("a", ("b", ["a"]), parameters=["x"])
    a, b = one.steps
    return replace(one, steps=(a, replace(b, arguments={"n": Argument(value="${pipeline.x}")})), **fields)


def completed(desk):
    """A run all of whose steps completed."""
    made = definition(desk)
    draft = desk.draft()
    desk.backend.call(SetParameters(task=draft.id, parameters=made.parameters))
    run = desk.start(draft, made)
    for name in ("a", "b"):
        desk.end(desk.launch(run, name), artifacts=())
    desk.end_run(run)
    return desk.backend.call(GetRun(id=run.id)).run


def draft(desk, run, **asked):
    return desk.backend.call(DraftRerun(id=desk.id(), source=run.id, **asked))


def treatments(plan):
    return {one.step: str(one.treatment) for one in plan.steps}


def everything(desk, run):
    """All that is recorded of a run and of its steps, as one text."""
    call = desk.backend.call
    tasks = [call(GetTask(id=run.id)), *call(ListTasks(run=run.id))]
    of_tasks = [
        (call(GetParameters(task=task.id)), call(GetConfigurations(task=task.id)), call(ListArtifacts(task=task.id)))
        for task in tasks
    ]
    return msgspec.json.encode((call(GetRun(id=run.id)), tasks, of_tasks, call(ListDecisions(run=run.id))))


def test_a_plan_says_what_would_be_done_and_records_nothing(desk):
    run = completed(desk)
    before, last = everything(desk, run), desk.last()
    plan = desk.backend.call(PlanRerun(source=run.id, parameters={"x": 2}))
    assert treatments(plan) == {"a": "reuse", "b": "run"}
    assert plan.changes == ("parameter 'x' changed from 1 to 2",)
    assert plan.request == Rerun(source=run.id, name="flow #1")
    assert (everything(desk, run), desk.last()) == (before, last)


def test_a_rerun_is_a_draft_with_the_new_values_that_remembers_what_it_does_anew(desk):
    run = completed(desk)
    before = everything(desk, run)
    made = draft(desk, run, parameters={"x": 2}, from_step="b", user="ada")
    new = desk.backend.call(GetRun(id=made.run.id)).run
    assert (new.task.status, new.number, new.task.user, new.task.parent) == (Status.CREATED, 0, "ada", run.id)
    assert recorded(new.task.runtime) == Rerun(source=run.id, name="flow #1", from_step="b")
    assert [one.value for one in desk.backend.call(GetParameters(task=new.id))] == [2]
    assert treatments(made.plan) == {"a": "reuse", "b": "run"}
    assert everything(desk, run) == before
    (decision,) = desk.backend.call(ListDecisions(run=new.id))
    assert (decision.kind, decision.related) == (DecisionKind.RERUN, run.id)
    assert decision.reason == "it is a rerun of flow #1, from step 'b': parameter 'x' changed from 1 to 2"


def test_a_draft_is_planned_anew_with_the_values_that_it_has_by_now(desk):
    made = draft(desk, completed(desk))
    assert treatments(made.plan) == {"a": "reuse", "b": "reuse"}
    parameter = replace(definition(desk).parameters[0], value=3)
    desk.backend.call(SetParameters(task=made.run.id, parameters=(parameter,)))
    plan = desk.backend.call(GetRerun(run=made.run.id))
    assert (treatments(plan), plan.changes) == (
        {"a": "reuse", "b": "run"},
        ("parameter 'x' changed from 1 to 3",),
    )


def test_a_draft_whose_definition_was_edited_is_planned_by_what_was_edited(desk):
    made = draft(desk, completed(desk))
    other = definition(desk, code={"code": replace(definition(desk).code["code"], source="def work(): return 1")})
    text = msgspec.json.encode(other).decode()
    desk.backend.call(SetConfiguration(task=made.run.id, configuration=Configuration(name=DEFINITION, text=text)))
    assert treatments(desk.backend.call(GetRerun(run=made.run.id))) == {"a": "run", "b": "run"}


def test_a_run_that_began_is_planned_by_what_it_carries_out_indeed(desk):
    """Its script built it, and may have built another one."""
    made = draft(desk, completed(desk))
    built = definition(desk)
    built = replace(built, steps=(*built.steps, Step(name="c", code="code", parents=("b",))))
    desk.start(made.run, built)
    assert treatments(desk.backend.call(GetRerun(run=made.run.id))) == {"a": "reuse", "b": "reuse", "c": "run"}


def test_a_run_whose_step_to_start_from_is_gone_from_its_script_says_so(desk):
    made = draft(desk, completed(desk), from_step="b")
    desk.start(made.run, desk.pipeline("a"))
    with pytest.raises(NotFound, match="pipeline 'flow' has no step 'b'"):
        desk.backend.call(GetRerun(run=made.run.id))


def test_arguments_that_are_artifacts_are_compared_by_their_content(desk):
    built = definition(desk)
    a, b = built.steps
    built = replace(built, steps=(replace(a, arguments={"rows": Argument(artifact="a.rows")}), b))
    first = desk.start(desk.draft(), built)
    desk.backend.call(AddArtifact(artifact=desk.artifact(first.task, "a.rows", b"1")))
    for name in ("a", "b"):
        desk.end(desk.launch(first, name))
    desk.end_run(first)
    same, other = draft(desk, first), draft(desk, first)
    desk.backend.call(AddArtifact(artifact=desk.artifact(other.run.task, "a.rows", b"2")))
    assert treatments(desk.backend.call(GetRerun(run=same.run.id))) == {"a": "reuse", "b": "reuse"}
    plan = desk.backend.call(GetRerun(run=other.run.id))
    assert (treatments(plan), plan.steps[0].why) == ({"a": "run", "b": "run"}, "argument 'rows' has another value")


def test_everything_runs_when_the_run_before_was_deleted_meanwhile(desk):
    run = completed(desk)
    made = draft(desk, run)
    desk.backend.call(DeleteRun(id=run.id))
    plan = desk.backend.call(GetRerun(run=made.run.id))
    assert treatments(plan) == {"a": "run", "b": "run"}
    assert plan.steps[0].why == "the run that it was to be reused from, flow #1, is gone"


def test_what_was_archived_meanwhile_is_not_reused(desk):
    run = completed(desk)
    made = draft(desk, run)
    desk.backend.call(ArchiveRun(id=run.id))
    plan = desk.backend.call(GetRerun(run=made.run.id))
    assert (treatments(plan)["a"], plan.steps[0].why) == ("run", "what it left in flow #1 is archived")


def test_steps_that_did_not_complete_run(desk):
    run = desk.start(desk.draft(), definition(desk))
    desk.end(desk.launch(run, "a"))
    desk.fail(desk.launch(run, "b"))
    desk.end_run(run, Status.FAILED)
    plan = desk.backend.call(PlanRerun(source=run.id))
    assert [(one.step, str(one.treatment), one.why) for one in plan.steps] == [
        ("a", "reuse", "it is unchanged since flow #1"),
        ("b", "run", "it failed in flow #1"),
    ]


def test_a_draft_cannot_be_run_anew(desk):
    run = desk.draft()
    desk.backend.call(DefineRun(id=run.id, definition=definition(desk)))
    with pytest.raises(Conflict, match="run 'flow' is a draft") as caught:
        desk.backend.call(PlanRerun(source=run.id))
    assert caught.value.hint == f"carry it out: penstock execute {run.id[:12]}"


def test_a_run_that_goes_on_cannot_be_run_anew(desk):
    run = desk.run("a")
    desk.backend.call(StopRun(id=run.id))
    with pytest.raises(Conflict, match="run 'flow' is in_progress; only one that has ended") as caught:
        draft(desk, run)
    assert "penstock abort" in caught.value.hint


def test_an_archived_run_cannot_be_run_anew(desk):
    run = completed(desk)
    desk.backend.call(ArchiveRun(id=run.id))
    with pytest.raises(Conflict, match="run 'flow' is archived") as caught:
        draft(desk, run)
    assert f"penstock archive --restore {run.id[:12]}" in caught.value.hint


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"parameters": {"y": 1}}, BadParameter),
        ({"from_step": "c"}, NotFound),
        ({"only": "c"}, NotFound),
        ({"from_step": "a", "only": "b"}, Invalid),
    ],
)
def test_a_request_that_is_refused_records_nothing(desk, asked, error):
    run = completed(desk)
    last, count = desk.last(), len(desk.backend.call(ListTasks(limit=100)))
    with pytest.raises(error):
        draft(desk, run, **asked)
    assert (desk.last(), len(desk.backend.call(ListTasks(limit=100)))) == (last, count)


def test_a_run_that_is_none_has_no_plan(desk):
    assert desk.backend.call(GetRerun(run=completed(desk).id)) is None
    with pytest.raises(NotFound):
        desk.backend.call(GetRerun(run=NOBODY))


def test_a_clone_of_a_rerun_reuses_nothing_by_itself(desk):
    made = draft(desk, completed(desk))
    clone = desk.backend.call(CloneRun(source=made.run.id, clone=Copied(id=desk.id())))
    assert recorded(clone.task.runtime) is None


def test_a_rerun_of_a_rerun_remembers_the_nearer_one(desk):
    first = draft(desk, completed(desk))
    run = desk.start(first.run, definition(desk))
    for name in ("a", "b"):
        desk.end(desk.launch(run, name))
    desk.end_run(run)
    second = draft(desk, run)
    assert recorded(second.run.task.runtime).source == run.id
    assert second.plan.steps[0].why == "it is unchanged since flow #2"


def test_a_rerun_gets_the_next_version_like_any_run(desk):
    run = completed(desk)
    desk.backend.call(DescribeTask(id=run.id, runtime={VERSION: "7.0.0"}))
    assert VERSION not in draft(desk, run).run.task.runtime


def test_a_step_that_has_no_key_can_be_reused_and_is_found_by_none(desk):
    run = completed(desk)
    (source,) = [task for task in desk.backend.call(ListTasks(run=run.id)) if task.step == "a"]
    new = desk.start(draft(desk, run).run, definition(desk))
    decision = Decision(kind=DecisionKind.REUSE, reason="r", step="a", attempt=1)
    op = ReuseStep(run=new.id, step="a", attempt=1, task=desk.new("a"), source=source.id, keyed=None, decision=decision)
    task = desk.backend.call(op)
    assert (task.status, task.runtime[REUSED]) == (Status.COMPLETED, source.id)
    assert desk.backend.call(ListExecutions(task=task.id)) == []
