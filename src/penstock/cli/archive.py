"""`penstock archive`: puts runs out of sight, and brings them back."""

from __future__ import annotations

from collections.abc import Sequence

import click

from penstock.cli.invocation import Exit, Invocation, json_option, pass_invocation

EXAMPLE = """\
\b
Example:
  penstock archive 'iris #3' 4f1c
  penstock archive --restore 'iris #3'
"""


@click.command("archive", epilog=EXAMPLE)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@click.option("--restore", is_flag=True, help="Bring them back.")
@json_option
@pass_invocation
def command(invocation: Invocation, runs: Sequence[str], restore: bool) -> Exit:
    """Put runs out of sight: they are kept, but not listed, are never what last means, and no step reuses them.

    They are still found by id and by name; penstock runs --archived lists them. A run in progress is refused; nothing
    is archived then.
    """
    from penstock.cli.remove import named, refuse_open
    from penstock.ops.runs import ArchiveRun

    invocation.close_lost()
    found = list({run.id: run for run in map(invocation.find, runs)}.values())
    if not restore:
        refuse_open(found)
    changed = [invocation.backend.call(ArchiveRun(id=run.id, archived=not restore)) for run in found]
    if invocation.json:
        from penstock.cli.document import emit

        emit({"restored" if restore else "archived": changed})
        return Exit.OK
    for run in changed:
        click.echo(f"{'restored' if restore else 'archived'} {named(run)}")
    return Exit.OK
