"""From the arguments of `add_step` to a step's definition."""

from __future__ import annotations

import pytest

from penstock import PipelineController, Task
from penstock.core.errors import BadPipeline, Invalid
from penstock.core.pipeline import Argument
from penstock.sdk import session
from penstock.sdk.task_steps import new_task_step

NOTHING = (
    *("base_task_id", "parents", "parameter_override", "configuration_overrides", "task_overrides", "execution_queue"),
    *("monitor_metrics", "monitor_artifacts", "monitor_models", "time_limit", "base_task_project", "base_task_name"),
    *("pre_execute_callback", "post_execute_callback", "base_task_factory", "retry_on_failure"),
    *("status_change_callback", "output_uri", "continue_behaviour", "stage"),
)
DEFAULTS = {
    **dict.fromkeys(NOTHING),
    "clone_base_task": True,
    "continue_on_fail": False,
    "cache_executed_step": False,
    "recursively_parse_parameters": False,
}


def step(**given):
    return new_task_step("a", {**DEFAULTS, **given}, session.backend(), None).step


@pytest.fixture
def base(home):
    return Task.create("P", "base", script=__file__, packages=[], force_single_script_file=True)


def test_the_defaults_are_those_of_add_step():
    import inspect

    signature = inspect.signature(PipelineController.add_step).parameters
    assert {name: one.default for name, one in signature.items() if name not in {"self", "name"}} == DEFAULTS


def test_a_base_is_named_by_its_id_or_by_project_and_name(base):
    assert step(base_task_id=base.id).base.task == base.id
    assert step(base_task_project="P", base_task_name="base").base.task == base.id
    assert step(base_task_name="base").base.task == base.id
    assert step(base_task_id=base.id, clone_base_task=False).base.clone is False


def test_of_tasks_of_one_name_the_newest_that_did_not_fail_is_meant(base):
    newer = Task.clone(base, name="base")
    assert step(base_task_name="base").base.task == newer.id
    newer.mark_started()
    newer.mark_failed()
    assert step(base_task_name="base").base.task == base.id


def test_an_archived_base_is_meant_where_there_is_no_other_and_that_is_said(base):
    base.archive()
    with pytest.warns(UserWarning, match="archived"):
        assert step(base_task_name="base").base.task == base.id
    other = Task.clone(base, name="base")
    assert step(base_task_name="base").base.task == other.id


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "either base_task_id or base_task_project/base_task_name must be provided"),
        ({"base_task_project": "P"}, "either base_task_id"),
        ({"base_task_id": "f" * 32}, "could not find base_task_id='ffff"),
        ({"base_task_project": "P", "base_task_name": "none"}, "base_task_project='P' base_task_name='none'"),
        ({"base_task_factory": lambda node: None, "base_task_id": "x"}, "none can be named beside it"),
        ({"parameter_override": {"x": 1}}, "'x' should be in the form of `section-name/parameter`"),
        ({"configuration_overrides": {"net": 3}}, "must be a text or a dict, not a int"),
        ({"parameter_override": {"General/x": object()}}, "General/x of step a"),
        ({"time_limit": 0}, "time_limit"),
    ],
)
def test_what_makes_no_sense_is_refused_by_step_and_argument(base, given, said):
    known = {} if {"base_task_id", "base_task_project", "base_task_factory"} & set(given) or not given else base.id
    with pytest.raises(Invalid, match="step") as raised:
        step(**({"base_task_id": known} if known else {}), **given)
    assert said in str(raised.value)


def test_an_unknown_override_is_refused_by_the_step(base):
    with pytest.raises(Invalid, match="step 'a'"):
        step(base_task_id=base.id, task_overrides={"no.such.field": 1})


def test_references_inside_lists_are_read_only_where_that_is_wished(base):
    given = {"base_task_id": base.id, "parameter_override": {"General/x": ["${b.id}"], "General/y": "${b.id}"}}
    flat = step(**given)
    deep = step(**given, recursively_parse_parameters=True)
    assert deep.arguments["General/x"] == Argument(value=["${b.id}"])
    assert flat.arguments["General/x"] != deep.arguments["General/x"]
    assert flat.arguments["General/y"] == deep.arguments["General/y"] == Argument(value="${b.id}")


def test_overrides_are_flattened(base):
    found = step(base_task_id=base.id, task_overrides={"container": {"image": "python"}, "script.branch": "dev"})
    assert {path: one.value for path, one in found.overrides.items()} == {
        "container.image": "python",
        "script.branch": "dev",
    }


def test_configurations_are_texts_or_dicts(base):
    found = step(base_task_id=base.id, configuration_overrides={"raw": "a: 1", "net": {"a": 1}})
    assert {name: one.value for name, one in found.configurations.items()} == {"raw": "a: 1", "net": {"a": 1}}


def test_a_name_is_reserved_and_unique(base):
    pipe = PipelineController("flow", "Tests")
    for name in ("pipeline", ""):
        with pytest.raises((BadPipeline, Invalid)):
            pipe.add_step(name, base_task_id=base.id)
    assert pipe.add_step("a", base_task_id=base.id)
    with pytest.raises(BadPipeline, match="'a'"):
        pipe.add_step("a", base_task_id=base.id)
