"""Reruns whose steps, and which themselves, are carried out by agents: real processes on one home."""

from __future__ import annotations

import pytest

from penstock.ops.decisions import ListDecisions
from penstock.ops.lifecycle import EnqueueTask
from penstock.ops.reruns import DraftRerun

SCRIPT = """
from penstock import PipelineController

def double(value):
    print("doubling", value)
    return value * 2

pipe = PipelineController("flow", "Tests")
pipe.set_default_execution_queue("default")
pipe.add_parameter("n", 3)
pipe.add_parameter("m", 5)
pipe.add_function_step("a", double, {"value": "${pipeline.n}"}, ["x"])
pipe.add_function_step("b", double, {"value": "${a.x}"}, ["x"])
pipe.add_function_step("c", double, {"value": "${pipeline.m}"}, ["x"])
pipe.start()
"""


@pytest.fixture
def first(place):
    """A run that an agent carried out; the agent goes on."""
    place.agent()
    place.run(SCRIPT)
    assert place.ended("flow") == ("completed", dict.fromkeys("abc", "completed"))
    return place.found("flow").run


def test_a_draft_that_waits_in_a_queue_is_carried_out_by_an_agent_as_it_was_planned(place, first):
    draft = place.backend.call(DraftRerun(id="a" * 32, source=first.id, from_step="b")).run
    place.backend.call(EnqueueTask(id=draft.id, queue="services"))
    assert place.ended(draft.id) == ("completed", {"a": "cached", "b": "completed", "c": "cached"})
    reasons = [one.reason for one in place.backend.call(ListDecisions(run=draft.id, step="a"))]
    assert reasons == ["it is unchanged since flow #1"]


def test_the_command_puts_what_runs_anew_into_queues_where_the_script_does(place, first):
    place.penstock("rerun", "flow", "--param", "n=4", "--plain")
    assert place.ended("flow #2") == ("completed", {"a": "completed", "b": "completed", "c": "cached"})
    assert first.id != place.found("flow #2").run.id
    (task,) = place.attempts("flow #2", "a")
    assert task.queue == "default"
