"""Draft runs: defined in advance, and made from other runs."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from penstock.core.errors import BadPipeline, BadTransition, Conflict, Invalid, NotFound
from penstock.core.pipeline import Pipeline
from penstock.core.run import DEFINITION, VERSION
from penstock.core.task import Configuration, Container, Parameter, Script, Status, TaskType
from penstock.ops.lifecycle import Copied
from penstock.ops.outputs import AddArtifact, ListArtifacts
from penstock.ops.runs import CloneRun, DefineRun, GetRun
from penstock.ops.tasks import GetConfigurations, GetParameters, GetTask, SetConfiguration, SetParameters

NOBODY = "b" * 32


def define(desk, run, definition):
    return desk.backend.call(DefineRun(id=run.id, definition=definition))


def clone(desk, run, version=None, **wanted):
    return desk.backend.call(CloneRun(source=run.id, clone=Copied(id=desk.id(), **wanted), version=version))


def configurations(desk, run):
    return {one.name: one for one in desk.backend.call(GetConfigurations(task=run.id))}


def stored(desk, run):
    return msgspec.json.decode(configurations(desk, run)[DEFINITION].text, type=Pipeline)


def definition_of(desk, run):
    return desk.backend.call(GetRun(id=run.id)).definition


# Defining


def test_a_draft_is_defined_and_people_can_read_and_edit_the_definition(desk):
    run = desk.draft()
    defined = define(desk, run, desk.pipeline("a", ("b", ["a"])))
    assert (defined.task.status, defined.number) == (Status.CREATED, 0)
    assert definition_of(desk, run) == stored(desk, run) == desk.pipeline("a", ("b", ["a"]))
    assert configurations(desk, run)[DEFINITION].format == "json"
    assert desk.states(run) == {}, "steps are recorded when it begins"


def test_it_can_be_defined_anew_until_it_begins(desk):
    run = desk.draft()
    define(desk, run, desk.pipeline("a"))
    define(desk, run, desk.pipeline("z"))
    assert [step.name for step in stored(desk, run).steps] == ["z"]
    desk.start(run)
    before = definition_of(desk, run)
    with pytest.raises(Conflict, match="run 'flow' is in_progress; only a draft can be defined anew"):
        define(desk, run, desk.pipeline("a"))
    assert definition_of(desk, run) == before


def test_what_cannot_run_is_no_definition(desk):
    run = desk.draft()
    define(desk, run, desk.pipeline("a"))
    with pytest.raises(BadPipeline):
        define(desk, run, desk.pipeline(("a", ["b"]), ("b", ["a"])))
    assert [step.name for step in stored(desk, run).steps] == ["a"]
    with pytest.raises(NotFound, match=NOBODY):
        desk.backend.call(DefineRun(id=NOBODY, definition=desk.pipeline("a")))


# Cloning


def filled(desk):
    """A run that has ended, with all that it was asked and something that it made."""
    run = desk.draft(
        comment="said",
        tags=("mine",),
        container=Container(image="i"),
        queue="q",
        output_uri="s3://a",
        script=Script(source="print()", entry_point="flow.py"),
        runtime={"working": "/w", VERSION: "2.0"},
    )
    call = desk.backend.call
    call(SetParameters(task=run.id, parameters=(Parameter(section="Args", name="n", value=3, type="int"),)))
    call(SetConfiguration(task=run.id, configuration=Configuration(name="net", text="{}")))
    call(AddArtifact(artifact=desk.artifact(run, "a.input", b"given")))
    run = desk.start(run, desk.pipeline("a", "b"))
    call(AddArtifact(artifact=desk.artifact(run, "made", b"made", maker=NOBODY)))
    return desk.end_run(run)


def test_a_clone_is_a_draft_that_is_asked_for_the_same(desk):
    run = filled(desk)
    before = desk.backend.call(GetTask(id=run.id)), configurations(desk, run)
    made = clone(desk, run, user="ada")
    task = made.task
    assert (task.status, task.type, made.number, task.name) == (Status.CREATED, TaskType.CONTROLLER, 0, "flow")
    assert (made.pipeline, made.project, task.project) == ("flow", "P", "P/.pipelines/flow")
    assert (task.parent, task.user, task.system_tags) == (run.id, "ada", ("pipeline",))
    for fact in ("comment", "tags", "container", "queue", "output_uri", "script"):
        assert getattr(task, fact) == getattr(run.task, fact), fact
    assert task.runtime == {"working": "/w"}  # without the version: it gets the next one
    assert [one.path for one in desk.backend.call(GetParameters(task=made.id))] == ["Args/n"]
    assert set(configurations(desk, made)) == {"net", DEFINITION}
    assert definition_of(desk, made) == stored(desk, made) == definition_of(desk, run)
    assert (desk.backend.call(GetTask(id=run.id)), configurations(desk, run)) == before


def test_a_clone_gets_what_its_source_was_given_and_not_what_it_made(desk):
    made = clone(desk, filled(desk))
    assert [one.name for one in desk.backend.call(ListArtifacts(task=made.id))] == ["a.input"]


def test_a_clone_may_belong_to_another_pipeline(desk):
    run = filled(desk)
    made = clone(desk, run, version="3.1", name="other", project="Q", comment="", parent=NOBODY)
    assert (made.pipeline, made.project, made.task.project) == ("other", "Q", "Q/.pipelines/other")
    assert (made.task.name, made.task.comment, made.task.parent) == ("other", "", NOBODY)
    assert made.task.runtime == {"working": "/w", VERSION: "3.1"}
    assert (stored(desk, made).name, stored(desk, made).project) == ("other", "Q")
    assert desk.start(made, desk.pipeline("a", name="other", project="Q")).version == "3.1"


def test_a_clone_of_a_draft_is_asked_for_what_people_made_of_it(desk):
    run = desk.draft()
    define(desk, run, desk.pipeline("a"))
    edited = desk.pipeline("edited", source="def work(): return 2")
    text = msgspec.json.encode(edited).decode()
    desk.backend.call(SetConfiguration(task=run.id, configuration=Configuration(name=DEFINITION, text=text)))
    made = clone(desk, run, name="other")
    assert definition_of(desk, made) == stored(desk, made) == replace(edited, name="other")


@pytest.mark.parametrize("text", ["", "{}", "no json", '{"name": 5, "project": "P"}'])
def test_what_people_left_that_is_no_definition_is_named(desk, text):
    run = desk.draft()
    define(desk, run, desk.pipeline("a"))
    desk.backend.call(SetConfiguration(task=run.id, configuration=Configuration(name=DEFINITION, text=text)))
    seen = desk.last()
    with pytest.raises(Invalid, match=f"'Pipeline' of run {run.id} is no definition") as caught:
        clone(desk, run)
    assert caught.value.hint == "correct it before the run is cloned"
    assert desk.last() == seen


def test_a_run_that_began_is_cloned_as_it_ran(desk):
    """Whatever its configuration object says by now: it was not what it carried out."""
    run = filled(desk)
    desk.backend.call(SetConfiguration(task=run.id, configuration=Configuration(name=DEFINITION, text="no json")))
    assert definition_of(desk, clone(desk, run)) == definition_of(desk, run)


def test_a_draft_whose_script_has_not_run_is_cloned_without_a_definition(desk):
    made = clone(desk, desk.draft())
    assert definition_of(desk, made).steps == ()
    assert DEFINITION not in configurations(desk, made)


def test_only_runs_are_cloned_as_runs_and_ids_are_used_once(desk):
    run = desk.draft()
    with pytest.raises(NotFound):
        clone(desk, desk.task())
    with pytest.raises(Conflict, match=r"the id .* is that of task 'flow'"):
        desk.backend.call(CloneRun(source=run.id, clone=Copied(id=run.id)))
    with pytest.raises(BadTransition):
        desk.start(desk.start(clone(desk, run)))
