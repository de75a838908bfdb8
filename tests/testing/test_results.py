"""What a test looks at when a run has ended."""

from __future__ import annotations

import pytest

from penstock import PipelineController
from penstock.core.errors import NotFound


def say(word):
    print(word)
    return word


@pytest.fixture
def ran(penstock):
    pipe = PipelineController("said", "Tests")
    pipe.upload_artifact("words", ["a", "b"])
    pipe.add_function_step("say", say, {"word": "hello"}, ["word"])
    pipe.add_function_step("again", say, {"word": "${say.word}"}, ["word"], parents=["say"])
    return penstock.run(pipe)


def test_a_run_is_its_steps_by_name(ran):
    assert (list(ran), len(ran), ran["say"].name) == (["say", "again"], 2, "say")
    with pytest.raises(NotFound, match="no step 'sya'") as error:
        _ = ran["sya"]
    assert error.value.hint == "did you mean 'say'?"


def test_the_run_itself_has_recorded_things_too(ran):
    assert ran.artifacts == {"words": ["a", "b"]}
    assert (ran.task.id, ran.status, ran.name) == (ran.id, "completed", "said")


def test_a_step_tells_its_parameters_and_what_it_returned(ran):
    assert ran["say"].parameters == {"kwargs/word": "hello", "return/word": "hello"}
    assert (ran["say"].status, ran["say"].reason, ran["say"].attempts) == ("completed", "", 1)


def test_a_run_shows_how_its_steps_ended(ran):
    assert repr(ran) == "<run 'said' completed; <step 'say' completed>, <step 'again' completed>>"
