"""New runs as people ask for them: the form, what is recorded, what is refused."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from penstock.core.errors import BadParameter, Conflict, Invalid, NotFound
from penstock.core.overrides import StepOverride, recorded_overrides
from penstock.core.parameters import Declared
from penstock.core.run import UNCACHED
from penstock.core.task import Parameter, Script, Status
from penstock.ops.base import Once
from penstock.ops.launches import GetLaunchForm, LaunchRun
from penstock.ops.lifecycle import DequeueTask
from penstock.ops.queues import CreateQueue, ListEntries
from penstock.ops.reruns import DraftRerun, GetRerun
from penstock.ops.runs import ArchiveRun, GetRun, ListRuns
from penstock.ops.tasks import GetParameters, SetParameters

SCRIPT = Script(source="from penstock import PipelineController", entry_point="flow.py")


@pytest.fixture
def before(desk):
    """A run of two steps that completed, with a parameter, tags and its script."""
    definition = replace(
        desk.pipeline("a", ("b", ["a"])),
        parameters=(Parameter(section="Args", name="rate", value=0.1, type="float", description="how fast"),),
        declared={"rate": Declared(default=0.5, choices=(0.1, 0.2, 0.5))},
    )
    run = desk.start(desk.draft(script=SCRIPT, tags=("nightly",)), definition)
    desk.backend.call(SetParameters(task=run.id, parameters=definition.parameters))
    for step in ("a", "b"):
        desk.end(desk.launch(run, step))
    return desk.end_run(run)


def values(desk, run):
    return {one.path: one.value for one in desk.backend.call(GetParameters(task=run.id))}


def test_a_new_run_waits_with_the_values_asked_for_and_the_run_before_stays_as_it_is(desk, before):
    made = desk.backend.call(LaunchRun(source=before.id, parameters={"rate": "0.2"}, user="ada"))
    assert (made.task.status, made.task.queue, made.task.user) == (Status.QUEUED, "services", "ada")
    assert (made.task.tags, made.task.script, made.number) == (("nightly",), SCRIPT, 0)
    assert values(desk, made) == {"Args/rate": 0.2}
    assert [one.task for one in desk.backend.call(ListEntries(queue="services"))] == [made.id]
    assert desk.backend.call(GetRun(id=before.id)).run == before
    assert values(desk, before) == {"Args/rate": 0.1}


def test_what_is_asked_for_beside_the_parameters_is_recorded(desk, before):
    op = LaunchRun(source=before.id, queue="default", priority=3, tags=("x", "x"), name="try", cache=False)
    made = desk.backend.call(op)
    assert (made.task.queue, made.task.tags, made.task.name) == ("default", ("x",), "try")
    assert UNCACHED in made.task.runtime
    assert desk.backend.call(ListEntries(queue="default"))[0].priority == 3


def test_a_run_that_got_a_name_keeps_it_when_it_starts(desk, before):
    named, plain = (desk.backend.call(LaunchRun(source=before.id, name=name)) for name in ("try", None))
    for run in (named, plain):
        desk.backend.call(DequeueTask(id=run.id))
        desk.start(run, desk.pipeline("a"))
    names = [desk.backend.call(GetRun(id=one.id)).run.task.name for one in (named, plain)]
    assert names == ["try", "flow #3"]


def test_that_no_cache_was_wanted_is_not_passed_on_to_the_next_run(desk, before):
    first = desk.backend.call(LaunchRun(source=before.id, cache=False))
    assert UNCACHED not in desk.backend.call(LaunchRun(source=first.id)).task.runtime


def test_what_is_asked_of_single_steps_holds_for_the_run_and_for_those_that_are_made_of_it(desk, before):
    call = desk.backend.call
    desk.backend.call(CreateQueue(name="gpu"))
    asked = {"a": StepOverride(queue="gpu"), "b": StepOverride(cache=True)}
    made = call(LaunchRun(source=before.id, steps=asked))
    call(DequeueTask(id=made.id))
    definition = call(GetRun(id=before.id)).definition
    assert [(one.queue, one.cache) for one in definition.steps] == [(None, False), (None, False)]
    run = desk.start(made, definition)
    steps = {one.name: (one.queue, one.cache) for one in call(GetRun(id=run.id)).definition.steps}
    assert steps == {"a": ("gpu", False), "b": (None, True)}
    form = call(GetLaunchForm(source=run.id)).steps
    assert [(one.name, one.queue, one.cache) for one in form] == [("a", "gpu", False), ("b", None, True)]
    again = call(LaunchRun(source=run.id, steps={"a": StepOverride(queue="default")}))
    assert recorded_overrides(again.task.runtime) == {"a": StepOverride(queue="default"), "b": StepOverride(cache=True)}
    for step in ("a", "b"):
        desk.end(desk.launch(run, step))
    desk.end_run(run)
    call(DraftRerun(id="e" * 32, source=run.id))
    assert recorded_overrides(call(GetRun(id="e" * 32)).run.task.runtime) == asked


def test_a_new_run_can_reuse_what_does_not_depend_on_the_change(desk, before):
    made = desk.backend.call(LaunchRun(source=before.id, from_step="b"))
    plan = desk.backend.call(GetRerun(run=made.id))
    assert [(one.step, str(one.treatment)) for one in plan.steps] == [("a", "reuse"), ("b", "run")]
    assert desk.backend.call(GetRerun(run=desk.backend.call(LaunchRun(source=before.id)).id)) is None


def test_without_a_run_the_newest_of_the_pipeline_is_meant(desk, before):
    second = desk.end_run(desk.start(desk.draft(script=SCRIPT), desk.pipeline("a")))
    desk.draft(script=SCRIPT)
    asked = GetLaunchForm(pipeline="flow", project="P")
    assert desk.backend.call(asked).source == second.id
    desk.backend.call(ArchiveRun(id=second.id))
    assert desk.backend.call(asked).source == before.id
    made = desk.backend.call(LaunchRun(pipeline="flow", project="P"))
    assert made.task.parent == before.id


def test_asked_for_twice_under_one_key_there_is_one_run(desk, before):
    op, once = LaunchRun(source=before.id), Once("key", "digest")
    first, again = (desk.backend.call(op, once=once) for _ in range(2))
    assert first == again
    assert len(desk.backend.call(ListRuns())) == 2
    assert desk.backend.call(op).id != first.id


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"parameters": {"rate": "fast"}}, BadParameter, "'rate' must be a number, not 'fast'"),
        ({"parameters": {"rate": 0.3}}, BadParameter, "'rate' cannot be 0.3"),
        ({"parameters": {"speed": 1}}, BadParameter, "no parameter 'speed'"),
        ({"queue": "gpu"}, NotFound, "no queue 'gpu'"),
        ({"only": "z"}, NotFound, "no step 'z'"),
        ({"steps": {"z": StepOverride(cache=True)}}, NotFound, "no step 'z'"),
        ({"steps": {"a": StepOverride(queue="gpu")}}, NotFound, "no queue 'gpu'"),
        ({"source": None}, Invalid, "nothing says what"),
        ({"pipeline": "flow", "project": "P"}, Invalid, "two things"),
        ({"source": None, "pipeline": "flow"}, Invalid, "may be in several projects"),
        ({"source": None, "pipeline": "other", "project": "P"}, NotFound, "'other' in project 'P' has no run"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(desk, before, changes, error, message):
    with pytest.raises(error, match=message):
        desk.backend.call(LaunchRun(**{"source": before.id, **changes}))
    assert desk.backend.call(ListRuns()) == [before]


def test_a_run_whose_script_is_not_recorded_cannot_be_done_anew_and_the_form_says_so(desk):
    run = desk.end_run(desk.run("a"))
    with pytest.raises(Conflict, match="script is not recorded"):
        desk.backend.call(LaunchRun(source=run.id))
    assert "script is not recorded" in desk.backend.call(GetLaunchForm(source=run.id)).why_not


def test_the_form_has_every_parameter_with_what_the_code_says_of_it(desk, before):
    desk.backend.call(SetParameters(task=before.id, parameters=(Parameter(section="Args", name="rate", value=0.2),)))
    form = desk.backend.call(GetLaunchForm(source=before.id))
    (field,) = form.fields
    assert (field.value, field.default, field.type, field.choices) == (0.2, 0.5, "float", (0.1, 0.2, 0.5))
    assert (form.tags, form.queue, form.why_not) == (("nightly",), "services", "")
    assert [one.name for one in form.steps] == ["a", "b"]
