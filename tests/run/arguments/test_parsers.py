"""Following argparse."""

from __future__ import annotations

import pytest

TRAIN = """
    import argparse, enum, pathlib

    class Mode(enum.Enum):
        FAST = "fast"
        SLOW = "slow"

    parser = argparse.ArgumentParser(prog="train")
    parser.add_argument("data", type=pathlib.Path, help="where the data lies")
    parser.add_argument("extra", nargs="*", default=["none"])
    parser.add_argument("--lr", type=float, default=0.1, help="rate, %(default)s by default")
    parser.add_argument("--epochs", "-e", type=int, default=3)
    parser.add_argument("--name")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--no-log", dest="log", action="store_false")
    parser.add_argument("--amp", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--sizes", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--tag", action="append")
    parser.add_argument("-v", "--verbose", action="count", default=0)
    parser.add_argument("--opt", choices=["sgd", "adam"], default="sgd")
    parser.add_argument("--mode", type=Mode, default=Mode.FAST)
    parser.add_argument("--level", dest="level", action="store_const", const=10, default=20)
    parser.add_argument("--size", type=lambda text: int(text.removesuffix("k")) * 1000, default="1k")
    parser.add_argument("--flag", type=bool, default=False)
    parser.add_argument("--password", default="hunter2", help="%(default)s by default")
    parser.add_argument("--version", action="version", version="1")
    args = parser.parse_args()
    for name, value in vars(args).items():
        print(name, repr(value))
"""
GIVEN = [
    "d.csv",
    "--lr",
    "0.2",
    "--seed=5",
    "--fast",
    "--sizes",
    "3",
    "4",
    "--tag",
    "a",
    "--tag",
    "b",
    "-vv",
    "--mode",
    "slow",
    "--size",
    "2k",
]


def shown(ran):
    assert ran.code == 0, ran.errors
    return dict(line.split(" ", 1) for line in ran.output.splitlines())


def test_every_argument_is_recorded_once_with_its_type_and_help(script):
    ran = script(TRAIN).record(*GIVEN)
    assert ran.code == 0, ran.errors
    assert ran.stores == 1
    assert ran.values == {
        "data": "d.csv", "extra": ["none"], "lr": 0.2, "epochs": 3, "name": None, "seed": 5, "fast": True,
        "log": True, "amp": True,
        "sizes": [3, 4], "tag": ["a", "b"], "verbose": 2, "opt": "sgd", "mode": "slow", "level": 20, "size": 2000,
        "flag": False, "password": "********",
    }  # fmt: skip
    assert {name: ran.parameters[name]["type"] for name in ("lr", "seed", "fast", "sizes", "data")} == {
        "lr": "float", "seed": "int", "fast": "bool", "sizes": "list", "data": "str",
    }  # fmt: skip
    assert ran.parameters["data"]["description"] == "where the data lies"
    assert ran.parameters["lr"]["description"] == "rate, 0.1 by default"


def test_following_changes_nothing_for_a_script_that_is_recorded(script):
    ran = script(TRAIN).record(*GIVEN)
    assert shown(ran) | {"data": "PosixPath('d.csv')", "mode": "<Mode.SLOW: 'slow'>", "size": "2000"} == shown(ran)
    assert ran.errors == ""


def test_without_a_command_line_the_script_gets_what_was_recorded(script):
    one = script(TRAIN)
    recorded = shown(one.record(*GIVEN))
    assert shown(one.carry_out()) == recorded


