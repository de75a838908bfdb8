"""What a change is about: what begins to wait in a queue, a task's end, a queue, an agent."""

from __future__ import annotations

import pytest

from penstock.core.run import Change, ChangeKind
from penstock.core.topics import (
    ANY,
    EVERYTHING,
    LIMITS,
    RELEASED,
    is_shared,
    of_agent,
    of_queue,
    of_run,
    of_task,
    queued_in,
    topics_of,
)


def topics(kind=ChangeKind.STATUS, status="in_progress", **given):
    return set(topics_of(Change(seq=1, at=1.0, kind=kind, status=status, **{"task": "t", **given})))


def test_a_change_is_about_its_task_its_run_and_everything():
    assert topics(run="r") == {EVERYTHING, of_task("t"), of_run("r")}
    assert topics() == {EVERYTHING, of_task("t")}
    assert of_run(None) == EVERYTHING


@pytest.mark.parametrize(("run", "is_run"), [("t", True), ("r", False), (None, False)])
def test_what_waits_is_about_its_queue_and_any_queue_and_a_run_is_told_from_its_steps(run, is_run):
    found = topics(status="queued", place="gpu", run=run)
    assert found >= {queued_in("gpu", runs=is_run), queued_in(ANY, runs=is_run), RELEASED}
    assert queued_in("gpu", runs=not is_run) not in found


@pytest.mark.parametrize("status", ["completed", "failed", "stopped"])
def test_what_ends_lets_go_of_what_it_held(status):
    assert RELEASED in topics(status=status)
    assert RELEASED not in topics(ChangeKind.STEP, status)


def test_a_queue_an_agent_and_a_limit_have_topics_and_no_task():
    assert topics(ChangeKind.QUEUE, "", task="", place="gpu") == {EVERYTHING, of_queue("gpu"), of_queue(ANY)}
    assert topics(ChangeKind.AGENT, "", task="", place="a") == {EVERYTHING, of_agent("a")}
    assert topics(ChangeKind.LIMIT, "", task="", place="gpu") == {EVERYTHING, LIMITS}


def test_only_what_one_can_have_is_shared():
    assert all(map(is_shared, (RELEASED, queued_in("q", runs=True), queued_in(ANY, runs=False))))
    assert not any(map(is_shared, (EVERYTHING, of_task("t"), of_run("r"), of_agent("a"), of_queue("q"))))
