"""Following click and typer."""

from __future__ import annotations

import pytest

CLICK = """
    import click, datetime, pathlib

    class Pair(click.ParamType):
        name = "pair"
        def convert(self, value, param, ctx):
            return value if isinstance(value, Two) else Two(value)

    class Two:
        def __init__(self, text):
            self.both = text.split(",")
        def __repr__(self):
            return repr(self.both)

    @click.command(no_args_is_help=True)
    @click.argument("data", type=click.Path(path_type=pathlib.Path))
    @click.argument("more", nargs=-1)
    @click.option("--lr", default=0.1, help="the rate")
    @click.option("--epochs", type=click.IntRange(1, 99), required=True)
    @click.option("--fast/--slow", default=False)
    @click.option("--tag", multiple=True)
    @click.option("--size", nargs=2, type=int, default=(1, 2))
    @click.option("--opt", type=click.Choice(["sgd", "adam"]), default="sgd")
    @click.option("--when", type=click.DateTime(), default=None)
    @click.option("--pair", type=Pair())
    @click.option("-v", "--verbose", count=True)
    @click.option("--pin", prompt=True, hide_input=True, default="1234")
    @click.option("--name", default=None)
    @click.version_option("1")
    def main(**values):
        for name, value in sorted(values.items()):
            print(name, repr(value))

    if __name__ == "__main__":
        main()
"""
TYPER = """
    import enum, pathlib, typing
    import typer

    class Opt(str, enum.Enum):
        sgd = "sgd"
        adam = "adam"

    def main(
        data: pathlib.Path,
        lr: typing.Annotated[float, typer.Option(help="the rate")] = 0.1,
        epochs: int = typer.Option(...),
        fast: bool = False,
        tag: typing.Optional[typing.List[str]] = None,
        size: typing.Tuple[int, int] = (1, 2),
        opt: Opt = Opt.sgd,
        name: typing.Optional[str] = None,
    ):
        for key, value in sorted(locals().items()):
            print(key, repr(value))

    if __name__ == "__main__":
        typer.run(main)
"""


def shown(ran):
    assert ran.code == 0, ran.output + ran.errors
    return dict(line.split(" ", 1) for line in ran.output.splitlines() if " " in line)


GIVEN = ["d.csv", "x", "y", "--epochs", "5", "--fast", "--tag", "a", "--tag", "b", "--size", "3", "4"]
OF_CLICK = [*GIVEN, "--when", "2026-01-02", "--pair", "l,r", "-vv", "--pin", "9"]


def test_every_parameter_of_a_command_is_recorded_with_its_help(script):
    ran = script(CLICK).record(*OF_CLICK)
    assert ran.code == 0, ran.errors
    assert ran.stores == 1
    assert ran.values == {
        "data": "d.csv", "more": ["x", "y"], "lr": 0.1, "epochs": 5, "fast": True, "tag": ["a", "b"], "size": [3, 4],
        "opt": "sgd", "when": "2026-01-02", "pair": "l,r", "verbose": 2, "pin": "********", "name": None,
    }  # fmt: skip
    assert ran.parameters["lr"] == {
        "section": "Args", "name": "lr", "value": 0.1, "type": "float", "description": "the rate",
    }  # fmt: skip


def test_without_a_command_line_the_command_gets_what_was_recorded(script):
    one = script(CLICK)
    recorded = shown(one.record(*OF_CLICK))
    assert recorded["pin"] == "'9'"
    again = shown(one.carry_out("--pin=9"))
    assert again == recorded


def test_the_tasks_values_are_checked_and_converted_by_click(script):
    one = script(CLICK)
    one.record(*OF_CLICK)
    ran = one.carry_out(
        "--pin=7", data="e.csv", more="[z]", lr="0.5", epochs="7", fast="false", tag=["c"], size="[8, 9]", opt="adam",
        when="2027-01-01", pair="p,q", verbose=1, name="n",
    )  # fmt: skip
    assert shown(ran) == {
        "data": "PosixPath('e.csv')", "more": "('z',)", "lr": "0.5", "epochs": "7", "fast": "False", "tag": "('c',)",
        "size": "(8, 9)", "opt": "'adam'", "when": "datetime.datetime(2027, 1, 1, 0, 0)", "pair": "['p', 'q']",
        "verbose": "1", "pin": "'7'", "name": "'n'",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"epochs": 2.5}, "'2.5' is not a valid integer range"), ({"epochs": 100}, "100 is not in the range"),
     ({"opt": "x"}, "'x' is not one of 'sgd', 'adam'"), ({"lr": "fast"}, "'fast' is not a valid float")],
)  # fmt: skip
def test_a_value_that_click_would_not_take_is_clicks_own_error(script, changes, said):
    one = script(CLICK)
    one.record(*OF_CLICK)
    ran = one.carry_out("--pin=7", **changes)
    assert ran.code == 2
    assert said in ran.errors


def test_names_that_are_not_wanted_are_left_out(script):
    one = script(CLICK)
    assert set(one.record(*OF_CLICK, wanted={"lr": True, "*": False}).values) == {"lr"}
    assert shown(one.carry_out(*OF_CLICK, wanted={"lr": False}, lr=0.9))["lr"] == "0.1"


def test_help_and_version_are_what_they_were(script):
    one = script(CLICK)
    ran = one.record("--help")
    assert "the rate" in ran.output
    assert ran.values == {}
    assert "version 1" in one.record("--version").output


