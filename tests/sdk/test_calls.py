"""How the step of a call is given its arguments."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from penstock.core import refs
from penstock.core.errors import Invalid
from penstock.core.pipeline import Argument
from penstock.sdk.calls import as_given, bound, reference
from penstock.sdk.lazy import Lazy


class Point(NamedTuple):
    x: object
    y: object


def never():
    raise AssertionError("it was waited for")


LATER = Lazy("load", "table", never)


def function(a, b=2, *rest, c=3, **more):
    pass


def test_arguments_go_by_name_with_the_defaults():
    assert bound(function, (1,), {"c": 4, "d": 5}) == {"a": 1, "b": 2, "c": 4, "d": 5}


def test_a_call_that_python_would_refuse_is_refused_as_python_does():
    with pytest.raises(TypeError, match="missing a required argument: 'a'"):
        bound(function, (), {})


def test_arguments_without_a_name_are_refused():
    with pytest.raises(Invalid, match="called with 2 arguments that have no name"):
        bound(function, (1, 2, 3, 4), {})


@pytest.mark.parametrize("value", [1, 1.5, True, None, "text"])
def test_a_plain_value_is_given_itself(value):
    assert as_given("train", "rate", value).argument == Argument(value=value)


def test_a_value_that_is_not_there_yet_becomes_a_reference_and_is_not_waited_for():
    assert as_given("train", "data", LATER).argument == Argument(value="${load.table}")


def test_so_does_one_inside_lists_and_dicts_and_other_texts_there_mean_nothing():
    given = as_given("train", "data", [LATER, {"a": LATER, "b": "${HOME}"}, 1]).argument
    assert given == Argument(value=["${load.table}", {"a": "${load.table}", "b": "$${HOME}"}, 1])
    assert refs.resolve(given.value, lambda _: 7) == [7, {"a": 7, "b": "${HOME}"}, 1]


def test_what_json_cannot_hold_is_stored_with_the_references_in_it():
    given = as_given("train", "data", (LATER, {1}))
    assert given.argument == Argument(artifact="train.data", references=("${load.table}",))
    assert given.value == ("${load.table}", {1})
    named = as_given("train", "data", [Point(LATER, b"1")])
    assert named.value == [Point("${load.table}", b"1")]


def test_a_text_of_the_users_that_looks_like_a_reference_is_none():
    given = as_given("train", "path", "${HOME}/data").argument
    assert refs.resolve(given.value, lambda _: pytest.fail("looked up")) == "${HOME}/data"
    stored = as_given("train", "paths", ["${HOME}/data"])
    assert stored.argument == Argument(artifact="train.paths")
    assert stored.value == ["${HOME}/data"]


@pytest.mark.parametrize(("step", "name"), [("load", "id"), ("a.b", "x"), ("load", "models"), ("load", "x.y")])
def test_a_reference_names_the_value_whatever_it_is_called(step, name):
    (found,) = refs.references(reference(step, name))
    assert isinstance(found, refs.StepValue)
    assert (found.step, found.name) == (step, name)
