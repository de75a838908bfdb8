"""What a pipeline may look like, and what is said of one that cannot run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from penstock.core.errors import BadPipeline, BadReference
from penstock.core.pipeline import Argument, Pipeline, Step, checked, code_hash, plan, runs_project
from penstock.core.task import Parameter, Script


def step(name, *, parents=(), returns=("out",), code="c", **arguments):
    values = {key: Argument(value=value) for key, value in arguments.items()}
    return Step(name=name, code=code, parents=parents, returns=returns, arguments=values)


def pipeline(*steps, parameters=()):
    declared = tuple(Parameter(section="Args", name=name, value=1) for name in parameters)
    return Pipeline(name="p", project="P", steps=steps, parameters=declared, code={"c": Script(source="def f(): ...")})


def parents(*steps, parameters=()):
    return {one.name: one.parents for one in checked(pipeline(*steps, parameters=parameters)).steps}


@pytest.mark.parametrize(
    "value",
    ["${a.out}", "${a.id}", "see ${a.id}!", ["x", {"deep": ["${a.out}"]}], {"k": ("${a.artifacts.out.url}",)},
     "${a.parameters.kwargs/n}", "${a.models.output.-1.url}"],
)  # fmt: skip
def test_a_reference_anywhere_in_a_value_makes_its_step_a_parent(value):
    """Promise 41 (+): whole, inside a longer string, and inside lists and dicts."""
    assert parents(step("a", n=1), step("b", x=value))["b"] == ("a",)


def test_references_inside_an_artifact_of_the_run_count_too():
    b = Step(name="b", code="c", arguments={"x": Argument(artifact="b.x", references=("${a.out}",))})
    assert parents(step("a"), b)["b"] == ("a",)


def test_given_parents_come_first_and_none_comes_twice():
    steps = [step("a"), step("b"), step("c", parents=("b",), x="${a.out}", y="${b.out}")]
    assert parents(*steps)["c"] == ("b", "a")


def test_steps_may_be_added_in_any_order():
    assert parents(step("b", x="${a.out}"), step("a"))["b"] == ("a",)


def test_pipeline_parameters_make_no_parent():
    assert parents(step("a", x="${pipeline.rate} ${pipeline.id}"), parameters=["rate"])["a"] == ()


def test_two_steps_of_one_name_are_refused():
    """Promise 15: a name is unique."""
    with pytest.raises(ValueError, match="a step named 'a' already exists"):
        checked(pipeline(step("a"), step("a")))


@pytest.mark.parametrize("name", ["pipeline", "", "a{b", "a$b", "a/b", "x" * 257, "a\nb"])
def test_a_reserved_or_unfit_name_is_refused(name):
    """Promise 15: `pipeline` is reserved."""
    with pytest.raises(BadPipeline):
        checked(pipeline(step(name)))


@pytest.mark.parametrize(
    ("value", "message", "hint"),
    [
        ("${lod.out}", "step 'b', argument 'x': ${lod.out}: there is no step 'lod'", "'load'"),
        ("${load.ouut}", "step 'b', argument 'x': ${load.ouut} names no output of step 'load'", "'out'"),
        ("${pipeline.rat}", "step 'b', argument 'x': ${pipeline.rat} names no parameter", "'rate'"),
        ("${load.parameters.kwargs/m}", "names no parameter of step 'load'", "'n'"),
        ("${load.parameters.n}", "a parameter is written Section/name", ""),
        ("${load}", "step 'b', argument 'x'", ""),
    ],
)
def test_a_reference_to_nothing_names_step_and_argument_and_suggests_the_nearest(value, message, hint):
    """Promise 16: refused before anything runs, naming step and parameter."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is checked below
        checked(pipeline(step("load", n=1), step("b", x=value), parameters=["rate"]))
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")
    assert isinstance(caught.value, BadReference)


def test_an_unknown_parent_is_refused_with_the_nearest_name():
    with pytest.raises(BadPipeline, match="step 'b' has an unknown parent 'lod'") as caught:
        checked(pipeline(step("load"), step("b", parents=("lod",))))
    assert "'load'" in caught.value.hint


def test_a_cycle_is_printed():
    """Promise 17: the message lists the cycle."""
    with pytest.raises(BadPipeline, match=r"a -> b -> a|b -> a -> b"):
        checked(pipeline(step("a", x="${b.out}"), step("b", x="${a.out}")))


def test_a_step_cannot_wait_for_itself():
    """Promise 17: self-parents are refused."""
    with pytest.raises(BadPipeline):
        checked(pipeline(step("a", x="${a.id}")))


def test_the_planner_learns_what_it_needs():
    one = replace(step("a"), retries=2, continue_on_fail=True, skip_children_on_fail=False)
    (node,) = plan([one])
    assert (node.name, node.retries, node.continue_on_fail, node.skip_children_on_fail) == ("a", 2, True, False)


def test_runs_live_in_a_hidden_project_of_the_pipeline():
    """Promise 4: `P/.pipelines/NAME`."""
    assert runs_project("P", "train") == "P/.pipelines/train"
    assert runs_project("", "train") == ".pipelines/train"


def test_the_code_hash_changes_with_code_and_graph_but_not_with_values():
    """Promise 6: a version is about the code and the graph."""
    base = pipeline(step("a", x=1), step("b", x="${a.out}"))
    assert code_hash(base) == code_hash(pipeline(step("b", x="${a.out}"), step("a", x=2)))
    assert code_hash(base) != code_hash(pipeline(step("a", x=1, code="d"), step("b", x="${a.out}")))
    assert code_hash(base) != code_hash(pipeline(step("a", x=1), step("b", x="${a.out}", parents=("a",)), step("c")))
    assert code_hash(base) != code_hash(pipeline(step("a", y=1), step("b", x="${a.out}")))


@given(st.lists(st.integers(0, 30), min_size=1, max_size=30, unique=True))
def test_checking_twice_changes_nothing(numbers):
    steps = [step(f"s{n}", **({"x": f"${{s{numbers[i - 1]}.out}}"} if i else {})) for i, n in enumerate(numbers)]
    once = checked(pipeline(*steps))
    assert checked(once) == once
