"""What a reference stands for, looked up in what a run recorded."""

from __future__ import annotations

import pytest

from penstock.backend import connect
from penstock.core import refs
from penstock.core.errors import BadReference, NotFound
from penstock.core.outputs import Artifact, Model
from penstock.core.pipeline import Pipeline, Step
from penstock.core.run import attempt_id
from penstock.core.task import EndReason, Parameter, Script, Status, Worker
from penstock.ops.models import AddModel
from penstock.ops.outputs import GetOutputs
from penstock.ops.runs import CreateRun, StartRun
from penstock.ops.steps import LaunchStep
from penstock.ops.tasks import EndTask, NewTask
from penstock.run.lookup import Lookup
from penstock.settings import Settings

RUN = "1" * 32
WORKER = Worker(host="h", pid=1)
STEPS = ("a", "b", "bad", "never")
PARAMETERS = {
    one.name: one
    for one in (
        Parameter(section="Args", name="rate", value=0.5, type="float"),
        Parameter(section="Args", name="far", value="inf", type="float"),
        Parameter(section="Args", name="deep", value={"a": [1]}, type="dict"),
    )
}


def artifact(task, name, **fields):
    facts = {"format": "arrow", "type": "pandas.DataFrame", "hash": "0" * 64, "size": 7, "url": f"file:///{name}"}
    return Artifact(task=task, name=name, **facts | fields)


def model(task, number, direction="output"):
    return Model(
        id=str(number) * 32, task=task, project="P", name=f"net{number}", direction=direction, url=f"file:///{number}",
        hash="0" * 64, size=number, tags=("x",), created=float(number),
    )  # fmt: skip


@pytest.fixture
def lookup(tmp_path):
    backend = connect(Settings(home=tmp_path / "home", workers=1))
    definition = Pipeline(name="p", project="P", steps=tuple(Step(name=step, code="c") for step in STEPS))
    backend.call(CreateRun(pipeline="p", project="P", task=NewTask(id=RUN, name="p", project="")))
    backend.call(StartRun(id=RUN, definition=definition, worker=WORKER))
    ids = {step: attempt_id(RUN, step, 1) for step in STEPS[:-1]}
    kwargs = (Parameter(section="kwargs", name="n", value=3, type="int"),)
    for step in ids:
        new = NewTask(
            id="", name=step, project="P", tags=("red",), parameters=kwargs,
            script=Script(source="", entry_point="work", branch="main"),
        )  # fmt: skip
        backend.call(LaunchStep(run=RUN, step=step, attempt=1, task=new, worker=WORKER))
    for one in (model(ids["a"], 1), model(ids["a"], 2), model(ids["a"], 3, "input")):
        backend.call(AddModel(model=one))
    returned = (
        Parameter(section="return", name="n", value=4, type="int"),
        Parameter(section="return", name="limit", value="inf", type="float"),
    )
    found = (
        artifact(ids["a"], "frame", preview="2 rows", metadata={"rows": "2"}, created=5.0),
        artifact(ids["a"], "n", format="json", type="int"),
        artifact(ids["a"], "limit", format="json", type="float"),
        artifact(ids["a"], "x.y"),
    )
    backend.call(EndTask(id=ids["a"], status=Status.COMPLETED, artifacts=found, parameters=returned))
    backend.call(EndTask(id=ids["b"], status=Status.COMPLETED))
    backend.call(EndTask(id=ids["bad"], status=Status.FAILED, reason=EndReason.EXCEPTION))
    yield Lookup(backend, RUN, PARAMETERS, ids.get)
    backend.close()


def resolve(lookup, text):
    (reference,) = refs.parse(text)
    return lookup.resolve(reference)


A = attempt_id(RUN, "a", 1)


def test_a_task_is_read_once_for_all_references_of_a_launch(lookup, monkeypatch):
    asked, call = [], lookup._backend.call
    monkeypatch.setattr(lookup._backend, "call", lambda op: (asked.append(op), call(op))[1])
    for text in ("${a.n}", "${a.limit}", "${a.artifacts.frame.url}", "${a.parameters.kwargs/n}", "${a.id}"):
        resolve(lookup, text)
    assert asked == [GetOutputs(task=A)]


