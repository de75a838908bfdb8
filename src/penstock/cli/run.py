"""`penstock run`: runs a script and the pipelines in it."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock.cli.invocation import Exit, Invocation, json_option, pass_invocation

if TYPE_CHECKING:
    from penstock.cli.script import Ending
    from penstock.core.run import Run, RunDetail

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
@click.option("--plain", is_flag=True, help="Print plain lines, also in a terminal.")
@json_option
@pass_invocation
def command(invocation: Invocation, script: str, arguments: Sequence[str], given: Sequence[str], plain: bool) -> int:
    """Run a script and the pipelines in it, and show how they go.

    The script runs as under `python SCRIPT`; what stands behind -- is in its sys.argv. A parameter that is set here
    replaces the default of add_parameter(), in the same type. The exit code is that of the script, or 1 when a run
    did not complete.
    """
    from penstock.cli.script import Interrupts, run_script
    from penstock.sdk.display import PlainLines
    from penstock.sdk.launched import Launched, put

    parameters = dict(map(_parameter, given))
    launched = Launched(parameters, PlainLines() if plain else None)
    put(launched)
    interrupts = Interrupts()
    with _stdout_for(invocation), interrupts.watched():
        ending = run_script(script, arguments)
        code = _report_error(ending, parameters)
        details = _details(launched.runs)
        if interrupts.count:
            code = Exit.INTERRUPTED
        if code == Exit.INTERRUPTED and not launched.runs:  # else the run has told
            click.echo("interrupted", err=True)
        code = code or _verdict([detail.run for detail in details])
        if not launched.runs and not code:
            code = _report_nothing(script, parameters)
        for line in _next(details):
            click.echo(line, err=True)
    if invocation.json:
        from penstock.cli.document import emit

        emit({"script": script, "exit_code": code, "runs": [detail.run for detail in details]})
    return code


def _parameter(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise click.BadParameter(f"{text!r} is not of the form NAME=VALUE", param_hint="--param")
    return name, value


@contextmanager
def _stdout_for(invocation: Invocation) -> Generator[None]:
    """With `--json`, send what the script and its steps print to standard error: the document comes alone."""
    if not invocation.json:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


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
    """Say that the script started no pipeline."""
    from penstock.run import current

    name = Path(script).name
    made = "made a pipeline, but did not start it" if current.get() is not None else "started no pipeline"
    click.echo(f"{name} {made}; a pipeline runs when its {START} is called", err=True)
    if parameters:
        click.echo(f"error: --param {next(iter(parameters))} was given, and no pipeline took it", err=True)
        return Exit.USAGE
    return Exit.OK


def _details(ids: Sequence[str]) -> list[RunDetail]:
    from penstock.ops.runs import GetRun
    from penstock.sdk import session

    return [session.open_backend(session.settings()).call(GetRun(id=id)) for id in ids]


def _verdict(runs: Sequence[Run]) -> Exit:
    from penstock.core.task import Status

    good = {Status.COMPLETED, Status.PUBLISHED}
    return Exit.OK if all(run.task.status in good for run in runs) else Exit.FAILED


def _next(details: Sequence[RunDetail]) -> list[str]:
    """Return what to type next."""
    from penstock.core.progress import StepStatus

    if not details:
        return []
    name = _shown(details[-1].run)
    commands = [f"penstock show {name}"] if len(details) == 1 else ["penstock runs", f"penstock show {name}"]
    failed = [step.name for step in details[-1].steps if step.status is StepStatus.FAILED and step.attempt]
    if failed:
        commands.append(f"penstock logs {name} {shlex.quote(failed[0])}")
    return [f"next: {'   '.join(commands)}"]


def _shown(run: Run) -> str:
    """Return how to name a run on the command line: by its name, where that names no other."""
    from penstock.core.errors import PenstockError
    from penstock.ops.runs import FindRun
    from penstock.sdk import session

    name = run.task.name
    try:
        found = session.open_backend(session.settings()).call(FindRun(text=name))
    except PenstockError:
        return run.id[:12]
    return shlex.quote(name) if found.id == run.id and name.isprintable() else run.id[:12]
