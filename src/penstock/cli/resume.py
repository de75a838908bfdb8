"""`penstock resume`: lets a run go on that failed, was stopped, or whose process died."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from penstock.cli.invocation import Exit, Invocation, json_option, last_run_argument, pass_invocation
from penstock.cli.outcome import details, stdout_for, verdict, what_next

if TYPE_CHECKING:
    from penstock.core.run import Run

EXAMPLE = """\
\b
Example:
  penstock resume 'iris #3'
"""


@click.command("resume", epilog=EXAMPLE)
@last_run_argument
@click.option("--plain", is_flag=True, help="Print plain lines, also in a terminal.")
@json_option
@pass_invocation
def command(invocation: Invocation, run: str, plain: bool) -> int:
    """Let a run go on from where it stood, with the code and values that it was started with.

    Steps that completed stay as they are; those that failed, were stopped or never ran are tried. The run keeps its
    name. Where steps have callbacks, which are functions of the script, use: penstock run SCRIPT --resume RUN

    The steps of a pipeline that is written as a function are known when that runs: its recorded script does, again.
    """
    from penstock.cli.script import Interrupts
    from penstock.ops.runs import GetRun
    from penstock.sdk.begin import Begin, StartOptions
    from penstock.sdk.display import PlainLines
    from penstock.sdk.launched import Launched, put

    found = invocation.find(run)
    if invocation.backend.call(GetRun(id=found.id)).definition.grows:
        return _by_its_script(invocation, found, plain=plain)
    put(Launched({}, PlainLines() if plain else None))
    interrupts = Interrupts()
    code = Exit.OK
    with stdout_for(invocation), interrupts.watched():
        started = Begin(invocation.backend, invocation.settings, StartOptions()).go_on_without_script(found)
        try:
            started.controller.run()
        except KeyboardInterrupt:
            code = Exit.INTERRUPTED
        ended = details([found.id])
        code = code or verdict([detail.run for detail in ended])
        for line in what_next(ended):
            click.echo(line, err=True)
    if invocation.json:
        from penstock.cli.document import emit

        emit({"exit_code": code, "runs": [detail.run for detail in ended]})
    return code


def _by_its_script(invocation: Invocation, run: Run, *, plain: bool) -> int:
    """Let a run go on whose steps a function of its script calls for."""
    from penstock.cli.execute import carry_out_run

    code, found = carry_out_run(invocation, run, plain=plain)
    if invocation.json:
        from penstock.cli.document import emit

        emit({"exit_code": code, "runs": [detail.run for detail in found]})
    return code
