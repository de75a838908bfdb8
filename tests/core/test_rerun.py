"""What a rerun does with each step, and what it says about it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from penstock.core.errors import BadParameter, Invalid, NotFound
from penstock.core.pipeline import Argument, Base, Pipeline, Step, checked
from penstock.core.progress import StepStatus
from penstock.core.rerun import (
    Before,
    PlannedStep,
    Rerun,
    Treatment,
    parameters_of,
    plan,
    recorded,
    set_values,
    to_record,
)
from penstock.core.run import StepState
from penstock.core.task import Container, Parameter, Script

CODE = {"c": Script(source="def f(x): ...", entry_point="f"), "d": Script(source="def g(x): ...", entry_point="g")}


def step(name, *, parents=(), code="c", **arguments):
    values = {key: Argument(value=value) for key, value in arguments.items()}
    return Step(name=name, code=code, parents=parents, returns=("out",), arguments=values)


def pipeline(*steps, **parameters):
    declared = tuple(Parameter(section="Args", name=name, value=value) for name, value in parameters.items())
    return checked(Pipeline(name="flow", project="P", steps=steps, parameters=declared, code=CODE))


def before(definition, statuses=(), **known):
    standing = dict(statuses)
    states = tuple(
        StepState(name=one.name, status=standing.get(one.name, StepStatus.COMPLETED), task=f"task of {one.name}")
        for one in definition.steps
    )
    return Before(definition=definition, states=states, **known)


def rerun(old, new=None, statuses=(), from_step=None, only=None, **known):
    request = Rerun(source="1" * 32, name="flow #1", from_step=from_step, only=only)
    return plan(request, before(old, statuses, **known), new or old)


def treatments(found):
    return {one.step: str(one.treatment) for one in found.steps}


def why(found, name):
    (one,) = [one for one in found.steps if one.step == name]
    return one.why


CHAIN = pipeline(
    step("load", n="${pipeline.rows}"),
    step("split", rows="${load.out}", share="${pipeline.share}"),
    step("train", rows="${split.out}"),
    step("chart", rows="${load.out}"),
    rows=10,
    share=0.2,
)


def with_values(**values):
    return replace(CHAIN, parameters=set_values(CHAIN, values))


def test_a_completed_run_in_which_nothing_changed_is_reused_as_a_whole():
    found = rerun(CHAIN)
    assert found.changes == ()
    assert found.steps[0] == PlannedStep(
        step="load", treatment=Treatment.REUSE, why="it is unchanged since flow #1", task="task of load"
    )
    assert set(treatments(found).values()) == {"reuse"}


def test_what_refers_to_a_changed_parameter_runs_and_what_builds_on_it_and_nothing_else():
    found = rerun(CHAIN, with_values(share=0.3))
    assert treatments(found) == {"load": "reuse", "split": "run", "train": "run", "chart": "reuse"}
    assert why(found, "split") == "parameter 'share' changed from 0.2 to 0.3"
    assert why(found, "train") == "'split' runs anew, and this step builds on it"
    assert found.changes == ("parameter 'share' changed from 0.2 to 0.3",)


def test_a_step_with_two_reasons_has_the_first_in_its_sentence_and_the_other_beside_it():
    found = rerun(CHAIN, with_values(rows=11, share=0.3)).steps[1]
    assert found.why == "parameter 'share' changed from 0.2 to 0.3"
    assert found.details == ("'load' runs anew, and this step builds on it",)


def test_a_changed_parameter_that_no_step_refers_to_is_said_to_change_nothing():
    old = pipeline(step("a"), unused=1)
    found = rerun(old, replace(old, parameters=set_values(old, {"unused": 2})))
    assert found.changes == ("parameter 'unused' changed from 1 to 2; no step refers to it",)
    assert treatments(found) == {"a": "reuse"}


def test_the_same_value_again_is_no_change():
    assert rerun(CHAIN, with_values(share=0.2)).changes == ()


@pytest.mark.parametrize(("was", "now"), [(1, 1.0), (1, True), ([0], [False]), ("1", 1)])
def test_values_that_python_calls_equal_may_be_others(was, now):
    old, new = (pipeline(step("a", x="${pipeline.x}"), x=value) for value in (was, now))
    assert treatments(rerun(old, new)) == {"a": "run" if repr(was) != repr(now) else "reuse"}


def test_a_long_value_is_cut_in_the_sentence():
    found = rerun(CHAIN, with_values(rows="x" * 1000))
    assert len(why(found, "load")) < 100


def test_the_step_that_was_asked_for_runs_with_all_that_build_on_it_whatever_the_cache_holds():
    found = rerun(CHAIN, from_step="split")
    assert treatments(found) == {"load": "reuse", "split": "run", "train": "run", "chart": "reuse"}
    assert [one.step for one in found.steps if one.fresh] == ["split", "train"]
    assert why(found, "split") == "you asked to start from this step"


def test_a_step_that_runs_for_a_changed_parameter_may_come_from_the_cache():
    assert not any(one.fresh for one in rerun(CHAIN, with_values(share=0.3)).steps)


def test_only_one_step_leaves_out_what_builds_on_it():
    found = rerun(CHAIN, only="split")
    assert treatments(found) == {"load": "reuse", "split": "run", "train": "skip", "chart": "reuse"}
    assert why(found, "train") == "you asked for 'split' only"
    assert [one.step for one in found.steps if one.fresh] == ["split"]


def test_only_one_step_still_has_what_it_needs_run_and_leaves_out_the_rest():
    found = rerun(CHAIN, with_values(rows=11), only="split")
    assert treatments(found) == {"load": "run", "split": "run", "train": "skip", "chart": "skip"}
    assert why(found, "load") == "parameter 'rows' changed from 10 to 11"


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (StepStatus.FAILED, "it failed in flow #1"),
        (StepStatus.ABORTED, "it was aborted in flow #1"),
        (StepStatus.SKIPPED, "it was skipped in flow #1"),
        (StepStatus.PENDING, "it did not run in flow #1"),
    ],
)
def test_a_step_that_did_not_complete_runs(status, said):
    found = rerun(CHAIN, statuses={"split": status, "train": StepStatus.SKIPPED})
    assert treatments(found) == {"load": "reuse", "split": "run", "train": "run", "chart": "reuse"}
    assert why(found, "split") == said


def test_a_step_that_was_reused_is_reused_again():
    assert treatments(rerun(CHAIN, statuses={"load": StepStatus.CACHED}))["load"] == "reuse"


def test_a_step_whose_outputs_cannot_be_had_runs_with_what_builds_on_it():
    found = rerun(CHAIN, gone={"load": "what it left in flow #1 is gone"})
    assert set(treatments(found).values()) == {"run"}
    assert why(found, "load") == "what it left in flow #1 is gone"


def test_everything_runs_when_the_run_before_is_gone():
    found = plan(Rerun(source="1" * 32, name="flow #1"), None, CHAIN)
    assert set(treatments(found).values()) == {"run"}
    assert why(found, "chart") == "the run that it was to be reused from, flow #1, is gone"


def changed(one, **fields):
    """Return a pipeline of this step, and the same with something changed in it."""
    other = step("above")
    return pipeline(other, one), pipeline(other, replace(one, **fields))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"code": "d"}, "its code changed"),
        ({"arguments": {"x": Argument(value=2)}}, "argument 'x' changed"),
        ({"arguments": {"x": Argument(value=True)}}, "argument 'x' changed"),
        ({"arguments": {"x": Argument(value=1), "y": Argument(value=1)}}, "argument 'y' was added"),
        ({"arguments": {}}, "argument 'x' was removed"),
        ({"configurations": {"c": Argument(value="t")}}, "configuration 'c' was added"),
        ({"overrides": {"script.branch": Argument(value="b")}}, "task override 'script.branch' was added"),
        ({"parents": ("above",)}, "the steps that it waits for changed"),
        ({"base": Base(task="2" * 32)}, "the task that it carries out changed"),
        ({"returns": ("other",)}, "what it returns changed"),
        ({"container": Container(image="i")}, "its container changed"),
        ({"output_uri": "s3://b"}, "where its outputs are sent changed"),
        ({"connect": {"name": "model"}}, "what it connects changed"),
    ],
)
def test_a_step_whose_definition_is_another_one_is_not_reused_blindly(fields, said):
    found = rerun(*changed(step("a", x=1), **fields))
    assert why(found, "a").startswith(said) or said.replace("argument", "parameter") == why(found, "a")
    assert treatments(found) == {"above": "reuse", "a": "run"}


@pytest.mark.parametrize(
    "fields",
    [{"retries": 3}, {"tags": ("t",)}, {"cache": True}, {"time_limit": 5.0}, {"monitor_artifacts": ("out",)},
     {"queue": "gpu"}, {"stage": "late"}, {"continue_on_fail": True}],
)  # fmt: skip
def test_how_a_step_is_carried_out_is_no_part_of_what_it_makes(fields):
    assert treatments(rerun(*changed(step("a", x=1), **fields)))["a"] == "reuse"


def test_another_python_alone_does_not_change_a_script():
    new = replace(CHAIN, code={**CODE, "c": replace(CODE["c"], interpreter="3.99")})
    assert set(treatments(rerun(CHAIN, new)).values()) == {"reuse"}


def test_a_step_that_came_or_went_is_told_and_the_others_stay():
    old, new = pipeline(step("a"), step("b")), pipeline(step("a"), step("c"))
    found = rerun(old, new)
    assert treatments(found) == {"a": "reuse", "c": "run"}
    assert why(found, "c") == "it was no step of flow #1"


def test_other_functions_that_store_artifacts_change_every_step():
    new = replace(CHAIN, serializer="d")
    assert set(treatments(rerun(CHAIN, new)).values()) == {"run"}


def test_an_argument_that_is_an_artifact_counts_by_its_content():
    one = Step(name="a", code="c", arguments={"x": Argument(artifact="a.x")})
    found = rerun(pipeline(one), changed={"a.x"})
    assert why(found, "a") == "argument 'x' has another value"
    assert treatments(rerun(pipeline(one), changed={"b.x"})) == {"a": "reuse"}


@pytest.mark.parametrize(
    "fields",
    [
        {"arguments": {"x": Argument(value=["deep", {"in": "a ${pipeline.p} text"}])}},
        {"arguments": {"x": Argument(artifact="a.x", references=("${pipeline.p}",))}},
        {"configurations": {"c": Argument(value="rate = ${pipeline.p}")}},
        {"overrides": {"script.branch": Argument(value="${pipeline.p}")}},
        {"queue": "${pipeline.p}"},
    ],
)
def test_a_step_depends_on_a_parameter_wherever_it_refers_to_it(fields):
    one = replace(Step(name="a", code="c"), **fields)
    made = pipeline(one, p=1)
    assert parameters_of(one, made, {"a": one}) == {"p"}
    assert treatments(rerun(made, replace(made, parameters=set_values(made, {"p": 2})))) == {"a": "run"}


def test_the_pipeline_s_own_queue_is_that_of_the_steps_that_name_none():
    a, b = Step(name="a", code="c"), Step(name="b", code="c", queue="gpu")
    old = replace(pipeline(a, b, q="x"), default_queue="${pipeline.q}")
    assert treatments(rerun(old, replace(old, parameters=set_values(old, {"q": "y"})))) == {"a": "run", "b": "reuse"}


def test_the_id_of_the_run_is_no_change():
    assert treatments(rerun(pipeline(step("a", x="${pipeline.id}")))) == {"a": "reuse"}


def test_values_take_the_type_of_their_parameter():
    typed = replace(CHAIN, parameters=(Parameter(section="Args", name="rows", value=10, type="int"),))
    assert set_values(typed, {"rows": "12"})[0].value == 12


def test_an_unknown_parameter_or_step_is_refused_with_the_nearest_name():
    with pytest.raises(BadParameter, match="pipeline 'flow' has no parameter 'shar'") as caught:
        set_values(CHAIN, {"shar": 1})
    assert "'share'" in caught.value.hint
    with pytest.raises(NotFound, match="pipeline 'flow' has no step 'trin'") as caught:
        rerun(CHAIN, from_step="trin")
    assert "'train'" in caught.value.hint


def test_a_step_to_start_from_and_the_only_one_exclude_each_other():
    with pytest.raises(Invalid, match="'split' and 'train' are named"):
        rerun(CHAIN, from_step="split", only="train")


def test_a_request_is_read_back_as_it_was_recorded():
    request = Rerun(source="1" * 32, name="flow #1", from_step="split")
    assert recorded({"other": "fact", **to_record(request)}) == request
    assert recorded({"other": "fact"}) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"source": 1, "name": "x"}'])
def test_what_somebody_else_wrote_in_its_place_is_refused(text):
    with pytest.raises(Invalid, match="the fact 'rerun' of the run is no request"):
        recorded({"rerun": text})


def test_a_plan_travels_as_json():
    found = rerun(CHAIN, from_step="split")
    assert msgspec.json.decode(msgspec.json.encode(found), type=type(found)) == found


@st.composite
def cases(draw):
    """A pipeline of up to twelve steps in any order, how each ended, what changed and what was asked for."""
    count = draw(st.integers(1, 12))
    names = [f"s{number}" for number in range(count)]
    parents = {name: draw(st.sets(st.sampled_from(names[:at]))) if at else set() for at, name in enumerate(names)}
    used = {name: draw(st.sets(st.sampled_from("pqr"))) for name in names}
    order = draw(st.permutations(names))
    statuses = {name: draw(st.sampled_from(sorted({*StepStatus} - {"running", "queued"}))) for name in names}
    if draw(st.booleans()):
        statuses = dict.fromkeys(names, StepStatus.COMPLETED)
    values = draw(st.dictionaries(st.sampled_from("pqr"), st.sampled_from([1, 2])))
    asked = draw(st.sampled_from(["from_step", "only", None]))
    request = {asked: draw(st.sampled_from(names))} if asked else {}
    steps = [
        step(name, **{f"a{n}": f"${{{one}.out}}" for n, one in enumerate(sorted(parents[name]))},
             **{f"b{one}": f"${{pipeline.{one}}}" for one in sorted(used[name])})
        for name in order
    ]  # fmt: skip
    return pipeline(*steps, p=1, q=1, r=1), parents, used, statuses, values, request


def reach(seeds, links):
    """Everything that can be come to from the seeds, found by looking until nothing new is found."""
    found = set(seeds)
    while more := {one for name, ends in links.items() if name in found for one in ends} - found:
        found |= more
    return found


@given(cases())
def test_nothing_that_depends_on_a_change_is_reused_and_nothing_else_runs(case):
    old, parents, used, statuses, values, request = case
    found = rerun(old, replace(old, parameters=set_values(old, values)), statuses, **request)
    changed = {name for name, value in values.items() if value != 1}
    children = {name: {child for child in parents if name in parents[child]} for name in parents}
    good = {StepStatus.COMPLETED, StepStatus.CACHED}
    seeds = {name for name in parents if used[name] & changed or statuses[name] not in good}
    affected = reach(seeds | set(request.values()), children)
    only = request.get("only")
    needed = reach({only}, parents) if only else set(parents)
    expected = {name: "reuse" if name not in affected else "run" if name in needed else "skip" for name in parents}
    assert treatments(found) == expected
    assert [one.step for one in found.steps] == [one.name for one in old.steps]
    assert all(one.why for one in found.steps)
    fresh = {one.step for one in found.steps if one.fresh}
    assert fresh == (reach({request["from_step"]}, children) if "from_step" in request else {only} - {None})


@given(cases())
def test_a_completed_run_without_a_change_is_reused_as_a_whole_whatever_its_shape(case):
    old = case[0]
    assert set(treatments(rerun(old)).values()) == {"reuse"}


def test_a_long_chain_is_planned_without_recursion():
    steps = [step("s0", x="${pipeline.p}"), *(step(f"s{n}", x=f"${{s{n - 1}.out}}") for n in range(1, 10_000))]
    old = pipeline(*steps, p=1)
    found = rerun(old, replace(old, parameters=set_values(old, {"p": 2})))
    assert set(treatments(found).values()) == {"run"}
