from __future__ import annotations

import pytest

from penstock.core.errors import BadTransition
from penstock.core.run import Change, ChangeKind
from penstock.core.task import EndReason, Status, Task
from penstock.ops.changes import FollowRun, RunNews
from penstock.ops.outputs import Outputs
from penstock.ops.tasks import EndTask, GetTask
from penstock.run.attempts import Ending
from penstock.run.waiting import Moved, Waiting


class Backend:
    def __init__(self):
        self.tasks = {}
        self.ended = []
        self.followed = []
        self.news = RunNews()

    def call(self, op):
        match op:
            case GetTask(id=id):
                return self.tasks[id]
            case FollowRun():
                self.followed.append(op)
                return self.news
            case EndTask(id=id):
                self.ended.append((id, op.status, op.reason))
                if id == "over":
                    raise BadTransition("over")
                return None


@pytest.fixture
def backend():
    return Backend()


def change(task, status, message=""):
    return Change(seq=1, at=1.0, kind=ChangeKind.STATUS, task=task, status=str(status), message=message)


def test_an_attempt_is_followed_from_its_queue_to_its_end(backend):
    waiting = Waiting(backend, "r")
    waiting.add("a", 1, "t", "gpu")
    assert (len(waiting), waiting.queues) == (1, {"a": "gpu"})
    waiting.tell(change("t", Status.IN_PROGRESS, "claimed by x"))
    assert waiting.take() == [Moved(step="a", attempt=1, claimed=True, message="claimed by x")]
    assert waiting.queues == {}
    waiting.tell(change("t", Status.QUEUED, "x was lost"))
    assert waiting.take() == [Moved(step="a", attempt=1, claimed=False, message="x was lost")]
    backend.tasks["t"] = Task(
        id="t", name="a", project="P", status=Status.FAILED, reason=EndReason.AGENT_LOST, message="gone\nfar"
    )
    waiting.tell(change("t", Status.FAILED))
    ending = Ending(step="a", attempt=1, status=Status.FAILED, message="gone", reason=EndReason.AGENT_LOST)
    assert waiting.take() == [ending]
    assert (len(waiting), waiting.take()) == (0, [])


def test_of_an_attempt_that_completed_the_change_says_it_all(backend):
    waiting = Waiting(backend, "r")
    waiting.add("a", 1, "t", None)
    waiting.tell(change("t", Status.COMPLETED, "in time"))
    assert waiting.take() == [Ending(step="a", attempt=1, status=Status.COMPLETED, message="in time")]


def test_what_is_told_before_an_attempt_is_added_is_not_lost(backend):
    waiting = Waiting(backend, "r")
    waiting.tell(change("t", Status.IN_PROGRESS))
    waiting.tell(change("stranger", Status.IN_PROGRESS))
    waiting.add("a", 1, "t", "default")
    assert [one.step for one in waiting.take()] == ["a"]


def test_only_attempts_that_are_followed_are_stopped_and_one_that_has_just_ended_is_no_error(backend):
    waiting = Waiting(backend, "r")
    waiting.add("a", 1, "over", None)
    waiting.stop("over")
    waiting.stop("stranger")
    assert backend.ended == [("over", Status.STOPPED, EndReason.ABORTED)]


def test_what_an_attempt_left_behind_is_known_while_its_end_is_taken_in_and_not_later(backend):
    left = Outputs(task=Task(id="t", name="a", project="P"), artifacts=(), models=(), parameters=())
    backend.news = RunNews(changes=(change("t", Status.COMPLETED),), outputs=(left,))
    waiting = Waiting(backend, "r", outputs=True)
    waiting.add("a", 1, "t", None)
    assert waiting.outputs_of("t") is None
    for one in waiting.follow(7):
        waiting.tell(one)
    assert waiting.outputs_of("t") is None, "its end is not known yet to who would ask"
    waiting.take()
    assert waiting.outputs_of("t") == left
    waiting.take()
    assert waiting.outputs_of("t") is None


def test_it_is_known_too_where_begin_and_end_come_in_one_piece_and_are_taken_one_by_one(backend):
    left = Outputs(task=Task(id="t", name="a", project="P"), artifacts=(), models=(), parameters=())
    backend.news = RunNews(changes=(change("t", Status.IN_PROGRESS), change("t", Status.COMPLETED)), outputs=(left,))
    waiting = Waiting(backend, "r", outputs=True)
    waiting.add("a", 1, "t", None)
    for one in waiting.follow(7):
        waiting.tell(one)
        waiting.take()
    assert waiting.outputs_of("t") == left


@pytest.mark.parametrize("outputs", [True, False])
def test_the_feed_is_followed_from_where_it_was_left_with_what_is_wanted_alone(backend, outputs):
    assert Waiting(backend, "r", outputs=outputs).follow(7) == ()
    (asked,) = backend.followed
    assert (asked.run, asked.after, asked.outputs > 0) == ("r", 7, outputs)
    assert asked.wait > asked.linger > 0
