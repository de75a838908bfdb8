"""From the arguments of `add_function_step` to a definition."""

from __future__ import annotations

import inspect
import math

import pytest

from penstock import PipelineController
from penstock.core.errors import BadPipeline, Invalid
from penstock.core.task import Container, TaskType
from penstock.sdk.steps import container, new_step, requirements, task_type, words


def work(a=None, b=None):
    return a, b


def step(**arguments):
    parameters = inspect.signature(PipelineController.add_function_step).parameters
    given = {name: one.default for name, one in parameters.items() if name not in {"self", "name", "function"}}
    return new_step("s", work, given | arguments, skip_global_imports=False, default_retry=None)


@pytest.mark.parametrize("value", [None, True, 3, -1.5, "", "text", 2**63 - 1, "${pipeline.x}", "in ${pipeline.x}"])
def test_plain_values_stay_in_the_definition(value):
    """Promise 37: None, bool, numbers and texts are parameters."""
    made = step(function_kwargs={"a": value})
    assert made.step.arguments["a"].value == value
    assert made.values == {}


@pytest.mark.parametrize(
    "value", [[1], (1,), {"a": 1}, {1}, b"x", 2**63, math.nan, math.inf, object(), "\ud800", {"a": "${s.x}", 1: 2}]
)
def test_other_values_are_artifacts_of_the_run(value):
    """Promise 37: `<step>.<arg>` of the controller."""
    made = step(function_kwargs={"a": value})
    assert made.step.arguments["a"].artifact == "s.a"
    assert made.values == {"a": value}


@pytest.mark.parametrize("value", [["${x.y}"], {"a": {"b": ["in ${x.y}", None]}}])
def test_lists_and_dicts_of_plain_values_keep_their_references_in_the_definition(value):
    """Promise 41: references inside lists and dicts."""
    made = step(function_kwargs={"a": value})
    assert made.step.arguments["a"].value == value
    assert [ref.text for ref in made.step.arguments["a"].refs()] == ["${x.y}"]


def test_references_inside_a_value_that_is_no_json_are_found():
    """Promise 41: a tuple is stored as an artifact; the edge is there all the same."""
    made = step(function_kwargs={"a": ("${x.y}", [object(), "${x.z} and ${p.q}"])})
    assert made.step.arguments["a"].references == ("${x.y}", "${x.z}", "${p.q}")


def test_arguments_come_in_the_order_of_the_signature_with_its_defaults():
    """Promise 38: the defaults of the signature, and the values that are given."""
    given = {"b": 1}
    assert [(name, one.value) for name, one in step(function_kwargs=given).step.arguments.items()] == [
        ("a", None),
        ("b", 1),
    ]
    assert given == {"b": 1}, "the caller's dict is left alone"


@pytest.mark.parametrize(
    ("given", "expected"), [(None, ()), ("x", ("x",)), (["x", "y"], ("x", "y")), ((), ()), (iter(["x"]), ("x",))]
)
def test_returns_are_names(given, expected):
    """Promise 39: one name, several, or none."""
    assert step(function_return=given).step.returns == expected


@pytest.mark.parametrize("name", ["", "pipeline", "a/b", "a}", "$", "a\nb", "x" * 257])
def test_names_that_references_could_not_name_are_refused(name):
    """Promise 15: `pipeline` is reserved."""
    arguments = dict.fromkeys(inspect.signature(PipelineController.add_function_step).parameters)
    with pytest.raises(BadPipeline):
        new_step(name, work, arguments, skip_global_imports=False, default_retry=None)


@pytest.mark.parametrize(
    ("on_fail", "behaviour", "expected"),
    [
        (False, None, (False, False, True, True)),
        (True, None, (True, False, True, True)),
        (False, {}, (True, True, True, True)),
        (False, {"continue_on_fail": False, "skip_children_on_fail": False}, (False, True, False, True)),
    ],
)
def test_what_a_behaviour_does_not_say_is_true(on_fail, behaviour, expected):
    made = step(continue_on_fail=on_fail, continue_behaviour=behaviour).step
    flags = (made.continue_on_fail, made.continue_on_abort, made.skip_children_on_fail, made.skip_children_on_abort)
    assert flags == expected


@pytest.mark.parametrize("limit", [True, -1, 0, "1", math.nan])
def test_a_time_limit_is_a_number_of_seconds(limit):
    with pytest.raises(Invalid, match="step 's': time_limit"):
        step(time_limit=limit)


@pytest.mark.parametrize("retry", [True, 1.5, "2", -1])
def test_a_number_of_retries_is_counted_from_zero(retry):
    with pytest.raises(Invalid, match="step 's': retry_on_failure"):
        step(retry_on_failure=retry)


def test_a_retry_function_answers_instead_of_a_number():
    def ask(pipeline, node, retries):
        return False

    made = step(retry_on_failure=ask)
    assert (made.functions, made.step.callbacks, made.step.retries) == (
        {"retry_on_failure": ask},
        ("retry_on_failure",),
        0,
    )


def test_requirements_are_lines(tmp_path):
    file = tmp_path / "r.txt"
    file.write_text("a==1\n  # nothing\n b # more\n", encoding="utf-8")
    assert requirements(str(file)) == ("a==1", "b")
    assert (requirements(("a", "b")), requirements(None), requirements(True), requirements(False)) == (
        ("a", "b"),
        None,
        None,
        (),
    )


def test_words_of_a_text_are_tags():
    assert (words("a  b"), words(["a b"]), words(None)) == (["a", "b"], ["a b"], [])


def test_a_container_needs_an_image():
    assert container(None, None, None) is None
    assert container("image", None, None) == Container(image="image")


@pytest.mark.parametrize("text", list(TaskType))
def test_every_task_type_is_known_by_its_word(text):
    assert task_type(str(text)) is text
    assert task_type(None) is TaskType.TRAINING
