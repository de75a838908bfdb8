"""Pipelines as people look at them: how each goes, and what went wrong lately."""

from __future__ import annotations

import pytest

from penstock.core.access import Identity, Kind, Scope
from penstock.core.errors import Invalid
from penstock.core.task import Status
from penstock.ops.lifecycle import EnqueueTask
from penstock.ops.pipelines import Failure, ListFailures, ListPipelines
from penstock.ops.runs import ArchiveRun
from penstock.service.pipelines import COUNTED, DRAWN, LATELY


def ran(timed, name="flow", seconds=10.0, status=Status.COMPLETED, message="", **facts):
    """Record a run that took so long."""
    run = timed.start(timed.draft(name, **facts), timed.pipeline("a", name=name))
    timed.clock.now += seconds
    return timed.end_run(run, status, message=message)


def pipelines(timed, **fields):
    return timed.backend.call(ListPipelines(**fields)).rows


def test_a_pipeline_comes_with_its_newest_runs_and_how_often_and_how_fast_they_complete(timed):
    for seconds in (10.0, 30.0, 20.0):
        ran(timed, seconds=seconds)
    ran(timed, status=Status.FAILED, message="no\nmore", user="ada", tags=("x",))
    ran(timed, status=Status.STOPPED)
    last = ran(timed, seconds=40.0, user="eve", tags=("y",))
    (row,) = pipelines(timed)
    assert (row.name, row.project) == ("flow", "P")
    assert [bar.number for bar in row.runs] == [6, 5, 4, 3, 2, 1]
    assert (row.completed, row.failed, row.median) == (4, 1, 25.0)
    assert (row.runs[0].id, row.last.name, row.last.user, row.last.tags) == (last.id, "flow #6", "eve", ("y",))
    assert row.runs[0].ended - row.runs[0].started == 40.0


def test_the_first_line_of_the_last_error_stands_with_the_pipeline(timed):
    ran(timed, status=Status.FAILED, message="\nno\nmore")
    assert pipelines(timed)[0].last.error == "no"


def test_what_ended_long_ago_counts_no_more_but_is_still_drawn(timed):
    ran(timed)
    timed.clock.now += LATELY + 1
    (row,) = pipelines(timed)
    assert (row.completed, row.failed, row.median, len(row.runs)) == (0, 0, None, 1)


def test_a_run_that_waits_stands_before_all_others_and_a_draft_nowhere(timed):
    ran(timed)
    timed.draft()
    waiting = timed.queued_run()
    (row,) = pipelines(timed)
    assert (row.runs[0].id, row.runs[0].status) == (waiting.id, Status.QUEUED)
    assert len(row.runs) == 2
    assert row.last.queue == "services"


def test_a_pipeline_without_a_run_in_sight_is_not_listed(timed):
    timed.draft("other")
    run = ran(timed)
    timed.backend.call(ArchiveRun(id=run.id))
    assert pipelines(timed) == ()


def test_of_many_runs_the_newest_are_drawn_and_more_are_counted(timed):
    for _ in range(COUNTED + 2):
        ran(timed)
    (row,) = pipelines(timed)
    assert (len(row.runs), row.completed) == (DRAWN, COUNTED)


def test_pages_follow_each_other_whatever_lies_between(timed):
    for name in ("c", "a", "d", "b"):
        timed.draft(name) if name == "b" else ran(timed, name)
    first = timed.backend.call(ListPipelines(limit=2))
    assert ([row.name for row in first.rows], first.next) == (["a", "c"], ("c", "P"))
    second = timed.backend.call(ListPipelines(limit=2, after=first.next))
    assert ([row.name for row in second.rows], second.next) == (["d"], None)


@pytest.mark.parametrize(
    ("asked", "found"),
    [({"text": "LO"}, ["flow"]), ({"text": "q/"}, ["other"]), ({"project": "Q"}, ["other"]),
     ({"project": "Q/x"}, ["other"]), ({"project": "Q/"}, []), ({"project": ""}, ["flow", "other"])],
)  # fmt: skip
def test_pipelines_are_found_by_letters_and_by_project(timed, asked, found):
    ran(timed)
    other = timed.start(timed.draft("other", "Q/x"), timed.pipeline("a", name="other", project="Q/x"))
    timed.end_run(other)
    assert [row.name for row in pipelines(timed, **asked)] == found


def test_whoever_may_see_some_projects_sees_their_pipelines_alone(timed):
    ran(timed)
    timed.backend.call(EnqueueTask(id=timed.draft("other", "Q").id, queue="services"))
    ran(timed, status=Status.FAILED)
    ada = Identity(name="ada", kind=Kind.USER, scope=Scope.READ, projects=("Q",))
    assert [row.name for row in timed.backend.call(ListPipelines(), ada).rows] == ["other"]
    assert timed.backend.call(ListFailures(), ada) == []


def test_what_failed_lately_comes_with_the_step_that_failed_first_and_its_error(timed):
    run = timed.run("a", "b")
    timed.clock.now += 1
    timed.fail(timed.launch(run, "b"), "ValueError: no\nmore")
    timed.clock.now += 1
    timed.fail(timed.launch(run, "a"), "KeyError")
    run = timed.end_run(run, Status.FAILED, message="step 'b' failed")
    bare = ran(timed, status=Status.FAILED, message="its script ended\nbadly", user="ada")
    ran(timed)
    facts = {"pipeline": "flow", "project": "P"}
    assert timed.backend.call(ListFailures()) == [
        Failure(run=bare.id, name="flow #2", user="ada", ended=bare.task.ended, error="its script ended", **facts),
        Failure(run=run.id, name="flow", user="", ended=run.task.ended, step="b", error="ValueError: no", **facts),
    ]
    assert len(timed.backend.call(ListFailures(limit=1))) == 1
    timed.backend.call(ArchiveRun(id=bare.id))
    assert [one.run for one in timed.backend.call(ListFailures())] == [run.id]
    timed.clock.now += 86_401
    assert timed.backend.call(ListFailures()) == []


@pytest.mark.parametrize("op", [ListPipelines(limit=0), ListPipelines(limit=201), ListFailures(limit=0)])
def test_a_page_has_one_row_at_the_least_and_two_hundred_at_the_most(timed, op):
    with pytest.raises(Invalid, match="limit must be 1 to 200"):
        timed.backend.call(op)
