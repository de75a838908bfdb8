"""What a step that carries out a recorded task is given, on a real store."""

from __future__ import annotations

import json
import math
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from penstock.backend import connect
from penstock.core.assignment import Resolved
from penstock.core.errors import BadParameter, BadReference, Invalid, NotFound
from penstock.core.outputs import Artifact
from penstock.core.parameters import CASTS, restore
from penstock.core.pipeline import Argument, Base, Pipeline, Step
from penstock.core.run import RETURNS
from penstock.core.task import Configuration, Container, Parameter, Script, ScriptKind, Status, Task, TaskType, Worker
from penstock.ops.lifecycle import BeginTask, CloneTask, Copied, DeleteTask
from penstock.ops.outputs import AddArtifact
from penstock.ops.runs import CreateRun, StartRun
from penstock.ops.steps import LaunchStep
from penstock.ops.tasks import CreateTask, EndTask, GetConfigurations, GetParameters, GetTask, NewTask
from penstock.run import bases
from penstock.settings import Settings

RUN = Task(id="r" * 32, name="flow", project="P/.pipelines/flow", user="ada")
FRAME = Artifact(task="t" * 32, name="frame", format="arrow", type="F", hash="0" * 64, size=1, url="file:///frame")
SCRIPT = Script(source="print()", entry_point="train.py", kind=ScriptKind.SCRIPT)
FUNCTION = Script(source="def f(n): return n", entry_point="f")
FOUND = {
    "${pipeline.rate}": Resolved(value=0.5, text="0.5"),
    "${pipeline.nan}": Resolved(value=math.nan, text="nan"),
    "${a.id}": Resolved(value="e" * 32, text="e" * 32),
    "${a.artifacts.frame}": Resolved(artifact=FRAME, text=FRAME.url),
    "${pipeline.branch}": Resolved(value="dev", text="dev"),
    "${pipeline.q}": Resolved(value="gpu", text="gpu"),
}


class Answers:
    """Stands in for `Lookup`: what each reference turns out to be, by its text."""

    @staticmethod
    def resolve(reference):
        if reference.text not in FOUND:
            raise NotFound(f"{reference.text} names nothing")
        return FOUND[reference.text]


class Bench:
    """Base tasks in a store, and steps that carry them out."""

    def __init__(self, backend):
        self.backend = backend
        self.call = backend.call
        self.complaints = []

    def task(self, script=SCRIPT, **facts):
        new = NewTask(id=uuid.uuid4().hex, **{"name": "base", "project": "Q", "script": script} | facts)
        return self.call(CreateTask(task=new))

    def step(self, task, parameters=None, configurations=None, overrides=None, clone=True, **options):
        def arguments(given):
            return {name: Argument(value=value) for name, value in (given or {}).items()}

        return Step(
            name="s",
            code="c",
            base=Base(task=task.id, clone=clone),
            arguments=arguments(parameters),
            configurations=arguments(configurations),
            overrides=arguments(overrides),
            **options,
        )

    def read(self, step, made=None):
        return bases.read(self.backend, RUN.id, step, made, self.complaints.append)

    def prepare(self, step, made=None, **pipeline):
        definition = Pipeline(name="flow", project="P", **pipeline)
        found = bases.stored_artifact(self.backend)
        return bases.prepare(definition, RUN, step, Answers(), self.read(step, made), found)

    def recorded(self, task):
        return (
            self.call(GetTask(id=task.id)),
            self.call(GetParameters(task=task.id)),
            self.call(GetConfigurations(task=task.id)),
        )


@pytest.fixture
def bench(tmp_path):
    backend = connect(Settings(home=tmp_path / "home", workers=1))
    yield Bench(backend)
    backend.close()


def given_as(prepared):
    return {one.path: (one.value, one.type) for one in prepared.new.parameters}


def args(**values):
    return tuple(
        Parameter(section="Args", name=name, value=value, type=type(value).__name__) for name, value in values.items()
    )


# What a clone is


