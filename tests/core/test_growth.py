"""Whether a call in a run that goes on is the one that the run knows under its name."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from penstock.core.growth import what_differs
from penstock.core.pipeline import Argument, Step

STEP = Step(name="a", code="k", arguments={"x": Argument(value=1)}, returns=("y",))


def test_a_call_with_the_same_code_arguments_and_returns_is_the_same():
    assert what_differs(STEP, replace(STEP)) == ""


def test_how_a_call_is_carried_out_does_not_count():
    assert what_differs(STEP, replace(STEP, queue="q", retries=3, parents=("b",), stage="s")) == ""


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"code": "other"}, "its code changed"),
        ({"arguments": {"x": Argument(value=2)}}, "argument 'x' changed"),
        ({"arguments": {"x": Argument(value=1.0)}}, "argument 'x' changed"),
        ({"arguments": {"x": Argument(value=True)}}, "argument 'x' changed"),
        ({"arguments": {}}, "argument 'x' was removed"),
        ({"arguments": {"x": Argument(value=1), "z": Argument(value=1)}}, "argument 'z' was added"),
        ({"returns": ("y", "z")}, "what it returns changed"),
    ],
)
def test_another_call_says_in_what_it_differs(changes, says):
    assert what_differs(STEP, replace(STEP, **changes)) == says
