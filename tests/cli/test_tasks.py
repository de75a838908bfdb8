"""The list of recorded tasks."""

from __future__ import annotations

from penstock.core.task import Status, TaskType
from penstock.ops.lifecycle import ArchiveTask


def names(answer):
    return [task["name"] for task in answer.document()["tasks"]]


def test_tasks_are_listed_newest_first_with_what_they_are(recorder, penstock):
    recorder.task("load", type=TaskType.DATA_PROCESSING)
    task = recorder.end(recorder.begin(recorder.task("train", "Research")))
    answer = penstock("tasks")
    assert answer.code == 0
    header, newest, oldest = answer.out.splitlines()
    assert header.split() == ["NAME", "TYPE", "STATUS", "CREATED", "DURATION", "PROJECT", "ID"]
    assert newest.split()[:4] == ["train", "training", "✓", "completed"]
    assert newest.split()[-2:] == ["Research", task.id[:8]]
    assert oldest.split()[:4] == ["load", "data_processing", "○", "created"]


def test_runs_and_their_steps_are_listed_elsewhere(recorder, penstock):
    recorder.complete({"a": []})
    answer = penstock("tasks")
    assert (answer.code, answer.out) == (0, "")
    assert "no tasks yet; a script records one with Task.init()" in answer.err


def test_filters_of_tasks_narrow_the_list(recorder, penstock):
    recorder.task("one", "P", tags=("red",))
    recorder.end(recorder.begin(recorder.task("two", "P")), Status.FAILED)
    recorder.task("three", "Q", tags=("red", "big"))
    hidden = recorder.task("hidden", "P")
    recorder.call(ArchiveTask(id=hidden.id))
    assert names(penstock("tasks", "--json")) == ["three", "two", "one"]
    assert names(penstock("tasks", "--json", "--project", "P")) == ["two", "one"]
    assert names(penstock("tasks", "--json", "--name", "^t")) == ["three", "two"]
    assert names(penstock("tasks", "--json", "--tag", "red", "--tag=-big")) == ["one"]
    assert names(penstock("tasks", "--json", "--status", "failed")) == ["two"]
    assert names(penstock("tasks", "--json", "--archived")) == ["hidden"]
    assert names(penstock("tasks", "--json", "--limit", "1")) == ["three"]
    assert "no tasks match" in penstock("tasks", "--name", "nothing").err
    assert penstock("tasks", "--name", "(").code == 2


def test_names_of_tasks_cannot_write_on_the_terminal(recorder, penstock):
    recorder.task("evil \x1b[2J\x07", "P")
    assert "\x1b" not in penstock("tasks").out