def test_the_tasks_values_reach_the_script_in_the_types_of_its_parser(script):
    one = script(TRAIN)
    one.record(*GIVEN)
    ran = one.carry_out(
        data="e.csv", extra=["x", "y"], lr="0.5", epochs=9, name="n", seed="6", fast="false", log="0",
        amp=False, sizes="[7, 8]",
        tag=["c"], verbose="1", opt="adam", mode="fast", level="10", size="3k", flag="true",
    )  # fmt: skip
    assert shown(ran) == {
        "data": "PosixPath('e.csv')", "extra": "['x', 'y']", "lr": "0.5", "epochs": "9", "name": "'n'", "seed": "6",
        "fast": "False", "log": "False", "amp": "False", "sizes": "[7, 8]", "tag": "['c']", "verbose": "1",
        "opt": "'adam'",
        "mode": "<Mode.FAST: 'fast'>", "level": "10", "size": "3000", "flag": "True", "password": "'hunter2'",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"opt": "rmsprop"}, "argument --opt: invalid choice: 'rmsprop'"),
     ({"lr": "fast"}, "argument --lr: invalid float value: 'fast'"),
     ({"epochs": 2.5}, "argument --epochs/-e: invalid int value: '2.5'"),
     ({"sizes": ["a"]}, "argument --sizes: invalid int value: 'a'"),
     ({"fast": "maybe"}, "argument --fast: invalid value")],
)  # fmt: skip
def test_a_value_that_the_parser_would_not_take_is_the_parsers_own_error(script, changes, said):
    one = script(TRAIN)
    one.record(*GIVEN)
    ran = one.carry_out(**changes)
    assert ran.code == 2
    assert said in ran.errors
    assert "usage: train" in ran.errors


def test_what_is_required_and_the_task_has_not_is_the_parsers_own_error(script):
    one = script(TRAIN)
    one.record(*GIVEN, wanted={"seed": False})
    ran = one.carry_out()
    assert ran.code == 2
    assert "the following arguments are required: --seed" in ran.errors


def test_names_that_are_not_wanted_are_left_out(script):
    ran = script(TRAIN).record(*GIVEN, wanted={"lr": False})
    assert "lr" not in ran.values
    assert "seed" in ran.values
    assert set(script(TRAIN).record(*GIVEN, wanted={"lr": True, "*": False}).values) == {"lr"}
    assert script(TRAIN).record(*GIVEN, wanted=False).values == {}


def test_a_value_that_is_not_wanted_is_not_assigned(script):
    one = script(TRAIN)
    one.record(*GIVEN)
    assert shown(one.carry_out("d.csv", "--seed=1", wanted={"lr": False}, lr=0.9))["lr"] == "0.1"


COMMANDS = """
    import argparse
    parser = argparse.ArgumentParser(prog="tool")
    parser.add_argument("--verbose", action="store_true")
    commands = parser.add_subparsers({}required=True)
    train = commands.add_parser("train")
    train.add_argument("data")
    train.add_argument("--lr", type=float, required=True)
    train.set_defaults(run="training")
    inner = train.add_subparsers(dest="how")
    deep = inner.add_parser("deep")
    deep.add_argument("--depth", type=int, default=1)
    test = commands.add_parser("test")
    test.add_argument("--strict", action="store_true")
    print(sorted(vars(parser.parse_args()).items()))
"""


@pytest.mark.parametrize(("dest", "name"), [("dest='what', ", "what"), ("", "command")])
def test_a_sub_command_is_recorded_and_parsed_again(script, dest, name):
    one = script(COMMANDS.format(dest))
    ran = one.record("train", "d.csv", "--lr", "0.5", "deep", "--depth", "2")
    assert ran.values == {name: "train", "data": "d.csv", "lr": 0.5, "how": "deep", "depth": 2, "verbose": False}
    assert ran.stores == 1
    again = one.carry_out()
    assert again.output == ran.output
    changed = one.carry_out(depth=3, lr="0.25")
    assert "('depth', 3)" in changed.output
    assert "('lr', 0.25)" in changed.output
    assert "('run', 'training')" in changed.output
    other = one.carry_out(**{name: "test", "strict": "true"})
    assert "('strict', True)" in other.output
    assert "'lr'" not in other.output


def test_a_sub_command_that_there_is_not_is_the_parsers_own_error(script):
    one = script(COMMANDS.format("dest='what', "))
    one.record("test")
    ran = one.carry_out(what="fly")
    assert ran.code == 2
    assert "unknown parser 'fly'" in ran.errors


