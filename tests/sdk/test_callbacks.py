"""From the user's functions to what a run calls."""

from __future__ import annotations

import pytest

from penstock import Task
from penstock.core.errors import Invalid
from penstock.core.progress import StepStatus
from penstock.sdk.callbacks import callbacks


def test_the_functions_get_the_pipeline_and_the_node(home):
    calls = []

    def function(*given):
        calls.append(given)
        return "answer"

    names = ("pre_execute_callback", "post_execute_callback", "status_change_callback", "retry_on_failure")
    made = callbacks("pipe", {"a": dict.fromkeys(names, function), "b": {}}, lambda step, task: (step, task))
    parameters = {"kwargs/x": 1}
    assert made.before["a"]("t", parameters) == "answer"
    assert made.after["a"](None) == made.changed["a"](StepStatus.RUNNING) == made.retry["a"](2) == "answer"
    assert calls == [
        ("pipe", ("a", "t"), parameters),
        ("pipe", ("a", None)),
        ("pipe", ("a", None), "running"),
        ("pipe", ("a", None), 2),
    ]
    assert calls[0][2] is parameters
    assert type(calls[2][2]) is str


def test_a_step_without_functions_is_in_no_table(home):
    made = callbacks("pipe", {"a": {}}, lambda step, task: None)
    assert (made.before, made.after, made.changed, made.retry, made.make) == ({}, {}, {}, {}, {})


def test_a_factory_gets_the_node_and_its_task_is_taken(home):
    task = Task.create("P", "work", script=__file__, packages=[])
    seen = []

    def factory(node):
        seen.append(node)
        return task

    made = callbacks("pipe", {"a": {"base_task_factory": factory}}, lambda step, id: (step, id))
    assert made.make["a"]() == task.id
    assert seen == [("a", None)]


def test_a_factory_that_makes_no_task_says_so(home):
    made = callbacks("pipe", {"a": {"base_task_factory": lambda node: "id"}}, lambda step, id: None)
    with pytest.raises(Invalid, match="returned a str, and no Task"):
        made.make["a"]()