GROUP = """
    import click

    @click.group()
    @click.argument("project")
    @click.option("--debug/--no-debug", default=False)
    def main(project, debug):
        print("main", project, debug)

    @main.group()
    @click.option("--gpu", default=0)
    def train(gpu):
        print("train", gpu)

    @train.command()
    @click.option("--lr", default=0.1, type=float)
    @click.option("--gpu", default="none")
    def deep(lr, gpu):
        print("deep", lr, gpu)

    @main.command("check-it")
    @click.option("--strict", is_flag=True)
    def check(strict):
        print("check", strict)

    main()
"""


def test_of_commands_in_groups_the_names_lead_to_the_parameters(script):
    one = script(GROUP)
    ran = one.record("--debug", "p", "train", "--gpu", "2", "deep", "--lr", "0.5")
    assert ran.values == {
        "project": "p", "debug": True, "command": "train", "train/gpu": 2, "train/command": "deep",
        "train/deep/lr": 0.5, "train/deep/gpu": "none",
    }  # fmt: skip
    assert one.carry_out().output == ran.output
    assert one.carry_out(train__gpu=3, train__deep__lr="0.25").output == "main p True\ntrain 3\ndeep 0.25 none\n"
    assert one.carry_out(command="check-it").output == "main p True\ncheck False\n"


def test_a_command_that_there_is_not_is_clicks_own_error(script):
    one = script(GROUP)
    one.record("p", "check-it")
    ran = one.carry_out(command="fly")
    assert ran.code == 2
    assert "No such command 'fly'" in ran.errors


def test_typer_is_followed_like_click(script):
    one = script(TYPER)
    ran = one.record(
        "d.csv", "--epochs", "5", "--fast", "--tag", "a", "--tag", "b", "--size", "3", "4", "--opt", "adam"
    )
    assert ran.values == {
        "data": "d.csv", "lr": 0.1, "epochs": 5, "fast": True, "tag": ["a", "b"], "size": [3, 4], "opt": "adam",
        "name": None,
    }  # fmt: skip
    assert ran.parameters["lr"]["description"] == "the rate"
    assert shown(one.carry_out()) == shown(ran)
    changed = one.carry_out(data="e.csv", lr="0.5", epochs="7", fast="no", tag="[c]", size=[8, 9], opt="sgd", name="n")
    assert shown(changed) == {
        "data": "PosixPath('e.csv')", "lr": "0.5", "epochs": "7", "fast": "False", "tag": "['c']", "size": "(8, 9)",
        "opt": "<Opt.sgd: 'sgd'>", "name": "'n'",
    }  # fmt: skip


def test_a_value_that_typer_would_not_take_is_typers_own_error(script):
    one = script(TYPER)
    one.record("d.csv", "--epochs", "5")
    ran = one.carry_out(epochs="2.5")
    assert ran.code == 2
    assert "Invalid value for '--epochs'" in ran.errors


def test_commands_of_a_typer_app_are_chosen_by_the_task(script):
    one = script("""
        import typer
        app = typer.Typer()

        @app.command()
        def train(lr: float = 0.1):
            print("train", lr)

        @app.command()
        def check(strict: bool = False):
            print("check", strict)

        app()
    """)
    assert one.record("train", "--lr", "0.5").values == {"command": "train", "train/lr": 0.5}
    assert one.carry_out(train__lr="0.75").output == "train 0.75\n"
    assert one.carry_out(command="check", check__strict="true").output == "check True\n"


def test_what_code_of_the_user_makes_of_a_text_is_made_again_from_the_text(script):
    one = script("""
        import click

        @click.command()
        @click.option("--size", type=lambda text: int(text.removesuffix("k")) * 1000)
        @click.option("--other", type=lambda text: int(text.removesuffix("k")) * 1000, default="3k")
        def main(size, other):
            print(size, other)

        main()
    """)
    ran = one.record("--size", "2k")
    assert ran.values == {"size": "2k", "other": "3k"}
    assert one.carry_out().output == "2000 3000\n"
    assert one.carry_out(other="5k").output == "2000 5000\n"


def test_the_same_holds_for_a_parser_that_typer_is_given(script):
    one = script("""
        import enum, typer

        def thousands(text):
            return int(str(text).removesuffix("k")) * 1000

        class Opt(enum.Enum):
            FIRST = "1st"
            SECOND = "2nd"

        def main(size: int = typer.Option(..., parser=thousands), opt: Opt = Opt.FIRST):
            print(size, opt.name)

        typer.run(main)
    """)
    ran = one.record("--size", "2k")
    assert ran.values == {"size": "2k", "opt": "1st"}
    assert one.carry_out().output == "2000 FIRST\n"
    assert one.carry_out(size="5k", opt="2nd").output == "5000 SECOND\n"


def test_an_empty_command_line_shows_no_help_where_the_task_has_the_values(script):
    one = script("""
        import click

        @click.command(no_args_is_help=True)
        @click.option("--lr", default=0.1)
        def main(lr):
            print("lr", lr)

        main()
    """)
    assert "Usage" in one.record().output + one.record().errors
    one.record("--lr", "0.5")
    assert one.carry_out().output == "lr 0.5\n"


def test_a_tool_that_runs_the_users_code_is_not_followed(script):
    option = "@click.command()\n@click.option('--inner', default=1)\n"
    tool = f"import click\n{option}def tool(inner): print('tool', inner)\ntool()"
    one = script(f"import json.tool\nexec(compile({tool!r}, json.tool.__file__, 'exec'))\n")
    ran = one.record()
    assert "tool 1" in ran.output, ran.errors
    assert ran.values == {}
