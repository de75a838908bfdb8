"""The types of parameters."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from penstock.core.errors import BadParameter
from penstock.core.parameters import (
    Declared,
    cast,
    choices,
    choose,
    held,
    is_plain,
    is_secret_type,
    plain,
    restore,
    type_name,
)
from penstock.core.secret import Secret
from penstock.core.task import Parameter

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Depth(Enum):
    FLAT = 1
    DEEP = 9


def parameter(kind, value=None):
    return Parameter(section="Args", name="rate", value=value, type=kind)


@pytest.mark.parametrize(
    ("asked", "default", "expected"),
    [
        (None, 3, "int"), (None, 3.0, "float"), (None, True, "bool"), (None, "x", "str"), (None, None, ""),
        (None, (1, 2), "list"), (None, {"a": 1}, "dict"), ("float", 3, "float"), (float, 3, "float"),
        (int, None, "int"), (date, None, "date"), (None, NOON, "datetime"), (Path, None, "path"),
        (None, Path("x"), "path"), (Literal["a", "b"], None, "str"), (Literal[1, 2], 1, "int"), (Depth, None, "int"),
        (None, Depth.DEEP, "int"),
    ],
)  # fmt: skip
def test_the_type_is_the_one_asked_for_else_that_of_the_default(asked, default, expected):
    """Promise 8: `param_type` decides, and casts."""
    assert type_name(asked, default) == expected


def test_a_type_that_parameters_cannot_have_is_refused_by_name():
    with pytest.raises(BadParameter, match="'set'"):
        type_name(None, {1})


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("int", "3", 3), ("int", " -4 ", -4), ("float", "1e-4", 1e-4), ("float", 3, 3.0), ("bool", "Yes", True),
        ("bool", "off", False), ("bool", 1, True), ("str", 3, "3"), ("list", "[1, 2]", [1, 2]), ("list", (1,), [1]),
        ("dict", '{"a": 1}', {"a": 1}), ("", "as it is", "as it is"), ("int", None, None), ("float", "nan", "nan"),
        ("date", " 2026-01-31", "2026-01-31"), ("date", date(2026, 1, 31), "2026-01-31"),
        ("datetime", "2026-01-31 12:00", "2026-01-31T12:00:00"), ("path", Path("a/b"), "a/b"),
        ("int", Depth.DEEP, 9),
    ],
)  # fmt: skip
def test_a_text_becomes_a_value_of_the_type(kind, text, expected):
    value = cast(parameter(kind), text)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("kind", "bad"), [("int", "3.5"), ("int", 3.5), ("int", True), ("float", "x"), ("bool", "perhaps"), ("list", "{}"),
                      ("dict", "[1"), ("bool", 2), ("float", True), ("date", "31.1.2026"), ("datetime", "noon")],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_the_name_the_value_and_an_example(kind, bad):
    with pytest.raises(BadParameter) as caught:
        cast(parameter(kind), bad)
    assert "'rate'" in caught.value.message
    assert repr(bad) in caught.value.message
    assert "such as" in caught.value.hint


@given(st.floats())
def test_every_float_survives_being_recorded(value):
    recorded = parameter("float", cast(parameter("float"), value))
    again = restore(recorded)
    assert again == value or (math.isnan(again) and math.isnan(value))


@given(
    st.recursive(
        st.floats(allow_nan=False) | st.sampled_from(["inf", "NaN", "[Infinity]", "", None]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=3),
    )
)
@example([float("inf")])
@example({"a": ["inf", float("-inf")]})
def test_a_list_or_dict_with_numbers_that_json_cannot_write_survives_being_recorded(value):
    """Neither does the number become a text, nor a text that looks like one a number."""
    kind = "" if value is None else type(value).__name__
    recorded = msgspec.json.decode(msgspec.json.encode(parameter(kind, held(value, "rate"))), type=Parameter)
    assert restore(recorded) == value
    if isinstance(value, list | dict):
        assert restore(parameter(kind, cast(recorded, recorded.value))) == value  # as the page sends it back


def test_a_text_where_a_list_belongs_is_read_back_as_it_is():
    for text in ("[1, 2]", "[Infinity", "[" * 100_000, "inf", '["Infinity"]'):
        assert restore(parameter("list", text)) == text


@given(st.integers())
def test_an_integer_is_plain_when_sixty_four_bits_hold_it(value):
    assert is_plain(value) == (-(2**63) <= value < 2**63)


def test_values_that_json_cannot_hold_are_refused_by_name():
    with pytest.raises(BadParameter, match="parameter 'x' cannot hold a set"):
        plain({1}, "x")
    assert plain({"a": (1, None)}, "x") == {"a": [1, None]}


def test_subclasses_are_not_plain_because_they_would_come_back_as_something_else():
    class Name(str):
        __slots__ = ()

    assert not is_plain(Name("x"))
    assert not is_plain([1])


def test_a_number_of_a_library_is_a_number():
    class Float64(float):
        """As numpy has it."""

    assert (plain(Float64(2.5), "x"), type(plain(Float64(2.5), "x"))) == (2.5, float)
    assert plain(Float64("nan"), "x") == "nan"


def test_what_does_not_fit_any_type_is_still_read_back():
    """Types are kept, not enforced: what somebody recorded must never break who reads it."""
    one = Parameter(section="Args", name="x", value="fast", type="float")
    assert restore(one) == "fast"
    assert restore(Parameter(section="Args", name="x", value="1e3", type="float")) == 1000.0


def test_a_type_that_is_none_of_ours_takes_values_as_they_are():
    one = Parameter(section="Args", name="x", value=None, type="of another system")
    assert cast(one, (1, "a")) == [1, "a"]


@pytest.mark.parametrize(
    ("kind", "value"),
    [("int", float("inf")), ("int", "9" * 30), ("float", 10**400), ("list", "[" * 100_000), ("str", "\ud800")],
)
def test_values_beyond_all_bounds_are_refused_by_name(kind, value):
    with pytest.raises(BadParameter, match="'x'"):
        cast(Parameter(section="Args", name="x", value=None, type=kind), value)


@pytest.mark.parametrize(
    ("kind", "expected"), [(Literal["a", "b"], ("a", "b")), (Depth, (1, 9)), (int, ()), (None, ()), ("int", ())]
)
def test_a_literal_and_an_enum_say_which_values_there_are(kind, expected):
    assert choices(kind) == expected


def test_a_value_that_is_none_of_the_choices_is_refused_with_what_there_is():
    declared = Declared(default=None, choices=(1, 9))
    assert choose(parameter("int"), "9", declared) == 9
    assert choose(parameter("int"), None, declared) is None, "the default is always allowed"
    with pytest.raises(BadParameter, match="'rate' cannot be 2") as caught:
        choose(parameter("int"), "2", declared)
    assert caught.value.hint == "choose one of 1, 9"


class SecretStr:  # as pydantic has it
    def __init__(self, text):
        self._text = text

    def get_secret_value(self):
        return self._text


@pytest.mark.parametrize("kind", ["secret", Secret, SecretStr, "SecretStr"])
def test_a_secret_is_declared_by_a_word_or_a_type(kind):
    assert type_name(kind, None) == "secret"
    assert is_secret_type(kind)


def test_a_default_that_is_a_secret_makes_the_parameter_one():
    assert type_name(None, SecretStr("x")) == type_name(None, Secret("x")) == "secret"
    assert not is_secret_type(str)
    assert not is_secret_type(None)


@pytest.mark.parametrize("value", ["planted", Secret("planted"), SecretStr("planted")])
def test_a_secret_is_a_text_however_it_is_wrapped(value):
    assert cast(Parameter(section="Args", name="x", value=None, type="secret"), value) == "planted"


def test_what_is_no_text_is_refused_as_a_secret_and_not_repeated():
    with pytest.raises(BadParameter, match="'x' must be a text that is kept secret, not a int") as caught:
        cast(Parameter(section="Args", name="x", value=None, type="secret"), 123456)
    assert "123456" not in str(caught.value)
