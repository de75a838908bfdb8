"""Runs beside each other: in what they differ, and how their steps went."""

from __future__ import annotations

import pytest

from penstock.core.cachekey import KeyParts
from penstock.core.code import Code
from penstock.core.errors import Invalid
from penstock.core.outputs import ScalarPoint
from penstock.core.task import Configuration, Parameter, Script, Status
from penstock.ops.comparison import Cell, CompareRuns, Difference, GetGrid, GridRow, StepTimes
from penstock.ops.executions import Keyed
from penstock.ops.outputs import NewPoints, ReportScalars
from penstock.ops.runs import ArchiveRun
from penstock.ops.tasks import SetConfiguration, SetParameters


def compared(desk, *runs):
    return desk.backend.call(CompareRuns(ids=tuple(run.id for run in runs)))


def differences(comparison):
    return {(str(one.aspect), one.name): one.values for one in comparison.differences}


@pytest.fixture
def alike(desk):
    """Two runs that are alike in all but their number."""
    return [desk.start(desk.draft(), desk.pipeline("a", ("b", ["a"]))) for _ in range(2)]


def test_runs_that_are_alike_differ_in_nothing_and_it_is_said_in_how_much(desk, alike):
    found = compared(desk, *alike)
    assert found.differences == ()
    assert found.alike["code"] == 3
    assert [run.id for run in found.runs] == [run.id for run in alike]


def test_parameters_and_configurations_are_told_where_they_differ(desk, alike):
    for run, rate in zip(alike, (1, 1.0), strict=True):
        parameters = (
            Parameter(section="Args", name="rate", value=rate),
            Parameter(section="Args", name="same", value=[1, {"a": 2}]),
        )
        desk.backend.call(SetParameters(task=run.id, parameters=parameters))
        for name, text in (("net", f"a\nrate: {rate}"), ("other", "x"), ("Pipeline", str(rate))):
            desk.backend.call(SetConfiguration(task=run.id, configuration=Configuration(name=name, text=text)))
    desk.backend.call(SetParameters(task=alike[0].id, parameters=(Parameter(section="Args", name="new", value=None),)))
    desk.backend.call(SetConfiguration(task=alike[1].id, configuration=Configuration(name="own", text="x")))
    assert differences(compared(desk, *alike)) == {
        ("parameter", "Args/rate"): (1, 1.0),
        ("configuration", "net"): ("rate: 1", "rate: 1.0"),
        ("configuration", "own"): (None, "x"),
    }


def test_metrics_of_the_run_and_of_its_steps_are_told_but_not_what_machines_use(desk, alike):
    for run, value in zip(alike, (0.5, float("inf")), strict=True):
        step = desk.launch(run, "a")
        points = (ScalarPoint(1, value, 1.0),)
        for task, title in ((run, "loss"), (step, "loss"), (step, ":monitor:machine")):
            series = NewPoints(title=title, series="train", points=points)
            desk.backend.call(ReportScalars(task=task.id, series=(series,)))
    assert differences(compared(desk, *alike)) == {
        ("metric", "loss/train"): (0.5, "inf"),
        ("metric", "a: loss/train"): (0.5, "inf"),
    }


def test_code_parents_and_steps_are_told_where_they_differ(desk):
    first = desk.start(desk.draft(script=Script(source="x", commit="c1")), desk.pipeline("a", ("b", ["a"])))
    second = desk.start(
        desk.draft(script=Script(source="y", commit="c2")), desk.pipeline("a", "b", "c", source="def work(): return 1")
    )
    found = differences(compared(desk, first, second))
    assert found["parents", "b"] == ("a", "")
    assert found["parents", "c"] == (None, "")
    assert found["fact", "commit"] == ("c1", "c2")
    assert {name for aspect, name in found if aspect == "code"} == {"script", "a", "b", "c"}
    assert found["code", "a"][0] != found["code", "a"][1]


def test_packages_are_told_with_the_versions_that_steps_used(desk, alike):
    for run, version in zip(alike, ("1.0", "2.0"), strict=True):
        parts = KeyParts(code=Code("d" * 64, {}), packages={"numpy": version, "pandas": "2.2"})
        desk.launch(run, "a", keyed=Keyed(key=f"key of {version}", parts=parts))
    found = compared(desk, *alike)
    assert differences(found) == {("package", "numpy"): ("1.0", "2.0")}
    assert found.alike["package"] == 1


def test_steps_come_with_how_they_went_in_each_run(timed):
    first, second = timed.run("a", "b"), timed.run("a", "c")
    for run, seconds in ((first, 2.0), (second, 5.0)):
        task = timed.launch(run, "a")
        timed.clock.now += seconds
        timed.end(task)
    assert compared(timed, first, second).steps == (
        StepTimes(name="a", statuses=("completed", "completed"), seconds=(2.0, 5.0)),
        StepTimes(name="b", statuses=("pending", None), seconds=(None, None)),
        StepTimes(name="c", statuses=(None, "pending"), seconds=(None, None)),
    )


def test_of_many_differences_the_first_are_told_and_that_there_are_more(desk, alike, monkeypatch):
    monkeypatch.setattr("penstock.service.comparison.TOLD", 1)
    many = tuple(Parameter(section="Args", name=name, value=1) for name in "xy")
    desk.backend.call(SetParameters(task=alike[0].id, parameters=many))
    found = compared(desk, *alike)
    assert found.differences == (Difference(aspect="parameter", name="Args/x", values=(1, None)),)
    assert found.cut


@pytest.mark.parametrize("count", [0, 1, 21])
def test_two_to_twenty_runs_can_be_compared(desk, alike, count):
    with pytest.raises(Invalid, match="cannot be compared"):
        desk.backend.call(CompareRuns(ids=tuple(f"{n:032x}" for n in range(count))))
    with pytest.raises(Invalid, match="cannot be compared"):
        compared(desk, alike[0], alike[0])


def test_the_grid_shows_each_step_in_each_run_newest_first(timed):
    first, second, hidden = timed.run("a", "b"), timed.run("b", "c"), timed.run("a")
    task = timed.launch(first, "b")
    timed.clock.now += 3.0
    timed.fail(task)
    timed.end_run(hidden, Status.STOPPED)
    timed.backend.call(ArchiveRun(id=hidden.id))
    grid = timed.backend.call(GetGrid(pipeline="flow", project="P"))
    assert [bar.id for bar in grid.runs] == [second.id, first.id]
    waits = Cell("pending", None, 0, None)
    assert grid.rows == (
        GridRow(step="b", cells=(waits, Cell("failed", 3.0, 1, task.id))),
        GridRow(step="c", cells=(waits, None)),
        GridRow(step="a", cells=(None, waits)),
    )
    newest = timed.backend.call(GetGrid(pipeline="flow", project="P", limit=1))
    assert [row.step for row in newest.rows] == ["b", "c"]
    with pytest.raises(Invalid, match="limit must be 1 to 100"):
        timed.backend.call(GetGrid(pipeline="flow", project="P", limit=101))
