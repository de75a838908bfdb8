"""What a list may be searched by."""

from __future__ import annotations

import math

import pytest

from penstock.core.errors import Invalid
from penstock.core.search import (
    LONGEST,
    MOST_COLUMNS,
    MOST_CONDITIONS,
    MOST_ROWS,
    MOST_VALUES,
    OF_RUNS,
    OF_TASKS,
    Compare,
    Condition,
    Fact,
    MetricColumn,
    ParameterColumn,
    Side,
    Sort,
    check_search,
    shown,
)

RATE, LOSS = ParameterColumn("Args", "rate"), MetricColumn("loss", "train", Side.MIN)
NAME = Condition(Fact("name"), Compare.EQUAL, ("iris",))


def check(*where, sort=None, columns=(), limit=50, facts=OF_RUNS):
    check_search(facts, where, sort, columns, limit)


def test_what_makes_sense_is_let_through():
    check()
    check(*[NAME] * MOST_CONDITIONS, sort=Sort(LOSS), columns=(RATE,) * MOST_COLUMNS, limit=MOST_ROWS)
    for value in ("adam", 0.1, 2**70, math.inf, True, None):
        check(Condition(RATE, Compare.EQUAL, (value,)))
    check(Condition(LOSS, Compare.LESS, (1,)), Condition(Fact("started"), Compare.AT_LEAST, (1.5,)))
    check(Condition(Fact("type"), Compare.OTHER, ("training",)), facts=OF_TASKS)


@pytest.mark.parametrize(("how", "why"), [
    ({"limit": 0}, "limit is 0"), ({"limit": MOST_ROWS + 1}, "limit is 501"),
    ({"columns": (RATE,) * (MOST_COLUMNS + 1)}, "51 columns are too many"),
    ({"columns": (ParameterColumn("Args", "x" * (LONGEST + 1)),)}, "longer than 1,000"),
    ({"sort": Sort(Fact("colour"))}, "no column 'colour'"),
    ({"sort": Sort(Fact("type"))}, "no column 'type'"),
    ({"sort": Sort(Fact("tags"))}, "tags is nothing to sort by"),
    ({"sort": Sort(Fact("text"))}, "text is nothing to sort by"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(how, why):
    with pytest.raises(Invalid, match=why):
        check(**how)


@pytest.mark.parametrize(("column", "compare", "values", "why"), [
    (Fact("statsu"), "=", ("failed",), "no column 'statsu'"),
    (Fact("status"), "=", (), "0 values"),
    (Fact("status"), "=", ("x",) * (MOST_VALUES + 1), "101 values"),
    (Fact("started"), "<", (1, 2), "takes one value"),
    (Fact("started"), "=", ("yesterday",), "no number"),
    (Fact("started"), "~", ("1",), "cannot be tested with ~"),
    (Fact("name"), "=", (1,), "takes a text"),
    (Fact("tags"), "<", ("a",), "cannot be tested with <"),
    (Fact("text"), "=", ("a",), "cannot be tested with ="),
    (LOSS, "=", (True,), "loss:train:min is compared with True"),
    (LOSS, "~", ("1",), "cannot be tested with ~"),
    (RATE, "<", (None,), "takes a number or a text"),
    (RATE, "~", (1,), "takes a text"),
    (RATE, "=", ("x" * (LONGEST + 1),), "longer than 1,000"),
])  # fmt: skip
def test_a_condition_that_makes_no_sense_is_refused(column, compare, values, why):
    with pytest.raises(Invalid, match=why):
        check(Condition(column, Compare(compare), values))


def test_conditions_are_counted():
    with pytest.raises(Invalid, match="21 conditions are too many"):
        check(*[NAME] * (MOST_CONDITIONS + 1))


def test_a_fact_that_is_misspelt_is_guessed():
    with pytest.raises(Invalid) as error:
        check(Condition(Fact("statsu"), Compare.EQUAL, ("failed",)))
    assert "did you mean 'status'?" in error.value.hint
    assert "Args/NAME" in error.value.hint


def test_columns_are_shown_as_people_write_them():
    columns = (Fact("status"), RATE, MetricColumn("loss", "train"), LOSS)
    assert [shown(one) for one in columns] == ["status", "Args/rate", "loss:train", "loss:train:min"]
