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
@click.option("--here", is_flag=True, help="Carry it out on this machine, also if an agent did before.")
@click.option("--queue", metavar="QUEUE", help="Have an agent carry it out that serves this queue.")
@click.option("--wait", is_flag=True, help="If an agent carries it out, return when it has ended.")
@click.option("--plain", is_flag=True, help="Print plain lines, also in a terminal.")
@json_option
@pass_invocation
def command(invocation: Invocation, run: str, here: bool, queue: str | None, wait: bool, plain: bool) -> int:
    """Let a run go on from where it stood, with the code and values that it was started with.

    Steps that completed stay as they are; those that failed, were stopped or never ran are tried. The run keeps its
    name. A run that waited in a queue waits in it again, for an agent; any other goes on here. Where steps of such a
    one have callbacks, which are functions of the script, use: penstock run SCRIPT --resume RUN
    """
    if here and queue is not None:
        raise click.UsageError(f"--here and --queue {queue} exclude each other")
    found = invocation.find(run)
    if queue is not None or (found.task.queue and not here):
        return _requeue(invocation, found, queue, wait=wait)
    return _go_on(invocation, found, plain=plain)


def _requeue(invocation: Invocation, run: Run, queue: str | None, *, wait: bool) -> int:
    """Let it wait for an agent."""
    from penstock.cli.launch import follow
    from penstock.ops.actions import RequeueRun

    invocation.close_lost()
    reason = f"by {invocation.settings.user}" if invocation.settings.user else "by a user"
    return follow(invocation, invocation.backend.call(RequeueRun(id=run.id, queue=queue, reason=reason)), wait=wait)


def _go_on(invocation: Invocation, found: Run, *, plain: bool) -> int:
    """Carry it out in this process."""
    from penstock.cli.script import Interrupts
    from penstock.sdk.begin import Begin, StartOptions
    from penstock.sdk.display import PlainLines
    from penstock.sdk.launched import Launched, put

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
