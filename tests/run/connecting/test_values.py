"""One value as a parameter, and back."""

from __future__ import annotations

import datetime
import decimal
import enum
import math
import uuid
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from penstock.core.secret import MASK
from penstock.core.task import Parameter
from penstock.run.connecting.values import LONGEST, SHOWN, Unfit, assign, is_fixed, parameter, record, warn_unfit


class Color(enum.Enum):
    RED = "red"
    BLUE = 2


Point = namedtuple("Point", "x y")  # noqa: PYI024 - one without types is the harder case


def task(value, kind="", name="x"):
    return Parameter(section="General", name=name, value=value, type=kind)


def typed(value):
    """The value with the types of everything in it."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    return type(value), value if not inside else [(key, typed(one)) for key, one in inside]


@pytest.mark.parametrize(
    ("value", "stored", "kind"),
    [
        (None, None, ""), (True, True, "bool"), (3, 3, "int"), (0.5, 0.5, "float"), ("x", "x", "str"),
        (math.inf, "inf", "float"), (2**70, str(2**70), "int"),
        ([1, (2, None)], [1, [2, None]], "list"), ((), [], "list"),
        ({}, {}, "dict"), (Color.RED, "RED", "str"), (Path("a/b"), "a/b", "str"), ({3, 1}, [1, 3], "list"),
        (np.int32(4), 4, "int"), (np.float64(0.25), 0.25, "float"), (np.bool_(True), True, "bool"),
        (Point(1, 2), [1, 2], "list"),
        (datetime.date(2026, 1, 2), "2026-01-02", "str"), (decimal.Decimal("1.10"), "1.10", "str"),
    ],
)  # fmt: skip
def test_a_value_is_recorded_with_its_type(value, stored, kind):
    assert record(value) == (stored, kind, "")


VALUES = [True, 3, 0.5, "x", "", math.inf, 2**70, [1, (2, None)], (1, [2]), (0, [math.inf]), {"a": (1,)},
          Color.BLUE, Path("a"), {1, 2}, frozenset("a"), np.int32(4), np.float32(0.1), Point(1, (2,)),
          datetime.datetime(2026, 1, 2, 3, tzinfo=datetime.UTC), None,
          decimal.Decimal("1.10"), uuid.UUID(int=5)]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_what_was_recorded_comes_back_with_every_type(value):
    again = assign(parameter("General", ("x",), value), value)
    assert typed(again) == typed(value)


@pytest.mark.parametrize(
    ("default", "value", "expected"),
    [
        (True, "false", False), (False, "1", True), (True, 0, False), (False, "2.0", True), (False, "Yes", True),
        (1, "7", 7), (1, 7.0, 7), (1, " 8 ", 8), (0.5, "1e-3", 1e-3), (0.5, 2, 2.0), (0.5, "inf", math.inf),
        ("a", 3, "3"), ("a", True, "True"), ("a", [1], "[1]"), ("a", "", ""),
        ([1], "[1, 2]", [1, 2]), ([1], "(1, 2)", [1, 2]), ([], "[a, b]", ["a", "b"]), ((1, 2), "[3, 4]", (3, 4)),
        ([0.5], "[1, 2]", [1.0, 2.0]), ([(1, 2)], [[3, 4], [5, 6]], [(3, 4), (5, 6)]), ((1,), "- 1\n- 2", (1, 2)),
        ({"a": 1}, "{'a': 2, 'b': None}", {"a": 2, "b": None}), ({"a": 1}, "a: 2", {"a": 2}),
        ({"t": (1,)}, {"t": [2]}, {"t": (2,)}),
        (Color.RED, "BLUE", Color.BLUE), (Color.RED, "2", Color.BLUE), (Path("a"), "b/c", Path("b/c")),
        ({1}, "[2, 3]", {2, 3}),
        (np.int32(4), "5", np.int32(5)), (np.float32(0.5), 1, np.float32(1)), (Point(1, 2), [3, 4], Point(3, 4)),
        (datetime.date(2026, 1, 2), "2026-03-04", datetime.date(2026, 3, 4)),
        (1, "", None), ([1], "", None), (1, None, None),
        (None, "", None), (None, "x", "x"),
    ],
)  # fmt: skip
def test_a_value_of_the_task_gets_the_type_of_the_scripts_own(default, value, expected):
    assert typed(assign(task(value), default)) == typed(expected)


@pytest.mark.parametrize(
    ("kind", "value", "expected"), [("int", "5", 5), ("float", 5, 5.0), ("list", "[1]", [1]), ("bool", "no", False)]
)
def test_where_the_script_has_none_the_parameters_own_type_counts(kind, value, expected):
    assert typed(assign(task(value, kind), None)) == typed(expected)


@pytest.mark.parametrize(
    ("default", "value"),
    [(1, "2.5"), (1, 2.5), (1, "x"), (1, [1]), (0.5, "x"), (True, "perhaps"), (True, [1]), ([1], "x: 1"),
     ([1], 5), ({"a": 1}, "[1]"),
     (Color.RED, "green"), (datetime.date(2026, 1, 2), "soon"), (decimal.Decimal(1), "x"), (1, math.nan)],
)  # fmt: skip
def test_what_cannot_be_cast_is_said(default, value):
    with pytest.raises(Unfit, match="it must be"):
        assign(task(value), default)


def test_the_warning_names_the_parameter_both_values_and_what_is_wanted():
    with pytest.warns(
        UserWarning, match=r"'General/x' is '2.5', but it must be an integer; the script's own value 1 stays"
    ):
        warn_unfit(task("2.5"), 1, Unfit("it must be an integer"))


def test_a_warning_tells_no_secret():
    with pytest.warns(UserWarning, match="General/password") as caught:
        warn_unfit(task("hunter2", name="password"), 12345, Unfit("it must be an integer"))
    assert "hunter2" not in str(caught[0].message)
    assert "12345" not in str(caught[0].message)


@pytest.mark.parametrize(
    "value",
    [np.zeros(5), len, object(), b"bytes", {1: 2}.keys(), [object()], [{1: "a"}], "\ud800", list("x" * LONGEST)],
)  # fmt: skip
def test_what_a_parameter_cannot_hold_is_shown_and_never_overridden(value):
    one = parameter("General", ("x",), value, "what it is")
    assert is_fixed(one)
    assert one.description.startswith("what it is (")
    assert isinstance(one.value, str)
    assert len(one.value) <= SHOWN
    one.value.encode()
    assert assign(one, value) is value
    assert assign(task("other"), value) is value


def test_what_was_shown_is_no_value_for_a_script_that_has_another_type():
    assert assign(parameter("General", ("x",), object()), "own") == "own"


def test_an_object_whose_text_cannot_be_read_is_recorded_all_the_same():
    class Broken:
        def __repr__(self):
            raise RuntimeError

    assert "RuntimeError" in record(Broken()).value


def test_a_secret_is_masked_and_the_mask_overrides_nothing():
    one = parameter("General", ("db", "password"), "hunter2")
    assert (one.name, one.value) == ("db/password", MASK)
    assert assign(one, "mine", ("db", "password")) == "mine"
    assert assign(one, None, ("db", "password")) is None
    assert assign(task("given", "str", "password"), "mine", ("password",)) == "given"


def test_secrets_in_a_list_are_masked_and_stay_the_scripts_own():
    own = [{"name": "a", "token": "t"}]
    one = parameter("General", ("users",), own)
    assert one.value == [{"name": "a", "token": MASK}]
    assert assign(one, own) is own
    changed = task([{"name": "b", "token": MASK}], "list", "users")
    assert assign(changed, own, ("users",)) == [{"name": "b", "token": "t"}]
    assert typed(assign(changed, tuple(own), ("users",))) == typed(({"name": "b", "token": "t"},))
