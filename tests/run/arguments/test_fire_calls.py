"""Following fire."""

from __future__ import annotations

import pytest

from penstock.run.arguments.fire_calls import taken_apart

FUNCTION = """
    import fire

    def train(data, lr=0.1, epochs=3, fast=False, sizes=(1, 2), name="x", *, password=None, mode=print):
        print(repr(data), lr, epochs, fast, sizes, repr(name), password)

    if __name__ == "__main__":
        fire.Fire(train)
"""
CLASS = """
    import fire

    class Tool:
        def __init__(self, offset=1):
            self.offset = offset

        def add(self, first, second=2):
            print("add", first + second + self.offset)

        def take(self, first):
            print("take", first - self.offset)
            return self

    fire.Fire(Tool)
"""


def test_the_arguments_of_a_function_are_recorded_by_name_with_its_defaults(script):
    ran = script(FUNCTION).record("d.csv", "0.2", "--epochs=5", "--fast", "--password", "hunter2")
    assert ran.output == "'d.csv' 0.2 5 True (1, 2) 'x' hunter2\n"
    assert ran.values == {
        "data": "d.csv", "lr": 0.2, "epochs": 5, "fast": True, "sizes": [1, 2], "name": "x", "password": "********",
        "mode": "<built-in function print>",
    }  # fmt: skip
    assert ran.parameters["lr"]["type"] == "float"


def test_without_a_command_line_the_function_gets_the_tasks_values(script):
    one = script(FUNCTION)
    one.record("d.csv", "0.2", "--epochs=5", "--fast", "--password", "hunter2")
    assert one.carry_out().output == "'d.csv' 0.2 5 True (1, 2) 'x' None\n"
    ran = one.carry_out(data=7, lr="0.5", epochs="9", fast="false", sizes="[3]", name="a b, 'c'")
    assert ran.output == "7 0.5 9 False (3,) \"a b, 'c'\" None\n"


def test_a_text_that_looks_like_something_else_stays_a_text(script):
    one = script(FUNCTION)
    one.record("d.csv")
    assert one.carry_out(name="123").output == "'d.csv' 0.1 3 False (1, 2) '123' None\n"
    assert one.carry_out(name="--lr").output == "'d.csv' 0.1 3 False (1, 2) '--lr' None\n"


def test_short_and_negated_flags_are_recorded_under_their_names(script):
    ran = script(FUNCTION).record("-d", "d.csv", "--nofast", "-l=0.3")
    assert ran.output == "'d.csv' 0.3 3 False (1, 2) 'x' None\n"
    assert (ran.values["data"], ran.values["fast"], ran.values["lr"]) == ("d.csv", False, 0.3)


def test_of_anything_else_the_words_are_recorded_as_the_command(script):
    one = script(CLASS)
    ran = one.record("add", "5", "--second=3", "--offset=10")
    assert ran.output == "add 18\n"
    assert ran.values == {"command": ["add", "5"], "second": 3, "offset": 10}
    assert one.carry_out().output == "add 18\n"
    assert one.carry_out(command="add 6", second=4).output == "add 20\n"


def test_a_chain_of_calls_stays_as_it_was_written(script):
    one = script(CLASS)
    ran = one.record("take", "5", "-", "take", "--first=7")
    assert ran.values == {"command": ["take", "5", "-", "take", "--first=7"]}
    assert one.carry_out().output == ran.output


def test_a_command_that_the_script_gives_itself_is_followed_too(script):
    one = script("""
        import fire
        def add(a, b=2):
            return a + b
        fire.Fire(add, command=["1", "--b=5"])
    """)
    assert one.record().values == {"a": 1, "b": 5}
    assert one.carry_out(b=6).output == "7\n"


def test_names_that_are_not_wanted_are_left_out(script):
    one = script(FUNCTION)
    assert set(one.record("d.csv", wanted={"lr": True, "*": False}).values) == {"lr"}
    assert one.carry_out("e.csv", "--epochs=4", wanted={"epochs": False}, epochs=9, lr=0.4).output.startswith(
        "'e.csv' 0.4 4"
    )


def test_fires_own_flags_are_no_arguments(script):
    ran = script(FUNCTION).record("d.csv", "--", "--help")
    assert "SYNOPSIS" in ran.output + ran.errors
    assert "help" not in ran.values


@pytest.mark.parametrize(
    ("words", "command", "flags"),
    [
        (["a", "--x=1", "-y", "2", "--some-flag", "b=c"], ["a"], {"x": 1, "y": 2, "some_flag": "b=c"}),
        (["--x", "-5", "--on", "--off"], [], {"x": -5, "on": True, "off": True}),
        (["a", "-", "--b"], ["a", "-", "--b"], {}),
    ],
)
def test_a_command_line_is_taken_apart_as_fire_does(words, command, flags):
    from fire.parser import DefaultParseValue

    assert taken_apart(words, DefaultParseValue) == (command, flags)


def test_secrets_in_a_chain_are_masked(script):
    one = script(CLASS.replace("first", "token"))
    ran = one.record("take", "--token=5", "-", "take", "--token", "7")
    assert "5" not in str(ran.values)
    assert "7" not in str(ran.values)
