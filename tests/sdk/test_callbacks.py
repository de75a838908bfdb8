"""From the user's functions to what a run calls."""

from __future__ import annotations

import pytest

from penstock import Task
from penstock.core.errors import Invalid
from penstock.core.progress import StepStatus
from penstock.run.callbacks import POST, PRE
from penstock.sdk.callbacks import ForAll, callbacks, for_every_step


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


def test_functions_for_every_step_are_called_beside_its_own_and_a_veto_is_the_last_word():
    told = []

    def of(name, answer=None):
        def call(*given):
            told.append((name, *given))
            return answer

        return call

    steps = {"own": {PRE: of("pre"), POST: of("post")}, "none": {}, "no": {PRE: of("veto", answer=False)}}
    found = for_every_step(steps, ForAll(created=of("created"), completed=of("completed")))
    assert [found[step][PRE]("p", "n", {}) for step in steps] == [True, True, False]
    for step in ("own", "none"):
        found[step][POST]("p", "n")
    assert [name for name, *_ in told] == ["pre", "created", "created", "veto", "completed", "post", "completed"]
    assert for_every_step({"a": {}}, ForAll()) == {"a": {}}
