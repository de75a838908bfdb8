"""What becomes of whatever a user's function raises."""

from __future__ import annotations

import pytest

from penstock.core.errors import NotFound, StepFailed
from penstock.run.callbacks import POST, PRE, call


class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def throw(error):
    raise error


def test_what_a_function_returns_comes_back_as_it_is():
    answer = object()
    assert call(PRE, lambda: answer) is answer


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyError("lost"), "KeyError: 'lost'"),
        (ValueError(), "ValueError"),
        (SystemExit(3), "SystemExit: 3"),
        (NotFound("there is no task t"), "NotFound: there is no task t"),
        (ValueError("half \ud800 of a pair"), "ValueError: half \\ud800 of a pair"),
        (Mute(), "Mute"),
    ],
)
def test_an_error_is_told_with_its_class_and_the_name_of_the_callback(error, said):
    with pytest.raises(StepFailed) as caught:
        call(POST, lambda: throw(error))
    assert caught.value.message == f"post_execute_callback raised {said}"
    assert caught.value.__cause__ is error


def test_the_keyboard_is_no_error_of_the_callback():
    with pytest.raises(KeyboardInterrupt):
        call(PRE, lambda: throw(KeyboardInterrupt()))
