"""Methods for a pipeline's own run, or for the run that this process works on."""

from __future__ import annotations

import inspect

import pytest

from penstock.core.errors import Invalid
from penstock.run import current
from penstock.sdk.on_run import OnRun


class Pipe:
    """Something with a run."""

    id = "mine"

    @OnRun
    @staticmethod
    def tell(run, what="x"):
        """Say what."""
        return run, what


@pytest.fixture(autouse=True)
def no_work():
    current.put(None)
    yield
    current.put(None)


def test_an_instance_tells_of_its_own_run():
    assert Pipe().tell("y") == ("mine", "y")


def test_the_class_tells_of_the_run_of_this_process():
    current.put(current.Current("step", "run", None, None, ""))
    assert Pipe.tell() == ("run", "x")


def test_without_a_run_the_class_says_where_to_call_it():
    with pytest.raises(Invalid, match="works on no pipeline"):
        Pipe.tell()


def test_it_shows_the_documented_arguments_alone():
    assert str(inspect.signature(Pipe.tell)) == "(what='x')"
    assert Pipe.tell.__doc__ == "Say what."
