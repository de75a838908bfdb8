"""Steps that runs get while they go on."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from penstock.core.errors import BadPipeline, BadReference, Conflict
from penstock.core.overrides import StepOverride, with_overrides
from penstock.core.pipeline import Argument, Pipeline, Step
from penstock.core.task import Script, Status, Worker
from penstock.ops.growth import AddStep
from penstock.ops.lifecycle import Copied
from penstock.ops.runs import CloneRun, GetRun, ResumeRun
from penstock.ops.tasks import DescribeTask

CODE = Script(source="def work(x=1): return x", entry_point="work")
OTHER = Script(source="def work(x=1): return x + 1", entry_point="work")


@pytest.fixture
def growing(desk):
    """Return a run that grows and has begun."""
    return desk.start(desk.draft(), Pipeline(name="flow", project="P", grows=True))


@pytest.fixture
def add(desk, growing):
    """Return what gives that run a step."""

    def add(name, *parents, script=CODE, differs="", run=growing, **fields):
        step = Step(name=name, code="", parents=parents, returns=("y",), **fields)
        return desk.backend.call(AddStep(run=run.id, step=step, script=script, differs=differs))

    return add


def steps(desk, run):
    return {step.name: step for step in desk.backend.call(GetRun(id=run.id)).definition.steps}


def test_a_run_has_the_steps_that_it_got_in_the_order_in_which_they_came(desk, growing, add):
    for name in "bac":
        add(name)
    assert list(steps(desk, growing)) == ["b", "a", "c"]
    assert desk.statuses(growing) == dict.fromkeys("bac", "pending")
    code = desk.backend.call(GetRun(id=growing.id)).definition.code
    assert list(code.values()) == [CODE]


def test_parents_are_found_from_references(desk, growing, add):
    add("a")
    added = add("b", arguments={"x": Argument(value=["${a.y}"])})
    assert added.step.parents == ("a",)
    assert steps(desk, growing)["b"].parents == ("a",)


def test_what_the_launch_asked_of_a_step_holds_once_it_is_there(desk, add):
    asked = with_overrides({}, {"a": StepOverride(queue="gpu", cache=True)})
    draft = desk.draft()
    desk.backend.call(DescribeTask(id=draft.id, runtime=asked))
    run = desk.start(draft, Pipeline(name="flow", project="P", grows=True))
    added = add("a", run=run)
    assert (added.step.queue, added.step.cache) == ("gpu", True)
    assert (steps(desk, run)["a"].queue, add("b", run=run).step.queue) == ("gpu", None)
    assert not add("a", run=run).again


def test_the_feed_tells_of_a_step_that_was_added(desk, growing, add):
    before = desk.last()
    add("a")
    assert desk.changes(before, growing) == [("step", "a", "pending")]


@pytest.mark.parametrize(
    ("parents", "text", "says"),
    [
        (("z",), "", "unknown parent 'z'"),
        ((), "${z.y}", "no step 'z'"),
        ((), "${a.nothing}", "names no output of step 'a'"),
        (("b",), "", "unknown parent 'b'"),
    ],
)
def test_a_step_that_names_what_is_not_there_is_refused_and_not_recorded(desk, growing, add, parents, text, says):
    add("a")
    with pytest.raises((BadPipeline, BadReference), match=says):
        add("b", *parents, arguments={"x": Argument(value=text)})
    assert list(desk.states(growing)) == ["a"]


def test_a_run_that_was_begun_with_its_steps_gets_no_more(desk, add):
    run = desk.run("a", name="fixed")
    with pytest.raises(Conflict, match="does not grow"):
        add("b", run=run)


def test_a_run_that_has_ended_gets_no_more_steps(desk, growing, add):
    desk.end_run(growing)
    with pytest.raises(Conflict, match="cannot start"):
        add("a")


def test_a_step_is_launched_and_ends_as_any_other(desk, growing, add):
    add("a")
    desk.end(desk.launch(growing, "a"))
    assert desk.statuses(growing) == {"a": "completed"}


def test_what_was_never_launched_is_skipped_when_the_run_ends(desk, growing, add):
    add("a")
    desk.end_run(growing)
    assert desk.statuses(growing) == {"a": "skipped"}


@pytest.fixture
def resumed(desk, growing, add):
    """Return that run as it goes on, with a step that completed and one that failed."""
    add("a", arguments={"x": Argument(value=1)})
    add("b")
    desk.end(desk.launch(growing, "a"))
    desk.fail(desk.launch(growing, "b"))
    desk.end_run(growing, Status.FAILED)
    desk.backend.call(ResumeRun(id=growing.id, worker=Worker(host="h", pid=2), seen=growing.task.worker))
    return growing


def test_in_a_run_that_goes_on_the_same_call_stands_as_it_was_left(resumed, add):
    same = add("a", arguments={"x": Argument(value=1)})
    assert (same.state.status, same.state.attempt, same.again) == ("completed", 1, "")
    failed = add("b")
    assert (failed.state.status, failed.state.attempt, failed.again) == ("pending", 1, "")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"arguments": {"x": Argument(value=2)}}, "argument 'x' changed"),
        ({"arguments": {"x": Argument(value=1)}, "script": OTHER}, "its code changed"),
        ({"arguments": {"x": Argument(value=1)}, "differs": "argument 'd' has another value"}, "another value"),
    ],
)
def test_another_call_of_the_same_name_runs_anew(desk, resumed, add, changes, says):
    other = add("a", **changes)
    assert says in other.again
    assert desk.statuses(resumed)["a"] == "pending"
    assert steps(desk, resumed)["a"].arguments == changes["arguments"] if "arguments" in changes else True
    desk.end(desk.launch(resumed, "a", attempt=2))
    assert desk.statuses(resumed)["a"] == "completed"


def test_an_attempt_that_an_agent_goes_on_with_is_stopped_when_its_step_is_another_call_now(desk, growing, add):
    add("a")
    task = desk.launch(growing, "a")
    other = add("a", script=OTHER)
    assert other.again == "its code changed"
    assert desk.states(growing)["a"].task == task.id
    assert desk.statuses(growing) == {"a": "pending"}


def test_a_clone_of_such_a_run_shows_its_steps_as_a_draft(desk, growing, add):
    add("a")
    desk.end_run(growing)
    clone = desk.backend.call(CloneRun(source=growing.id, clone=Copied(id=desk.id())))
    assert list(steps(desk, clone)) == ["a"]
    again = desk.start(clone, replace(Pipeline(name="flow", project="P", grows=True)))
    assert steps(desk, again) == {}
