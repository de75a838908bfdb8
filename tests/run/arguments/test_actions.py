"""Values of arguments of argparse."""

from __future__ import annotations

import argparse

import pytest

from penstock.core.task import Parameter
from penstock.run.arguments.actions import arguments, assigned, found, is_given
from penstock.run.connecting.values import parameter


@pytest.fixture
def add():
    parser = argparse.ArgumentParser(prog="tool", exit_on_error=False)

    def add(*names, **options):
        return parser, parser.add_argument(*names, **options)

    return add


def value(one, kind=""):
    return Parameter(section="Args", name="x", value=one, type=kind)


@pytest.mark.parametrize(
    ("options", "given", "expected"),
    [
        ({}, "a", "a"), ({}, 3, 3), ({"default": "a"}, 3, "3"), ({"type": str}, 3, "3"), ({"default": 0.5}, 3.5, 3.5),
        ({"type": int}, "3", 3), ({"type": int}, 3.0, 3), ({"type": float}, 3, 3.0), ({"type": bool}, "false", False),
        ({"type": int, "nargs": "*"}, "[1, 2]", [1, 2]), ({"type": int, "nargs": 2}, "1 2", [1, 2]),
        ({"nargs": "+"}, "a b", ["a", "b"]),
        ({"nargs": "+"}, "a", ["a"]), ({"nargs": "?", "const": "c"}, "a", "a"),
        ({"type": int, "choices": [1, 2]}, "2", 2),
        ({"choices": [1, "b"]}, 1, 1), ({"action": "append", "type": int}, ["1", 2], [1, 2]),
        ({"action": "append", "nargs": 2, "type": int}, [["1", "2"]], [[1, 2]]),
        ({"action": "extend", "nargs": "+"}, ["a"], ["a"]),
        ({"action": "store_true"}, "yes", True), ({"action": "store_false"}, "0", False),
        ({"action": "count", "default": 0}, "2", 2),
        ({"action": "store_const", "const": "on", "default": "off"}, "on", "on"), ({}, None, None),
        ({"type": int}, "", None),
        ({"default": ""}, "", ""),
    ],
)  # fmt: skip
def test_a_value_of_the_task_becomes_what_the_argument_would_have_got(add, options, given, expected):
    parser, action = add("--x", **options)
    result = assigned(parser, [action], value(given), action.default)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("options", "given"),
    [({"type": int}, "a"), ({"type": int}, 2.5), ({"choices": ["a"]}, "b"), ({"action": "store_true"}, "maybe"),
     ({"type": bool}, "maybe"),
     ({"nargs": "+", "choices": ["a"]}, ["a", "b"]), ({"type": int, "choices": [1]}, 2)],
)  # fmt: skip
def test_what_the_parser_would_not_take_is_its_own_kind_of_error(add, options, given):
    parser, action = add("--x", **options)
    with pytest.raises(argparse.ArgumentError, match="--x"):
        assigned(parser, [action], value(given), action.default)


def test_a_mask_and_what_could_not_be_held_assign_nothing(add):
    parser, action = add("--x", default="own")
    assert assigned(parser, [action], value("********"), "own") == "own"
    shown = parameter("Args", ("x",), object())
    assert assigned(parser, [action], shown, "own") == "own"
    assert not is_given(shown)
    assert not is_given(value("********"))
    assert not is_given(value(None))
    assert not is_given(None)
    assert is_given(value(0))


def test_of_constants_with_one_name_the_one_that_the_task_says_is_taken(add):
    parser, first = add("--debug", dest="level", action="store_const", const=10)
    _, second = add("--quiet", dest="level", action="store_const", const=50)
    assert arguments(parser) == {"level": [first, second]}
    assert assigned(parser, [first, second], value(50, "int"), None) == 50


def test_the_help_is_the_description_with_its_parts_filled_in(add):
    _, action = add("--x", default=5, help="of %(prog)s, %(default)s by default")
    assert found(action, 5, [], "tool").description == "of tool, 5 by default"
    _, broken = add("--y", help="100% sure")
    assert found(broken, None, [], "tool").description == "100% sure"
    _, hidden = add("--z", help=argparse.SUPPRESS)
    assert found(hidden, None, [], "tool").description == ""


def test_the_help_of_a_secret_does_not_tell_it(add):
    _, action = add("--password", default="hunter2", help="%(default)s by default")
    assert "hunter2" not in found(action, "hunter2", [], "tool").description


def test_a_text_that_code_of_the_user_reads_is_recorded_as_it_was_written(add):
    _, action = add("--x", type=str.upper, default="d")
    assert found(action, "A", [["a"]], "tool").value == "a"
    assert found(action, "D", [], "tool").value == "d"
    _, several = add("--y", type=str.upper, nargs=2)
    assert found(several, ["A", "B"], [["a", "b"]], "tool").value == ["a", "b"]
    _, optional = add("--z", type=str.upper, nargs="?", const="c")
    assert found(optional, "C", [[]], "tool").value == "c"
