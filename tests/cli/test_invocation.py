"""What the commands have in common."""

from __future__ import annotations

import pytest

from penstock.cli.invocation import OF_THE_RUN, Invocation, step_named, tasks
from penstock.core.errors import Invalid, NotFound
from penstock.core.pipeline import check_name
from penstock.ops.runs import GetRun


@pytest.fixture
def invocation(home):
    made = Invocation()
    yield made
    made.close()


@pytest.fixture
def detail(recorder):
    run = recorder.run({"load": [], "train": ["load"]})
    recorder.end(recorder.attempt(run, "load"))
    return recorder.call(GetRun(id=run.id))


def test_a_run_is_found_by_what_people_say(recorder, invocation):
    first = recorder.complete({"load": []})
    second = recorder.complete({"load": []})
    for text, run in [
        ("last", second),
        (first.id, first),
        (second.id[:12], second),
        ("iris", first),
        ("iris #2", second),
    ]:
        assert invocation.find(text).id == run.id
    assert invocation.detail("last").run.id == second.id


def test_where_nothing_has_run_last_says_how_to_begin(invocation):
    with pytest.raises(NotFound, match="nothing has run here yet") as caught:
        invocation.find("last")
    assert "penstock run" in caught.value.hint


def test_a_step_that_is_misspelt_is_answered_with_the_nearest(detail):
    assert step_named(detail, "load").name == "load"
    with pytest.raises(NotFound, match="no step 'laod'") as caught:
        step_named(detail, "laod")
    assert caught.value.hint == "did you mean 'load'?"


def test_tasks_are_those_of_the_run_and_of_steps_that_were_tried(detail):
    assert [name for name, _ in tasks(detail, None)] == [OF_THE_RUN, "load"]
    assert tasks(detail, OF_THE_RUN) == [(OF_THE_RUN, detail.run.id)]
    assert [name for name, _ in tasks(detail, "load")] == ["load"]
    assert tasks(detail, "train") == []


def test_no_step_can_be_called_as_the_run_is():
    with pytest.raises(Invalid):
        check_name(OF_THE_RUN)


def test_the_home_is_not_opened_before_it_is_needed(home):
    made = Invocation()
    made.close()
    assert not home.exists()
