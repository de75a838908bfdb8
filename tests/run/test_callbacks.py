"""What becomes of whatever a user's function raises."""

from __future__ import annotations

import threading

import pytest

from penstock.core.errors import NotFound, StepFailed
from penstock.run.callbacks import POST, PRE, call, is_calling


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


def test_it_is_known_in_which_thread_a_callback_is_called():
    seen = []

    def function():
        seen.append(is_calling())
        other = threading.Thread(target=lambda: seen.append(is_calling()))
        other.start()
        other.join()
        raise ValueError

    with pytest.raises(StepFailed):
        call(POST, function)
    assert (seen, is_calling()) == ([True, False], False)