def test_a_task_is_not_read_where_what_it_left_is_known(lookup, monkeypatch):
    outputs = lookup._backend.call(GetOutputs(task=A))
    knowing = Lookup(lookup._backend, RUN, PARAMETERS, lookup._task_of, {A: outputs}.get)
    monkeypatch.setattr(lookup._backend, "call", lambda op: pytest.fail(str(op)))
    assert resolve(knowing, "${a.n}").value == 4


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${pipeline.rate}", 0.5),
        ("${pipeline.far}", float("inf")),
        ("${pipeline.deep}", {"a": [1]}),
        ("${pipeline.id}", RUN),
        ("${a.id}", A),
        ("${a.n}", 4),
        ("${a.limit}", float("inf")),
        ("${a.artifacts.frame.url}", "file:///frame"),
        ("${a.artifacts.frame.hash}", "0" * 64),
        ("${a.artifacts.frame.size}", 7),
        ("${a.artifacts.frame.type}", "pandas.DataFrame"),
        ("${a.artifacts.frame.name}", "frame"),
        ("${a.artifacts.frame.preview}", "2 rows"),
        ("${a.artifacts.frame.metadata}", {"rows": "2"}),
        ("${a.artifacts.frame.timestamp}", 5.0),
        (r"${a.artifacts.x\.y.url}", "file:///x.y"),
        ("${a.parameters.kwargs/n}", 3),
        ("${a.parameters.return/limit}", float("inf")),
        ("${a.models.output.-1.url}", "file:///2"),
        ("${a.models.output.0.id}", "1" * 32),
        ("${a.models.output.1.tags}", ["x"]),
        ("${a.models.input.0.name}", "net3"),
        ("${b.name}", "b"),
        ("${b.status}", "completed"),
        ("${b.tags}", ["red"]),
        ("${a.script.branch}", "main"),
    ],
)
def test_every_form_has_its_meaning(lookup, text, value):
    """Promise 40: whole references keep the type of what they stand for."""
    found = resolve(lookup, text)
    assert (found.value, found.artifact) == (value, None)
    assert found.text == str(value)


@pytest.mark.parametrize("text", ["${a.frame}", "${a.artifacts.frame}"])
def test_a_value_that_is_no_plain_one_is_its_artifact(lookup, text):
    """Promise 40: the object itself is loaded where it is needed; in a text it is its address."""
    found = resolve(lookup, text)
    assert (found.artifact.name, found.artifact.task, found.text) == ("frame", A, "file:///frame")


@pytest.mark.parametrize("text", ["${bad.anything}", "${bad.artifacts.anything}"])
def test_what_a_step_that_failed_did_not_return_is_none(lookup, text):
    """Where its children may run all the same, they get None."""
    found = resolve(lookup, text)
    assert (found.value, found.artifact) == (None, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${a.frmae}", r"step 'a' stored no artifact 'frmae'[^$]*did you mean 'frame'"),
        ("${b.x}", r"step 'b' stored no artifact 'x'[^$]*step 'b' stored no artifacts"),
        ("${b.artifacts.name}", "step 'b' stored no artifact 'name'"),
        ("${a.artifacts.frmae.url}", "'frmae'[^$]*did you mean 'frame'"),
        ("${a.parameters.kwargs/m}", r"step 'a' has no parameter 'kwargs/m'[^$]*'kwargs/n'"),
        ("${b.models.output.0.url}", "the step has 0 such models"),
        ("${a.models.output.2.url}", "the step has 2 such models"),
        ("${a.models.output.-3.url}", "the step has 2 such models"),
        ("${a.script.nothing}", r"a task has no field 'script\.nothing'"),
        ("${a.script.source.upper}", r"a task has no field 'script\.source\.upper'"),
        ("${a.name.upper}", r"a task has no field 'name\.upper'"),
    ],
)
def test_what_names_nothing_says_what_there_is(lookup, text, message):
    with pytest.raises(NotFound, match=message) as caught:
        resolve(lookup, text)
    assert text in caught.value.message


def test_a_step_that_was_not_run_has_nothing(lookup):
    with pytest.raises(BadReference, match=r"\$\{never\.id\}: step 'never' was not run"):
        resolve(lookup, "${never.id}")


def test_every_attribute_of_the_grammar_is_looked_up(lookup):
    for attribute in refs.ARTIFACT_ATTRIBUTES:
        assert resolve(lookup, f"${{a.artifacts.frame.{attribute}}}").artifact is None
    for fact in refs.MODEL_FACTS:
        assert resolve(lookup, f"${{a.models.output.0.{fact}}}").artifact is None