def test_a_clone_does_what_its_base_was_asked_to_do_under_the_name_of_the_step(bench):
    """Promise 18."""
    task = bench.task(
        comment="said",
        tags=("mine",),
        type=TaskType.QC,
        container=Container(image="i"),
        queue="q",
        output_uri="s3://a",
        parameters=(*args(rate=0.5), Parameter(section="return", name="n", value=5, type="int")),
        configurations=(Configuration(name="net", text="{}", format="json"),),
    )
    before = bench.recorded(task)
    prepared = bench.prepare(bench.step(task))
    new = prepared.new
    assert (new.id, new.name, new.project, new.adopted, new.user) == ("", "s", RUN.project, False, "ada")
    for fact in ("comment", "tags", "type", "container", "queue", "output_uri", "script"):
        assert getattr(new, fact) == getattr(task, fact), fact
    assert given_as(prepared) == {"Args/rate": (0.5, "float")}, "what it returned is no request"
    assert new.configurations == task_configurations(bench, task)
    assert prepared.by_path
    assert bench.recorded(task) == before, "the base stays as it is"


def task_configurations(bench, task):
    return tuple(bench.call(GetConfigurations(task=task.id)))


@pytest.mark.parametrize(
    ("options", "of_pipeline", "expected"),
    [
        ({}, {"default_queue": "cpu"}, {"queue": "cpu"}),
        ({"queue": "${pipeline.q}"}, {"default_queue": "cpu"}, {"queue": "gpu"}),
        ({}, {"target_project": ""}, {"project": "Q"}),
        ({}, {"target_project": "T"}, {"project": "T"}),
        ({}, {"output_uri": "s3://pipeline"}, {"output_uri": "s3://base"}),
        ({"output_uri": "s3://step"}, {}, {"output_uri": "s3://step"}),
        ({"tags": ("red",)}, {"add_pipeline_tags": True}, {"tags": ("mine", "red", f"pipe: {RUN.id}")}),
        ({"tags": ("mine",)}, {}, {"tags": ("mine",)}),
    ],
)
def test_what_the_step_says_wins_over_its_base_and_that_over_the_pipeline(bench, options, of_pipeline, expected):
    task = bench.task(tags=("mine",), output_uri="s3://base")
    new = bench.prepare(bench.step(task, **options), **of_pipeline).new
    assert {name: getattr(new, name) for name in expected} == expected


def test_what_a_function_returns_is_known_of_its_clones_and_of_clones_of_clones(bench):
    task = bench.task(FUNCTION, runtime={RETURNS: '["x", "y"]', "reused": "other"})
    assert bench.prepare(bench.step(task)).returns == ("x", "y")
    assert bench.prepare(bench.step(task)).new.runtime == {RETURNS: '["x", "y"]'}
    clone = bench.call(CloneTask(source=task.id, clone=Copied(id=uuid.uuid4().hex)))
    assert bench.prepare(bench.step(clone)).returns == ("x", "y")


# Overrides


@pytest.mark.parametrize(
    ("base", "value", "expected"),
    [
        ((1, "int"), "7", (7, "int")),
        ((1, "int"), 2.5, (2.5, "float")),
        ((1, "int"), True, (True, "bool")),
        ((1, "int"), 1e400, ("inf", "float")),
        ((0.5, "float"), 3, (3.0, "float")),
        ((0.5, "float"), "fast", ("fast", "str")),
        ((True, "bool"), "no", (False, "bool")),
        (("a", "str"), 5, ("5", "str")),
        (([1], "list"), "[1, 2]", ([1, 2], "list")),
        (({"a": 1}, "dict"), "no json", ("no json", "str")),
        ((1, "int"), None, (None, "int")),
        ((None, ""), 5, (5, "int")),
        ((None, ""), None, (None, "")),
        ((1, "of another system"), 5, (5, "of another system")),
        ((0.5, "float"), "${pipeline.rate}", (0.5, "float")),
        ((1, "int"), "${pipeline.nan}", ("nan", "float")),
        ((0.5, "float"), "${pipeline.nan}", ("nan", "float")),
        (("a", "str"), "n=${pipeline.rate}", ("n=0.5", "str")),
        (("a", "str"), "${a.id}", ("e" * 32, "str")),
        (("a", "str"), "${a.artifacts.frame}", ("file:///frame", "str")),
        (("a", "str"), "$${a.id}", ("${a.id}", "str")),
    ],
)
def test_an_overridden_parameter_keeps_its_type_where_the_value_fits(bench, base, value, expected):
    """Promises 26 to 31."""
    task = bench.task(parameters=(Parameter(section="Args", name="x", value=base[0], type=base[1]),))
    before = bench.recorded(task)
    assert given_as(bench.prepare(bench.step(task, {"Args/x": value}))) == {"Args/x": expected}
    assert bench.recorded(task) == before


