"""The command `penstock`: the group of all commands, its exit codes, and what becomes of errors.

A command's module is imported when the command is called, so that each costs no more than it needs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn, cast

import click

from penstock.cli.invocation import Exit, Invocation

if TYPE_CHECKING:
    from io import TextIOWrapper

    from penstock.core.errors import PenstockError

SUMMARIES = {
    "run": "Run a script and the pipelines in it.",
    "runs": "List the runs.",
    "show": "Show a run: parameters, steps, status, times.",
    "tasks": "List the tasks that scripts recorded by themselves.",
    "task": "Show a task: script, parameters, what it left.",
    "explain": "Say why a run and its steps went as they did.",
    "logs": "Print what the steps of a run printed.",
    "graph": "Draw the steps of a run and how they depend on each other.",
    "artifacts": "List, preview and save what a run made.",
    "metrics": "Show the numbers that a run reported.",
    "abort": "Stop a run, one of its steps, or a task.",
    "skip": "Skip steps of a run that have not begun.",
    "resume": "Let a run go on that failed, was stopped, or whose process died.",
    "rerun": "Run anew what depends on a change, and reuse the rest of a run.",
    "launch": "Do anew what a run did, on agents: a new run.",
    "execute": "Carry out a draft here: a task, or a run.",
    "agent": "Serve queues: claim tasks and carry them out here.",
    "agents": "List the agents, or have one leave.",
    "queue": "Look at queues, and steer what waits in them.",
    "limit": "Limit how many tasks with a tag run at once.",
    "archive": "Put runs out of sight, or bring them back.",
    "rm": "Delete runs.",
    "user": "Add, list, change and remove the users of a server.",
    "key": "Make, list and revoke keys.",
    "audit": "Show who changed what, and check that nobody changed the record.",
    "ui": "Print the address by which a browser gets in.",
    "server": "Serve the home over HTTP, for other processes and machines.",
    "doctor": "Check this installation and its home.",
}
MODULES = {"rm": "remove"}  # of commands whose name says too little for a module

WELCOME = """\
Penstock runs pipelines of Python functions and keeps what they made.

  penstock run SCRIPT         run a script and the pipelines in it
  penstock runs               list the runs
  penstock show [RUN]         show a run: its steps, their status and times
  penstock logs [RUN] [STEP]  print what the steps printed
  penstock graph [RUN]        draw how the steps depend on each other

RUN is an id or its beginning, a name such as 'iris #3', or last.
All commands: penstock --help. One of them: penstock COMMAND --help.
"""

EPILOG = """\
RUN is an id or its beginning, a name such as `iris`, `iris #3`, or `last`.

\b
Exit codes:
  0    done; for `run`, `resume`, `rerun` and `execute`: what was carried out completed
  1    a run or a task failed, or something went wrong
  2    the command was not understood
  3    there is no such run, task, step or artifact
  4    the server does not answer
  130  interrupted from the keyboard

With --json, standard output carries one JSON document: what was asked for, or {"error": ...}.

\b
Settings: PENSTOCK_HOME (where runs are kept), PENSTOCK_URL and PENSTOCK_KEY (a server
that keeps them instead), PENSTOCK_WORKERS (steps at once), PENSTOCK_PROGRESS (auto, live,
plain, none), NO_COLOR.
"""


class Commands(click.Group):
    """The commands by name, imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which people need them."""
        _ = ctx
        return list(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the command."""
        _ = ctx
        if cmd_name not in SUMMARIES:
            return None
        command: click.Command = import_module(f"penstock.cli.{MODULES.get(cmd_name, cmd_name)}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the arguments begin with."""
        if args[0] not in SUMMARIES and not args[0].startswith("-"):
            from penstock.core.names import nearest

            near = nearest(args[0], SUMMARIES)
            ctx.fail(f"there is no command {args[0]!r}{f'; did you mean {near!r}?' if near else ''}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list for `--help` without importing them all."""
        _ = ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))


def _print_version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        import platform

        import penstock

        click.echo(f"penstock {penstock.__version__} (Python {platform.python_version()})")
        context.exit()


@click.group(cls=Commands, invoke_without_command=True, epilog=EPILOG)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show the version."
)
@click.pass_context
def penstock(context: click.Context) -> None:
    """Pipelines of Python functions for machine learning and data: recorded, fast, on this machine."""
    if context.invoked_subcommand is None:
        click.echo(WELCOME, nl=False)
    elif context.invoked_subcommand != "run":
        with suppress(AttributeError):  # somebody put another stream there
            cast("TextIOWrapper", sys.stdout).reconfigure(errors="replace")  # a missing character is shown as another


def main() -> NoReturn:
    """Carry out the command that the process was started with, and leave with its exit code."""
    code = execute(sys.argv[1:])
    with suppress(OSError, ValueError):
        sys.stderr.flush()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _let_go_of_stdout()
        code = code or Exit.FAILED
    sys.exit(code)


def execute(arguments: Sequence[str]) -> int:
    """Carry out a command and return its exit code."""
    from penstock.core.errors import PenstockError

    invocation = Invocation()
    try:
        code: object = penstock.main(list(arguments), prog_name="penstock", standalone_mode=False, obj=invocation)
        return code if isinstance(code, int) else Exit.OK
    except click.UsageError as error:
        return _misunderstood(error)
    except click.ClickException as error:
        return _fail(invocation, "error", error.format_message(), None, Exit.FAILED)
    except click.Abort as abort:
        return Exit.INTERRUPTED if isinstance(abort.__cause__, KeyboardInterrupt | None) else Exit.FAILED
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except PenstockError as error:
        return _fail(invocation, error.code, error.message, error.hint, exit_code(error))
    except BrokenPipeError:
        _let_go_of_stdout()
        return Exit.FAILED
    except SystemExit as leaving:  # what click and Rich do about a broken pipe
        return leaving.code if isinstance(leaving.code, int) else Exit.FAILED
    finally:
        invocation.close()


def exit_code(error: PenstockError) -> Exit:
    """Return the exit code for an error."""
    from penstock.core.errors import Invalid, NotFound, Unreachable

    if isinstance(error, NotFound):
        return Exit.NOT_FOUND
    if isinstance(error, Unreachable):
        return Exit.UNREACHABLE
    return Exit.USAGE if isinstance(error, Invalid) else Exit.FAILED


def _misunderstood(error: click.UsageError) -> Exit:
    path = error.ctx.command_path if error.ctx is not None else "penstock"
    hint = f"see {path} --help"
    if isinstance(error, click.NoSuchOption) and path == "penstock run":
        hint = f"options of the script itself go behind --, as in: {path} SCRIPT -- {error.option_name}"
    _say(error.format_message().rstrip("."), hint)
    return Exit.USAGE


def _fail(invocation: Invocation, code: str, message: str, hint: str | None, leaving: Exit) -> Exit:
    """Say what went wrong; with `--json` also as the one document."""
    _say(message, hint)
    if invocation.json:
        from penstock.cli.document import emit

        emit({"error": {"code": code, "message": message, "hint": hint}})
    return leaving


def _say(message: str, hint: str | None) -> None:
    from penstock.sdk.wording import harmless_lines

    lines = [f"error: {message}", *([f"hint: {hint}"] if hint else [])]
    click.echo("\n".join(line for text in lines for line in harmless_lines(text)), err=True)


def _let_go_of_stdout() -> None:
    """Send what is left for a reader that is gone nowhere, so that the end of the process does not complain."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


if __name__ == "__main__":
    main()
