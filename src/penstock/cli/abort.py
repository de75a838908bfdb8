"""`penstock abort`: asks a run to stop, and tells what came of it."""

from __future__ import annotations

import time

import click

from penstock.cli.invocation import Exit, Invocation, json_option, pass_invocation, run_argument

EXAMPLE = """\
\b
Example:
  penstock abort 'iris #3'
"""


@click.command("abort", epilog=EXAMPLE)
@run_argument
@click.option(
    "--wait", type=click.FloatRange(min=0), default=15.0, show_default=True, help="Seconds to wait for its end."
)
@json_option
@pass_invocation
def command(invocation: Invocation, run: str, wait: float) -> Exit:
    """Stop a run: what runs is killed, what waits is skipped. Then wait for its end."""
    from penstock.core.task import ENDED
    from penstock.ops.runs import StopRun

    lost = {one.id: one for one in invocation.close_lost()}
    found = invocation.find(run)
    if found.id in lost:
        ended, told = lost[found.id], "was not running any more: its process is gone"
    else:
        invocation.backend.call(StopRun(id=found.id, why=f"penstock abort by {invocation.settings.user or 'a user'}"))
        _wait(invocation, found.id, wait)
        ended = invocation.find(found.id)
        told = "has ended" if ended.task.status in ENDED else f"was asked to stop, and has not ended within {wait:g} s"
    if invocation.json:
        from penstock.cli.document import emit

        emit({"run": ended})
    else:
        from penstock.sdk.wording import harmless, labelled

        why = f": {ended.task.message}" if ended.task.message else ""
        click.echo(harmless(f"{ended.task.name} {told}"), err=True)
        click.echo(harmless(f"{labelled(ended.task.status)}{why}"))
    return Exit.OK if ended.task.status in ENDED else Exit.FAILED


def _wait(invocation: Invocation, run: str, seconds: float) -> None:
    """Wait until the run has ended, at most so long; what its dead process leaves open is ended here."""
    from penstock.core.task import ENDED
    from penstock.ops.changes import LastChange, ListChanges
    from penstock.ops.tasks import GetTask

    call = invocation.backend.call
    deadline = time.monotonic() + seconds
    seen = call(LastChange())
    while call(GetTask(id=run)).status not in ENDED and (left := deadline - time.monotonic()) > 0:
        changes = call(ListChanges(after=seen, run=run, wait=min(left, 1.0)))
        seen = changes[-1].seq if changes else seen
        if not changes:
            invocation.close_lost()
