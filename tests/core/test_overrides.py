"""What a launch asks of single steps: recorded with the run, laid over its steps."""

from __future__ import annotations

import pytest

from penstock.core.errors import Invalid, NotFound
from penstock.core.overrides import (
    OVERRIDES,
    StepOverride,
    check_overrides,
    overridden,
    recorded_overrides,
    with_overrides,
)
from penstock.core.pipeline import Step

STEPS = (Step(name="a", code="c", queue="cpu", cache=True), Step(name="b", code="c", queue="cpu"))


def test_what_is_asked_of_a_step_is_laid_over_it_and_the_rest_stays():
    runtime = with_overrides({"working": "/there"}, {"a": StepOverride(queue="gpu"), "b": StepOverride(cache=True)})
    assert runtime["working"] == "/there"
    a, b = overridden(STEPS, runtime)
    assert (a.queue, a.cache, b.queue, b.cache) == ("gpu", True, "cpu", True)
    assert overridden(STEPS, {"working": "/there"}) == STEPS


def test_caching_can_be_ruled_out():
    (a, _) = overridden(STEPS, with_overrides({}, {"a": StepOverride(cache=False)}))
    assert not a.cache


def test_what_is_said_anew_holds_and_what_is_not_said_stays():
    first = with_overrides({}, {"a": StepOverride(queue="gpu", cache=False), "b": StepOverride(queue="gpu")})
    second = with_overrides(first, {"a": StepOverride(queue="cpu")})
    assert recorded_overrides(second) == {"a": StepOverride(queue="cpu", cache=False), "b": StepOverride(queue="gpu")}


def test_where_nothing_is_asked_nothing_is_recorded():
    assert with_overrides({}, {}) == {}
    assert recorded_overrides({}) == {}


def test_what_is_no_record_of_it_is_refused():
    with pytest.raises(Invalid, match=OVERRIDES):
        recorded_overrides({OVERRIDES: "[1]"})


def test_a_step_that_is_not_there_is_refused_with_the_one_that_was_meant():
    check_overrides({"train": StepOverride()}, ["load", "train"])
    with pytest.raises(NotFound, match="no step 'trian'") as caught:
        check_overrides({"trian": StepOverride()}, ["load", "train"])
    assert "train" in caught.value.hint
