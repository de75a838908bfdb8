from __future__ import annotations

import pytest

from penstock.core.errors import Conflict
from penstock.core.task import Task
from penstock.ops.queues import Queue
from penstock.ops.steps import DecideSteps
from penstock.ops.tag_limits import ListTagLimits, TagLimit
from penstock.ops.tasks import ListTasks
from penstock.run import overseer
from penstock.run.overseer import Overseer


class Backend:
    def __init__(self, *queues, limits=(), tasks=(), is_late=False):
        self.queues = queues
        self.is_late = is_late
        self.limits = limits
        self.tasks = tasks
        self.decided = []

    def call(self, op):
        if isinstance(op, DecideSteps):
            if self.is_late:
                raise Conflict("step 'a' is running after try 1")
            self.decided += [(one.step, one.reason) for one in op.decisions]
            return None
        if isinstance(op, ListTagLimits | ListTasks):
            return list(self.limits if isinstance(op, ListTagLimits) else self.tasks)
        return list(self.queues)


@pytest.fixture
def looks(monkeypatch):
    monkeypatch.setattr(overseer, "end_dead", lambda backend: None)
    monkeypatch.setattr(overseer, "LOOK", 0.0)

    def looks(queue, steps=("a", "b"), coming=False, **held_back):
        backend, complaints = Backend(queue, **held_back), []
        watching = Overseer(backend, "run", lambda: coming, complaints.append)
        for _ in range(2):
            watching.look([(step, "gpu") for step in steps])
        return backend.decided, complaints

    return looks


def test_steps_that_nobody_would_carry_out_are_told_of_once_with_what_helps(looks):
    why = "no agent serves queue 'gpu'; start one with: penstock agent --queue gpu"
    decided, complaints = looks(Queue(name="gpu"))
    assert decided == [("a", why), ("b", why)]
    assert complaints == [f"step 'a' waits: {why}"]


def test_a_queue_that_is_paused_is_told_of_although_agents_serve_it(looks):
    decided, _ = looks(Queue(name="gpu", paused=True, agents=3))
    assert decided[0] == ("a", "queue 'gpu' is paused; let it go on with: penstock queue resume gpu")


def test_a_step_whose_tag_is_at_its_limit_is_told_of(looks):
    limits = [TagLimit(tag="gpu-license", limit=2, running=2), TagLimit(tag="free", limit=2, running=1)]
    tasks = [Task(id=step, name=step, project="P", step=step, tags=(tag,)) for step, tag in
             (("a", "gpu-license"), ("b", "free"))]  # fmt: skip
    served = Queue(name="gpu", agents=1)
    decided, complaints = looks(served, limits=limits, tasks=tasks)
    assert decided == [("a", "2 of 2 tasks tagged 'gpu-license' are running")]
    assert complaints == ["step 'a' waits: 2 of 2 tasks tagged 'gpu-license' are running"]
    assert looks(served, limits=limits[1:], tasks=tasks) == ([], [])


@pytest.mark.parametrize(("queue", "coming"), [(Queue(name="gpu", agents=1), False), (Queue(name="gpu"), True)])
def test_where_an_agent_lives_or_is_on_its_way_there_is_nothing_to_tell(looks, queue, coming):
    assert looks(queue, coming=coming) == ([], [])


def test_a_step_that_was_claimed_since_it_looked_is_left_alone(looks):
    """An agent that has just started takes it in the very moment in which its absence is noted."""
    decided, complaints = looks(Queue(name="gpu"), is_late=True)
    assert (decided, len(complaints)) == ([], 1)


def test_it_looks_no_more_often_than_now_and_then(monkeypatch):
    looked = []
    monkeypatch.setattr(overseer, "end_dead", looked.append)
    watching = Overseer(Backend(), "run", bool, print)
    for _ in range(5):
        watching.look([])
    assert len(looked) == 1
    assert 0 < watching.patience <= overseer.LOOK
