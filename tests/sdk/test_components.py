"""Components outside of pipelines, and what of them goes into the code of a run."""

from __future__ import annotations

import inspect

import pytest

from penstock import PipelineDecorator
from penstock.sdk import components
from penstock.sdk.components import Component, component


def veto(pipeline, node, parameters):
    """Only the script has this, and what it holds."""
    return HELD is not None


HELD = open


@component
def bare(value, factor=2):
    """Multiply."""
    return value * factor


@PipelineDecorator.component(return_values=["x", "y"], name="renamed", pre_execute_callback=veto, cache=True)
def named(value: int) -> tuple[int, int]:
    return bare(value), value


def made(function):
    return next(one for one in components._made.values() if one.function is function)


def test_outside_of_a_pipeline_a_component_is_the_function_that_it_was():
    assert bare(3) == 6
    assert bare(3, factor=5) == 15
    assert named(4) == (8, 4)
    assert bare.__name__ == "bare"
    assert bare.__doc__ == "Multiply."
    assert list(inspect.signature(bare).parameters) == ["value", "factor"]
    with pytest.raises(TypeError):
        bare()


def test_its_steps_are_called_like_the_function_unless_it_says_otherwise():
    assert made(bare).name == "bare"
    assert made(named).name == "renamed"
    assert made(bare).options["function_return"] == ("return_object",)
    assert made(named).options["cache_executed_step"] is True


def test_its_text_goes_without_the_decorator_and_what_only_that_needs():
    source = made(named).source(skip_global_imports=False).source
    assert source == (
        "from __future__ import annotations\n\n\n"
        'def bare(value, factor=2):\n    """Multiply."""\n    return value * factor\n\n\n'
        "def named(value: int) -> tuple[int, int]:\n    return bare(value), value\n"
    )


def test_the_code_of_all_components_is_known_before_they_are_called_but_for_what_cannot_be_a_task():
    @component
    def nested():
        return 1

    sources = [script.source for _, script in components.scripts(skip_global_imports=False)]
    assert any("def named" in one for one in sources)
    assert not any("def nested" in one for one in sources)


def test_a_component_is_made_a_module_once():
    one = Component("bare", bare, made(bare).options)
    assert one.source(skip_global_imports=False) is one.source(skip_global_imports=False)
