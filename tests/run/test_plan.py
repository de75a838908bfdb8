"""Whether what steps leave behind is wanted with the word that they have ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.core.pipeline import Argument, Pipeline, Step
from penstock.core.run import Run
from penstock.core.task import Task, Worker
from penstock.run.callbacks import Callbacks
from penstock.run.launch import Surroundings
from penstock.run.plan import Plan


def planned(value="${a.x}", *, on_queues=True, **callbacks):
    steps = (Step(name="a", code="c"), Step(name="b", code="c", arguments={"x": Argument(value=value)}))
    place = Surroundings(home=Path("/h"), blobs=Path("/b"), scratch=Path("/s"), working="/", path=(), environment={})
    return Plan(
        pipeline=Pipeline(name="p", project="P", steps=steps),
        run=Run(task=Task(id="r", name="p", project="P"), pipeline="p", project="P"),
        worker=Worker(host="h", pid=1),
        surroundings=place,
        inputs={},
        preload=(),
        preload_fingerprint="",
        slots=1,
        since=0,
        callbacks=Callbacks(**callbacks),
        observer=None,
        complain=pytest.fail,
        on_queues=on_queues,
    )


@pytest.mark.parametrize("value", ["${a.x}", ["${a.artifacts.x.url}"], {"k": "${a.id} of ${pipeline.rate}"}])
def test_what_steps_on_queues_leave_is_handed_on_where_others_refer_to_it(value):
    assert planned(value).hands_on
    assert not planned(value, on_queues=False).hands_on


@pytest.mark.parametrize("value", [1, "text", "${pipeline.rate}"])
def test_nothing_is_handed_on_where_nobody_refers_to_a_step(value):
    assert not planned(value).hands_on


@pytest.mark.parametrize("name", ["before", "after", "changed", "retry", "make"])
def test_nothing_is_handed_on_where_a_function_of_the_user_s_comes_in_between(name):
    assert planned(**{name: {"a": lambda *_: None}}).hands_on == (name in {"before", "retry"})
