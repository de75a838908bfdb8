"""How people write conditions."""

from __future__ import annotations

from datetime import datetime

import pytest

from penstock.cli.where import read_column, read_columns, read_condition, read_sort
from penstock.core.errors import Invalid
from penstock.core.search import OF_RUNS, Compare, Condition, Fact, MetricColumn, ParameterColumn, Side, Sort

NOW = 1_000_000.0
RATE = ParameterColumn("Args", "rate")


def read(text):
    return read_condition(text, OF_RUNS, NOW)


@pytest.mark.parametrize(("text", "column"), [
    ("status", Fact("status")), (" Args/rate ", RATE), ("Args/net/depth", ParameterColumn("Args", "net/depth")),
    ("loss:train", MetricColumn("loss", "train")), ("loss:train:min", MetricColumn("loss", "train", Side.MIN)),
    ("loss:min", MetricColumn("loss", "min")), ("a/b:c:d", MetricColumn("a/b", "c:d")),
])  # fmt: skip
def test_a_column_is_named(text, column):
    assert read_column(text) == column


@pytest.mark.parametrize(("text", "column", "compare", "values"), [
    ("status=failed|stopped", Fact("status"), "=", ("failed", "stopped")),
    ("name!=a=b", Fact("name"), "!=", ("a=b",)),
    ("tags ~ night", Fact("tags"), "~", ("night",)),
    ("number>=3", Fact("number"), ">=", (3.0,)),
    ("duration>5m", Fact("duration"), ">", (300.0,)),
    ("started>7d", Fact("started"), ">", (NOW - 604_800,)),
    ("ended<=2026-11-30T12:00", Fact("ended"), "<=", (datetime(2026, 11, 30, 12).timestamp(),)),  # noqa: DTZ001 - as people mean it: of this place
    ("Args/rate<0.1", RATE, "<", (0.1,)),
    ("Args/rate<b", RATE, "<", ("b",)),
    ("Args/rate=0.1", RATE, "=", (0.1, "0.1")),
    ("Args/rate=true|x", RATE, "=", (True, "true", "x")),
    ("Args/rate~0.1", RATE, "~", ("0.1",)),
    ("loss:train:max>1e-3", MetricColumn("loss", "train", Side.MAX), ">", (0.001,)),
])  # fmt: skip
def test_a_condition_is_read(text, column, compare, values):
    assert read(text) == Condition(column, Compare(compare), values)


@pytest.mark.parametrize("text", ["", "status", "=failed", "started>lately", "loss:train<small", "number=x"])
def test_what_is_no_condition_is_refused(text):
    with pytest.raises(Invalid) as error:
        read(text)
    assert error.value.hint


def test_a_sort_may_go_backwards():
    assert read_sort("Args/rate") == Sort(RATE)
    assert read_sort("-started") == Sort(Fact("started"), descending=True)


def test_columns_are_parameters_and_metrics():
    assert read_columns(["Args/rate,loss:train", "loss:x:max"]) == (
        RATE,
        MetricColumn("loss", "train"),
        MetricColumn("loss", "x", Side.MAX),
    )
    with pytest.raises(Invalid, match="'status' is neither a parameter nor a metric"):
        read_columns(["status"])
