"""`penstock skip`: skips steps of a run that have not begun, and the rest of the run goes on."""

from __future__ import annotations

from collections.abc import Sequence

import click

from penstock.cli.invocation import Exit, Invocation, json_option, pass_invocation, run_argument

EXAMPLE = """\
\b
Example:
  penstock skip 'iris #3' evaluate
"""


@click.command("skip", epilog=EXAMPLE)
@run_argument
@click.argument("steps", metavar="STEP...", nargs=-1, required=True)
@json_option
@pass_invocation
def command(invocation: Invocation, run: str, steps: Sequence[str]) -> Exit:
    """Skip steps of a run, with all that relies on them; the rest goes on.

    The run is in progress, or waits in a queue; a step that has begun is refused. What was skipped stays so when the
    run is resumed.
    """
    from penstock.ops.steering import SkipStep

    invocation.close_lost()
    id = invocation.find(run).id
    by = invocation.settings.user
    return invocation.steer("skipped", steps, lambda step: SkipStep(run=id, step=step, by=by))
