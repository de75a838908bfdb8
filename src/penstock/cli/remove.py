"""`penstock rm`: deletes runs with everything that they recorded."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from penstock.cli.invocation import Exit, Invocation, json_option, pass_invocation

if TYPE_CHECKING:
    from penstock.core.run import Run
EXAMPLE = """\
\b
Example:
  penstock rm 'iris #3' 4f1c
"""


@click.command("rm", epilog=EXAMPLE)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@pass_invocation
def command(invocation: Invocation, runs: Sequence[str], yes: bool) -> Exit:
    """Delete runs: their steps, logs and metrics, and the artifacts that no other run has. It cannot be undone.

    A run in progress is refused; nothing is deleted then.
    """
    from penstock.ops.runs import DeleteRun

    invocation.close_lost()
    found = list({run.id: run for run in map(invocation.find, runs)}.values())
    refuse_open(found)
    if not (yes or _ask(found)):
        click.echo("nothing was deleted", err=True)
        return Exit.FAILED
    for run in found:
        invocation.backend.call(DeleteRun(id=run.id))
        if not invocation.json:
            click.echo(f"deleted {named(run)}")
    if invocation.json:
        from penstock.cli.document import emit

        emit({"deleted": found})
    return Exit.OK


def refuse_open(runs: Sequence[Run]) -> None:
    """Raise Conflict when one of the runs has not ended: before anything is done to any of them."""
    from penstock.core.errors import Conflict
    from penstock.core.task import Status

    for run in runs:
        if run.task.status in {Status.IN_PROGRESS, Status.QUEUED}:
            raise Conflict(f"{named(run)} is {run.task.status}", hint=f"stop it first: penstock abort {run.id[:12]}")


def _ask(runs: Sequence[Run]) -> bool:
    """Ask whether these runs are to be deleted."""
    if not sys.stdin.isatty():
        raise click.UsageError("nobody can be asked here; give --yes to delete without asking")
    for run in runs:
        click.echo(f"  {named(run)}: {run.task.status}", err=True)
    question = "Delete it?" if len(runs) == 1 else f"Delete these {len(runs)} runs?"
    return click.confirm(question, err=True)


def named(run: Run) -> str:
    """Return a run's name with the beginning of its id."""
    from penstock.sdk.wording import harmless

    return f"{harmless(run.task.name)} ({run.id[:12]})"