def test_one_of_a_required_group_may_come_from_the_task(script):
    one = script("""
        import argparse
        parser = argparse.ArgumentParser()
        group = parser.add_mutually_exclusive_group(required=True)
        group.add_argument("--file")
        group.add_argument("--url")
        print(parser.parse_args())
    """)
    one.record("--url", "http://x")
    assert one.carry_out().output == "Namespace(file=None, url='http://x')\n"


def test_known_and_mixed_arguments_are_followed_too(script):
    one = script("""
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("files", nargs="*")
        parser.add_argument("--lr", type=float, default=1.0)
        print(parser.parse_known_args())
        print(parser.parse_intermixed_args([*"abc"]))
    """)
    ran = one.record("--lr", "2", "--other", "3")
    assert ran.output.startswith("(Namespace(files=['3'], lr=2.0), ['--other'])")
    assert ran.stores == 2
    assert ran.values == {"files": ["a", "b", "c"], "lr": 1.0}
    assert one.carry_out(lr=5).output.count("lr=5.0") == 2


def test_a_value_that_no_parameter_can_hold_is_made_again_from_its_text(script):
    one = script("""
        import argparse
        class Pair:
            def __init__(self, text):
                self.both = text.split(",")
        parser = argparse.ArgumentParser()
        parser.add_argument("--pair", type=Pair)
        parser.add_argument("--pairs", type=Pair, nargs=2)
        parser.add_argument("--each", type=Pair, action="append", default=[])
        parser.add_argument("--func", default=print)
        args = parser.parse_args()
        print(args.pair.both, [one.both for one in args.pairs], [one.both for one in args.each], args.func)
    """)
    ran = one.record("--pair", "1,2", "--pairs", "a", "b", "--each", "c,d", "--each", "e")
    assert ran.values == {"pair": "1,2", "pairs": ["a", "b"], "each": ["c,d", "e"], "func": "<built-in function print>"}
    assert one.carry_out().output == ran.output
    assert one.carry_out(pair="3,4").output.startswith("['3', '4']")
    assert one.carry_out(func="len").output == one.carry_out().output


def test_an_action_of_the_users_own_keeps_what_it_makes(script):
    one = script("""
        import argparse
        class Pairs(argparse.Action):
            def __call__(self, parser, namespace, values, option_string=None):
                setattr(namespace, self.dest, dict(one.split("=") for one in values))
        parser = argparse.ArgumentParser()
        parser.add_argument("--set", nargs="+", action=Pairs, default={})
        print(parser.parse_args().set)
    """)
    ran = one.record("--set", "a=1", "b=2")
    assert ran.values == {"set": {"a": "1", "b": "2"}}
    assert one.carry_out(set='{"a": 5}').output == "{'a': 5}\n"


def test_a_parser_of_a_library_that_reads_something_else_is_not_followed(script, tmp_path):
    one = script("""
        import argparse, sysconfig
        library = "p = argparse.ArgumentParser(); p.add_argument('--inner'); p.parse_args(['--inner', '1'])"
        place = sysconfig.get_paths()["purelib"] + "/library.py"
        exec(compile(library, place, "exec"), {"__name__": "library", "argparse": argparse})
        parser = argparse.ArgumentParser()
        parser.add_argument("--outer")
        print(parser.parse_args())
    """)
    assert one.record("--outer", "2").values == {"outer": "2"}


def test_help_is_still_help(script):
    one = script(TRAIN)
    assert "where the data lies" in one.record("--help").output
    assert one.record("--version").output == "1\n"


def test_a_failure_of_ours_is_a_line_and_the_script_goes_on(script):
    one = script(TRAIN)
    one.record(*GIVEN)
    one.file.write_text("import launch_broken\n" + one.file.read_text())
    (one.folder / "launch_broken.py").write_text(
        "from penstock.run.arguments import recording\n"
        "def broken(*_):\n    raise RuntimeError('no\\nway')\n"
        "recording.record = broken\n"
    )
    ran = one.record(*GIVEN)
    assert shown(ran)["lr"] == "0.2"
    assert ran.errors == "penstock: the command line was not followed: RuntimeError: no way\n"
