"""Numbers that were reported."""

from __future__ import annotations

import math

import pytest

from penstock.core.outputs import ScalarPoint
from penstock.ops.outputs import NewPoints, ReportScalars


@pytest.fixture
def measured(recorder):
    run = recorder.run({"load": [], "train": ["load"]})
    points = tuple(ScalarPoint(number, value, 1.0) for number, value in enumerate([2.0, 0.25, 0.5]))
    one = (ScalarPoint(None, 0.9375, 1.0),)
    series = (
        NewPoints(title="loss", series="train", points=points),
        NewPoints(title="Summary", series="f1", points=one),
    )
    recorder.call(ReportScalars(task=recorder.attempt(run, "train").id, series=series))
    recorder.call(ReportScalars(task=run.id, series=(NewPoints(title="total", series="x", points=one),)))
    return run


def test_the_last_least_and_greatest_of_each_series_are_shown(measured, penstock):
    lines = [line.split() for line in penstock("metrics").out.splitlines()]
    assert lines[0] == ["STEP", "TITLE", "SERIES", "LAST", "MIN", "MAX", "POINTS", "ITERATION"]
    assert ["train", "loss", "train", "0.5", "0.25", "2", "3", "2"] in lines
    assert ["train", "Summary", "f1", "0.9375", "0.9375", "0.9375", "1"] in lines
    assert ["pipeline", "total", "x", "0.9375", "0.9375", "0.9375", "1"] in lines


def test_one_step_may_be_chosen(measured, penstock):
    metrics = penstock("metrics", "last", "train", "--json").document()["metrics"]
    assert {one["step"] for one in metrics} == {"train"}
    assert [one["last"] for one in metrics if one["title"] == "loss"] == [0.5]
    assert penstock("metrics", "last", "trian").code == 3


def test_what_is_no_number_is_shown_and_written_as_json(recorder, penstock):
    run = recorder.run({"a": []})
    series = NewPoints(title="loss", series="a", points=(ScalarPoint(0, math.nan, 1.0), ScalarPoint(1, math.inf, 1.0)))
    recorder.call(ReportScalars(task=recorder.attempt(run, "a").id, series=(series,)))
    assert penstock("metrics").code == 0
    assert penstock("metrics", "--json").document()["metrics"][0]["title"] == "loss"


def test_a_run_without_numbers_says_so(recorder, penstock):
    recorder.complete({"a": []})
    assert penstock("metrics").err == "run iris reported no numbers\n"
    assert penstock("metrics", "last", "a").err == "step a reported no numbers\n"
    assert penstock("metrics", "--json").document()["metrics"] == []