def test_a_parameter_that_the_base_does_not_have_is_added(bench):
    task = bench.task(parameters=args(rate=0.5))
    prepared = bench.prepare(bench.step(task, {"General/deep/name": 3}))
    assert given_as(prepared) == {"Args/rate": (0.5, "float"), "General/deep/name": (3, "int")}


def test_a_parameter_keeps_its_place_and_what_is_said_of_it(bench):
    first, second = args(rate=0.5, n=1)
    task = bench.task(parameters=(replace(first, description="how fast"), second))
    found = bench.prepare(bench.step(task, {"Args/rate": 1.5})).new.parameters
    assert found == (replace(first, value=1.5, description="how fast"), second)


def test_configurations_are_overridden_by_texts_as_they_are_and_by_dicts_as_json(bench):
    """Promises 33 and 34."""
    task = bench.task(configurations=(Configuration(name="a", text="x: 1", format="yaml", description="d"),))
    step = bench.step(task, configurations={"a": "x = 2 // HOCON", "new": {"rate": "${pipeline.rate}", "l": [1]}})
    found = {one.name: one for one in bench.prepare(step).new.configurations}
    assert found["a"] == Configuration(name="a", text="x = 2 // HOCON", format="yaml", description="d")
    assert json.loads(found["new"].text) == {"rate": 0.5, "l": [1]}
    assert found["new"].format == "json"


def test_facts_are_overridden_also_by_references(bench):
    """Promise 32."""
    script = replace(SCRIPT, source="", repository="/r", branch="main", commit="c" * 40)
    task = bench.task(script)
    step = bench.step(task, overrides={"script.branch": "${pipeline.branch}", "name": "n"}, queue="q")
    new = bench.prepare(step).new
    assert (new.script, new.name) == (replace(script, branch="dev", commit=None), "n")
    assert bench.recorded(task)[0] == task


def test_an_override_that_the_task_cannot_take_is_named(bench):
    with pytest.raises(Invalid, match="task_overrides cannot set 'type'"):
        bench.prepare(bench.step(bench.task(), overrides={"type": "${pipeline.q}"}))


@pytest.mark.parametrize("place", ["parameters", "overrides"])  # in configurations it is what their format makes of it
def test_a_reference_that_names_nothing_is_named_wherever_it_stands(bench, place):
    name = "name" if place == "overrides" else "Args/x"
    with pytest.raises(NotFound, match=r"\$\{a\.lost\}"):
        bench.prepare(bench.step(bench.task(), **{place: {name: "${a.lost}"}}))
    with pytest.raises(BadReference):
        bench.prepare(bench.step(bench.task(), **{place: {name: "${a.}"}}))


def test_what_decides_what_a_script_makes_is_told_apart_from_what_the_step_overrides(bench):
    task = bench.task(parameters=args(rate=0.5, n=1), configurations=(Configuration(name="net", text="{}"),))
    prepared = bench.prepare(bench.step(task, {"Args/n": 2}))
    assert set(prepared.arguments) == {"Args/n"}
    assert prepared.settings == {"Args/rate": 0.5, "configuration net": "{}"}


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
parameters = st.builds(
    lambda name, value, kind: Parameter(section="Args", name=name, value=value, type=kind),
    st.sampled_from("abcd"),
    plain,
    st.sampled_from(["", *CASTS, "tuple", "Enum"]),
)


@given(
    asked=st.lists(parameters, max_size=4, unique_by=lambda one: one.name),
    values=st.dictionaries(st.sampled_from(["Args/a", "Args/b", "General/c/d"]), plain, max_size=3),
)
def test_whatever_is_overridden_the_rest_stays_and_types_hold_where_values_fit(asked, values):
    before = list(asked)
    found = {one.path: one for one in bases._parameters(asked, values)}
    assert asked == before
    assert set(found) == {one.path for one in asked} | set(values)
    kinds = {"float": (float, int), "int": int, "bool": bool, "str": str, "list": list, "dict": dict}
    for one in asked:
        if one.path not in values:
            assert found[one.path] is one
        elif one.type in kinds and found[one.path].type == one.type and found[one.path].value is not None:
            value = restore(found[one.path])
            assert isinstance(value, kinds[one.type] if one.type != "float" else float)
    for path, value in values.items():
        if path not in {one.path for one in asked}:
            assert found[path].type == ("" if value is None else type(value).__name__)


@pytest.mark.parametrize("value", [2**70, b"bytes", {1, 2}, "\ud800"])
def test_a_value_that_no_parameter_can_hold_is_refused_by_the_parameter_s_path(value):
    with pytest.raises(BadParameter, match="Args/x"):
        bases._parameters((), {"Args/x": value})


