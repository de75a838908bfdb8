"""Queues in the terminal."""

from __future__ import annotations

import pytest

from penstock.core.task import Status
from penstock.ops.lifecycle import EnqueueTask
from penstock.ops.tasks import GetTask


@pytest.fixture
def queued(recorder):
    def queued(name, queue="default", priority=0):
        task = recorder.task(name)
        return recorder.call(EnqueueTask(id=task.id, queue=queue, priority=priority))

    return queued


def waiting(penstock, queue="default"):
    return [entry["name"] for entry in penstock("queue", "show", queue, "--json").document()["entries"]]


def test_queues_are_listed_with_what_waits_and_what_is_missing(penstock, queued):
    queued("fit")
    answer = penstock("queue")
    assert answer.code == 0
    header, default, services = answer.out.splitlines()
    assert header.split() == ["QUEUE", "WAITING", "RUNNING", "LIMIT", "AGENTS", "STATE"]
    assert default.split() == ["default", "1", "0", "0", *["start", "one:", "penstock", "agent", "--queue", "default"]]
    assert services.split() == ["services", "0", "0", "0"]


def test_a_queue_is_created_limited_paused_renamed_and_deleted(penstock):
    assert penstock("queue", "create", "gpu", "--limit", "2").out.splitlines()[1].split() == ["gpu", "0", "0", "2", "0"]
    assert penstock("queue", "limit", "gpu", "0").out.splitlines()[1].split() == ["gpu", "0", "0", "0"]
    assert penstock("queue", "pause", "gpu").out.splitlines()[1].split()[-1] == "paused"
    assert penstock("queue", "resume", "gpu", "--json").document()["queue"]["paused"] is False
    assert penstock("queue", "rename", "gpu", "big").out.splitlines()[1].split()[0] == "big"
    assert "big" not in penstock("queue", "delete", "big").out


def test_what_waits_is_shown_next_first_and_moved(penstock, queued):
    tasks = {name: queued(name) for name in ("one", "two", "three")}
    assert [line.split()[1] for line in penstock("queue", "show", "default").out.splitlines()[1:]] == list(tasks)
    penstock("queue", "move", "three", "--first")
    assert waiting(penstock) == ["three", "one", "two"]
    penstock("queue", "move", tasks["three"].id[:8], "--to", "2")
    assert waiting(penstock) == ["one", "three", "two"]
    assert penstock("queue", "move", "one", "--queue", "services", "--json").code == 0
    assert (waiting(penstock), waiting(penstock, "services")) == (["three", "two"], ["one"])


def test_a_queue_that_is_in_use_is_deleted_by_force_alone(penstock, queued, recorder):
    task = queued("fit")
    refused = penstock("queue", "delete", "default")
    assert (refused.code, refused.err.splitlines()[0]) == (1, "error: 1 tasks wait in queue 'default'")
    assert penstock("queue", "delete", "default", "--force").code == 0
    assert recorder.call(GetTask(id=task.id)).status is Status.CREATED


@pytest.mark.parametrize("arguments", [("show", "nope"), ("pause", "nope"), ("delete", "nope"), ("move", "nope")])
def test_what_is_not_there_is_named(penstock, arguments):
    answer = penstock("queue", *arguments)
    assert answer.code == 3
    assert "'nope'" in answer.err


def test_names_of_tasks_cannot_write_on_the_terminal(penstock, queued):
    queued("evil \x1b[2J\x07")
    assert "\x1b" not in penstock("queue", "show", "default").out


def test_nothing_that_waits_is_said_so(penstock):
    assert penstock("queue", "show", "default").err == "nothing waits in queue 'default'\n"
