"""The tree of errors."""

from __future__ import annotations

import pickle

import pytest

from penstock.core.errors import BY_CODE, BadVersion, Invalid, NotFound, PenstockError


def test_every_class_has_a_code_of_its_own_and_is_found_by_it():
    assert len(BY_CODE) == len(set(BY_CODE.values()))
    assert all(kind.code == code for code, kind in BY_CODE.items())


@pytest.mark.parametrize("kind", BY_CODE.values())
def test_every_class_says_something_without_being_told_what(kind):
    assert str(kind()).endswith(".")


def test_the_hint_stands_on_a_line_of_its_own():
    assert str(NotFound("there is no x", hint="make one")) == "there is no x\nhint: make one"


def test_bad_input_is_a_value_error_too():
    assert issubclass(BadVersion, Invalid)
    assert issubclass(Invalid, ValueError)


def test_an_error_comes_back_whole_from_another_process():
    again = pickle.loads(pickle.dumps(NotFound("there is no x", hint="make one")))
    assert (type(again), again.message, again.hint) == (NotFound, "there is no x", "make one")
    assert isinstance(again, PenstockError)