# Functions


def function_task(bench, **facts):
    blob = bench.backend.blobs.put_bytes(b"[1]")
    source = bench.task(name="source")
    made = Artifact(
        task=source.id, name="data.set", format="json", type="list", hash=blob.hash, size=blob.size, url="file:///x"
    )
    bench.call(AddArtifact(artifact=made))
    given = (
        Parameter(section="kwargs", name="n", value=1, type="int"),
        Parameter(section="kwargs", name="text", value="${not.a.reference}", type="str"),
        Parameter(section="kwargs_artifacts", name="data", value=f"{source.id}.data.set", type="str"),
        Parameter(section="General", name="rate", value="nan", type="float"),
    )
    return source, bench.task(FUNCTION, parameters=given, **facts)


def test_a_task_that_is_a_function_is_called_with_its_parameters(bench):
    source, task = function_task(bench)
    prepared = bench.prepare(bench.step(task, {"kwargs/n": "${pipeline.rate}", "General/rate": 2}))
    assert not prepared.by_path
    assert prepared.arguments["n"] == Argument(value=0.5)
    assert list(prepared.arguments["text"].refs()) == [], "what is recorded is no reference"
    assert prepared.arguments["data"] == Argument(artifact="data")
    assert (prepared.inputs["data"].task, prepared.inputs["data"].name) == (source.id, "data.set")
    assert prepared.settings == {"General/rate": 2.0}, "it may read them, and is not called with them"


def test_an_argument_that_is_gone_is_named(bench):
    source, task = function_task(bench)
    bench.call(DeleteTask(id=source.id))
    with pytest.raises(NotFound, match=source.id):
        bench.prepare(bench.step(task))


# Which task it is


def test_a_base_task_that_was_deleted_meanwhile_is_named_with_its_step(bench):
    task = bench.task()
    step = bench.step(task)
    bench.call(DeleteTask(id=task.id))
    with pytest.raises(NotFound, match=f"step 's': its base task is gone: there is no task {task.id}"):
        bench.read(step)


def test_a_step_without_a_task_carries_out_none(bench):
    for base in (None, Base()):
        with pytest.raises(Invalid, match="step 's' carries out no recorded task"):
            bench.read(Step(name="s", code="c", base=base))


def test_a_draft_may_be_carried_out_itself_and_keeps_what_it_is(bench):
    task = bench.task()
    new = bench.prepare(bench.step(task, {"Args/n": 1}, clone=False)).new
    assert (new.adopted, new.id, new.name, new.project) == (True, task.id, "base", "Q")
    assert bench.complaints == []


def test_what_is_no_draft_is_cloned_all_the_same_and_somebody_is_told(bench):
    task = bench.task()
    bench.call(BeginTask(id=task.id, worker=Worker(host="h", pid=1)))
    new = bench.prepare(bench.step(task, clone=False)).new
    assert (new.adopted, new.id, new.name) == (False, "", "s")
    assert bench.complaints == ["step 's': task 'base' is no draft but in_progress; a clone of it runs"]


def test_the_next_try_of_a_step_that_carried_out_a_draft_is_a_clone_and_nobody_is_told(bench):
    definition = Pipeline(name="flow", project="P", steps=(Step(name="s", code="c"),), code={"c": SCRIPT})
    new = NewTask(id=RUN.id, name="flow", project="")
    bench.call(CreateRun(pipeline="flow", project="P", task=new))
    bench.call(StartRun(id=RUN.id, definition=definition, worker=Worker(host="h", pid=1)))
    task = bench.task()
    step = bench.step(task, {"Args/n": 1}, clone=False)
    attempt = bench.prepare(step).new
    worker = Worker(host="h", pid=1)
    bench.call(LaunchStep(run=RUN.id, step="s", attempt=1, task=attempt, worker=worker))
    bench.call(EndTask(id=task.id, status=Status.FAILED))
    again = bench.prepare(step)
    assert (again.new.adopted, again.new.name, given_as(again)) == (False, "s", {"Args/n": (1, "int")})
    assert bench.complaints == []


def test_the_task_that_a_factory_made_is_carried_out_itself(bench):
    task, made = bench.task(), bench.task(name="made")
    asked = bench.read(bench.step(task), made.id)
    assert (asked.task.id, asked.adopted) == (made.id, True)
