"""The change feed: nothing is missing from it, and whoever waits for it is woken."""

from __future__ import annotations

import subprocess
import sys
import threading

from penstock.core.run import ChangeKind
from penstock.ops.changes import FollowRun, LastChange, ListChanges
from penstock.ops.outputs import GetOutputs
from penstock.ops.runs import DeleteRun, StopRun

# A wait that nothing wakes would be noticed: it lasts longer than any test may.
FOR_EVER = 100_000.0
ANOTHER_PROCESS = """
import sys
from pathlib import Path
from penstock.backend import connect
from penstock.core.task import Status
from penstock.ops.tasks import EndTask
from penstock.settings import Settings

backend = connect(Settings(home=Path(sys.argv[1]), workers=1))
print("ready", flush=True)
sys.stdin.readline()
backend.call(EndTask(id=sys.argv[2], status=Status.COMPLETED))
"""


def test_an_empty_feed_stands_at_zero(backend):
    assert backend.call(LastChange()) == 0
    assert backend.call(ListChanges()) == []


def test_the_feed_of_a_run_tells_its_story_in_order(desk):
    run = desk.run("a", "b")
    other = desk.run("z", name="other")
    first = desk.launch(run, "a")
    desk.launch(other, "z")
    desk.fail(first, "it broke\nin two lines")
    desk.launch(run, "a", 2)
    desk.backend.call(StopRun(id=run.id, why="enough"))
    desk.end_run(run)
    assert desk.changes(run=run) == [
        ("described", None, "created"),
        ("status", None, "in_progress"),
        ("status", "a", "in_progress"),
        ("status", "a", "failed"),
        ("status", "a", "in_progress"),
        ("stop asked", None, "in_progress"),
        ("status", "a", "stopped"),
        ("step", "b", "skipped"),
        ("status", None, "completed"),
    ]
    found = desk.backend.call(ListChanges(run=run.id))
    assert [change.attempt for change in found] == [1, 0, 1, 1, 2, 0, 2, 0, 0]
    assert [change.message for change in found if change.message][:2] == ["it broke", "enough"]
    assert [change.seq for change in found] == sorted({change.seq for change in found})
    assert {change.task for change in found if change.step is None} == {run.id}


def test_a_reader_goes_on_where_it_stopped(desk):
    run = desk.run("a", "b", "c")
    for step in "abc":
        desk.launch(run, step)
    seen, after = [], 0
    while page := desk.backend.call(ListChanges(after=after, limit=2)):
        assert len(page) <= 2
        seen += page
        after = page[-1].seq
    assert seen == desk.backend.call(ListChanges())
    assert after == desk.last()


def test_waiting_answers_at_once_when_there_is_something(desk):
    run = desk.run("a")
    found = desk.backend.call(ListChanges(run=run.id, wait=FOR_EVER))
    assert [one.status for one in found] == ["created", "in_progress"]


def test_waiting_ends_with_nothing_when_the_time_is_over(desk):
    """A change of another run does not count."""
    run, other = desk.run("a"), desk.draft("other")
    seen = desk.last()
    desk.start(other)
    assert desk.backend.call(ListChanges(after=seen, run=run.id, wait=0.05)) == []


def test_news_of_a_run_bring_what_its_attempts_left_behind_while_they_are_few(desk):
    run, other = desk.run("a", "b", "c"), desk.run("z", name="other")
    seen = desk.last()
    tasks = [desk.launch(run, step) for step in "abc"]
    desk.end(desk.launch(other, "z"))
    desk.end(tasks[0])
    desk.end(tasks[1])
    desk.fail(tasks[2], "broke")
    told = tuple(desk.backend.call(ListChanges(after=seen, run=run.id)))
    left = tuple(desk.backend.call(GetOutputs(task=task.id)) for task in tasks[:2])
    for most in (2, 9):
        news = desk.backend.call(FollowRun(run=run.id, after=seen, outputs=most, wait=FOR_EVER))
        assert (news.changes, news.outputs) == (told, left)
    assert desk.backend.call(FollowRun(run=run.id, after=seen, outputs=1)).outputs == ()
    assert desk.backend.call(FollowRun(run=run.id, after=seen, limit=2)).changes == told[:2]
    assert not desk.backend.call(FollowRun(run=run.id, after=desk.last(), wait=0.05, outputs=9))


def test_who_waits_is_woken_by_another_thread(desk):
    run = desk.run("a")
    task = desk.launch(run, "a")
    seen, woken = desk.last(), []
    waiting = threading.Thread(
        target=lambda: woken.extend(desk.backend.call(ListChanges(after=seen, run=run.id, wait=FOR_EVER)))
    )
    waiting.start()
    desk.end(task)
    waiting.join()
    assert [(change.kind, change.step, change.status) for change in woken] == [(ChangeKind.STATUS, "a", "completed")]


def test_who_waits_is_woken_by_another_process(desk, settings):
    run = desk.run("a")
    task = desk.launch(run, "a")
    command = [sys.executable, "-c", ANOTHER_PROCESS, str(settings.home), task.id]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        seen = desk.last()
        process.stdin.write(b"\n")
        process.stdin.close()
        woken = desk.backend.call(ListChanges(after=seen, run=run.id, wait=FOR_EVER))
    assert process.returncode == 0
    assert [(change.step, change.status) for change in woken] == [("a", "completed")]


def test_a_change_is_seen_with_what_it_tells_of(desk):
    """Who is woken by a change reads a store in which it has happened."""
    run = desk.run("a")
    task = desk.launch(run, "a")
    seen, read = desk.last(), []

    def follow():
        (change,) = desk.backend.call(ListChanges(after=seen, run=run.id, wait=FOR_EVER))
        read.append((change.status, str(desk.states(run)["a"].status)))

    following = threading.Thread(target=follow)
    following.start()
    desk.end(task)
    following.join()
    assert read == [("completed", "completed")]


def test_that_a_run_was_deleted_stays_in_the_feed(desk):
    run = desk.run("a")
    desk.end(desk.launch(run, "a"))
    desk.end_run(run)
    desk.backend.call(DeleteRun(id=run.id))
    assert desk.changes(run=run) == [("deleted", None, "completed")]
