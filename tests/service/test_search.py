"""Lists that people look through, as operations; what conditions and orders mean is in tests/store/test_search.py."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from penstock.core.access import Identity, Scope
from penstock.core.errors import Invalid
from penstock.core.outputs import ScalarPoint
from penstock.core.search import Compare, Condition, Fact, MetricColumn, ParameterColumn, Sort
from penstock.core.task import Parameter, Script
from penstock.ops.outputs import NewPoints, ReportScalars
from penstock.ops.runs import ArchiveRun, StopRun
from penstock.ops.search import SearchRuns, SearchTasks
from penstock.ops.tasks import DescribeTask, SetParameters

RATE, LOSS = ParameterColumn("Args", "rate"), MetricColumn("loss", "train")


def test_runs_come_with_what_was_asked_for_and_a_place_to_go_on_from(desk):
    runs = [desk.run("a") for _ in range(3)]
    for number, run in enumerate(runs):
        value = Parameter(section="Args", name="rate", value=number)
        desk.backend.call(SetParameters(task=run.id, parameters=(value,)))
    points = (ScalarPoint(1, 0.5, 1.0),)
    given = NewPoints(title="loss", series="train", points=points)
    desk.backend.call(ReportScalars(task=runs[1].id, series=(given,)))
    first = desk.backend.call(SearchRuns(sort=Sort(RATE, descending=True), columns=(RATE, LOSS), limit=2))
    assert [(row.run.id, row.values) for row in first.rows] == [(runs[2].id, (2, None)), (runs[1].id, (1, 0.5))]
    assert first.rows[0].run.counts == {"pending": 1}
    last = desk.backend.call(SearchRuns(sort=Sort(RATE, descending=True), limit=2, after=first.next))
    assert ([row.run.id for row in last.rows], last.next) == ([runs[0].id], None)


def test_a_run_that_changes_is_found_as_it_is(desk):
    run = desk.run("a")
    wanted = SearchRuns(where=(Condition(Fact("status"), Compare.EQUAL, ("stopped",)),))
    assert desk.backend.call(wanted).rows == ()
    desk.backend.call(StopRun(id=run.id))
    desk.end_run(run, "stopped")
    assert [row.run.id for row in desk.backend.call(wanted).rows] == [run.id]
    desk.backend.call(ArchiveRun(id=run.id))
    assert desk.backend.call(SearchRuns(archived=False)).rows == ()
    assert len(desk.backend.call(SearchRuns(archived=True)).rows) == 1


def test_lists_hold_what_somebody_may_see(desk):
    for project in ("P", "Q"):
        desk.run("a", project=project)
        desk.task(project, tags=("t",))
        desk.backend.call(DescribeTask(id=desk.task(project, tags=("t",)).id, project=project))
    who = Identity(name="ada", scope=Scope.READ, projects=("Q",))
    tagged = (Condition(Fact("tags"), Compare.EQUAL, ("t",)),)
    for where in ((), (Condition(Fact("project"), Compare.EQUAL, ("P", "Q")),)):
        assert {row.run.project for row in desk.backend.call(SearchRuns(where=where), who).rows} == {"Q"}
    for where in ((), tagged):
        assert {row.task.project for row in desk.backend.call(SearchTasks(where=where), who).rows} == {"Q"}


@pytest.mark.parametrize("op", [SearchRuns, SearchTasks])
def test_what_makes_no_sense_is_refused(desk, op):
    for how in (
        {"limit": 0},
        {"after": "x"},
        {"sort": Sort(Fact("x"))},
        {"where": (Condition(LOSS, Compare.LESS, ()),)},
    ):
        with pytest.raises(Invalid):
            desk.backend.call(op(**how))


@pytest.mark.parametrize("search", [SearchRuns, SearchTasks])
def test_a_brief_list_has_all_but_the_scripts(desk, search):
    script = Script(source="x" * 1_000)
    desk.start(desk.draft(script=script, tags=("a",)))
    desk.task(script=script, tags=("a",))
    whole, brief = (desk.backend.call(search(brief=brief)).rows[0] for brief in (False, True))
    task, short = (one.run.task if search is SearchRuns else one.task for one in (whole, brief))
    assert task.script == script
    assert short == replace(task, script=Script())
