"""`penstock run`: runs a script and the pipelines in it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock.cli import secret
from penstock.cli.invocation import Exit, Invocation, json_option, pass_invocation
from penstock.cli.outcome import details, stdout_for, verdict, what_next

if TYPE_CHECKING:
    from penstock.cli.script import Ending
    from penstock.core.run import RunDetail
    from penstock.sdk.launched import Launched

START = "start_locally(run_pipeline_steps_locally=True)"
EXAMPLE = """\
\b
Example:
  penstock run train.py --param rate=0.1 --param epochs=20 -- --verbose
"""


@click.command("run", epilog=EXAMPLE)
@click.argument("script", type=click.Path(exists=True, dir_okay=False))
@click.argument("arguments", nargs=-1, metavar="[-- ARGUMENTS...]")
@click.option("-p", "--param", "given", multiple=True, metavar="NAME=VALUE", help="Set a parameter of the pipeline.")
@secret.option
@click.option("--resume", metavar="RUN", help="Let this run of the script's pipeline go on, instead of a new one.")
@click.option("--no-cache", is_flag=True, help="Run every step, also where an earlier execution could be reused.")
@click.option("--as-clearml", is_flag=True, help="Let `import clearml` mean Penstock, in its steps as well.")
@click.option("--plain", is_flag=True, help="Print plain lines, also in a terminal.")
@json_option
@pass_invocation
def command(
    invocation: Invocation,
    script: str,
    arguments: Sequence[str],
    given: Sequence[str],
    secrets: Sequence[str],
    resume: str | None,
    no_cache: bool,
    as_clearml: bool,
    plain: bool,
) -> int:
    """Run a script and the pipelines in it, and show how they go.

    The script runs as under `python SCRIPT`; what stands behind -- is in its sys.argv. A parameter that is set here
    replaces the default of add_parameter(), in the same type; a secret is set by --secret. The exit code is that of
    the script, or 1 when a run did not complete.

    With --as-clearml, scripts that were written for ClearML run as they are.
    """
    from penstock.cli.script import Interrupts, run_script
    from penstock.run.stand_in import stand_for
    from penstock.sdk.display import PlainLines
    from penstock.sdk.launched import Launched, put

    asked = {name: one.text for name, one in secret.read(secrets).items()}
    parameters = {**dict(map(parameter, given)), **asked}
    going_on = None if resume is None else _run_to_resume(invocation, resume, parameters)
    shown = PlainLines() if plain else None
    launched = Launched(parameters, shown, resume=going_on, use_cache=not no_cache, secrets=asked.keys())
    put(launched)
    stand_for("clearml" if as_clearml else "")
    interrupts = Interrupts()
    with stdout_for(invocation), interrupts.watched():
        ending = run_script(script, arguments)
        code, found = conclude(launched, ending, interrupted=bool(interrupts.count))
        if not (launched.runs or launched.left or code):
            code = _report_nothing(script, parameters)
    if invocation.json:
        from penstock.cli.document import emit

        emit({"script": script, "exit_code": code, "runs": [detail.run for detail in found]})
    return code


def conclude(launched: Launched, ending: Ending, *, interrupted: bool) -> tuple[int, list[RunDetail]]:
    """Tell how a script ended and what its runs made; return the exit code, and the runs."""
    from penstock.sdk import recording

    own = recording.get()
    if own is not None:
        own.note(ending.error, ending.code)
    code = _report_error(ending, launched.parameters)
    found = details(launched.runs)
    if interrupted:
        code = Exit.INTERRUPTED
    if code == Exit.INTERRUPTED and not launched.runs:  # else the run has told
        click.echo("interrupted", err=True)
    for line in what_next(found):
        click.echo(line, err=True)
    return code or verdict([detail.run for detail in found]), found


def _run_to_resume(invocation: Invocation, resume: str, parameters: dict[str, str]) -> str:
    """Return the id of the run; say before the script runs that there is none, or that it keeps its parameters."""
    if parameters:
        name = next(iter(parameters))
        raise click.UsageError(f"a run that goes on keeps its parameters: leave out --param {name} or --resume")
    return invocation.find(resume).id


def parameter(text: str) -> tuple[str, str]:
    """Return the name and the value that stand in a text of the form NAME=VALUE."""
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise click.BadParameter(f"{text!r} is not of the form NAME=VALUE", param_hint="--param")
    return name, value


def _report_error(ending: Ending, parameters: dict[str, str]) -> int:
    """Say what the script raised, and return the exit code for it."""
    from penstock.cli.script import own_frames, place
    from penstock.core.errors import BadParameter, PenstockError
    from penstock.sdk.wording import harmless_lines

    error = ending.error
    sys.stdout.flush()
    if error is None:
        return ending.code
    if isinstance(error, KeyboardInterrupt):
        return Exit.INTERRUPTED
    if not isinstance(error, PenstockError):
        sys.excepthook(type(error), error.with_traceback(own_frames(error)), error.__traceback__)
        return Exit.FAILED
    click.echo("\n".join(harmless_lines(f"error: {error}")), err=True)
    if isinstance(error, BadParameter) and parameters:
        return Exit.USAGE
    if where := place(error):
        click.echo(f"at: {where}", err=True)
    return Exit.FAILED


def _report_nothing(script: str, parameters: dict[str, str]) -> Exit:
    """Say that the script started no pipeline; or, where it is a task by itself, how to see that."""
    from penstock.run import current
    from penstock.sdk import recording

    recorded = recording.last()
    if recorded is not None and not parameters:
        click.echo(f"next: penstock task {recorded[:12]}", err=True)
        return Exit.OK
    name = Path(script).name
    made = "made a pipeline, but did not start it" if current.get() is not None else "started no pipeline"
    click.echo(f"{name} {made}; a pipeline runs when its {START} is called", err=True)
    if parameters:
        click.echo(f"error: --param {next(iter(parameters))} was given, and no pipeline took it", err=True)
        return Exit.USAGE
    return Exit.OK
