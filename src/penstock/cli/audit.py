"""`penstock audit`: who changed what, and whether the record of it is as it was written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from penstock.cli.invocation import Exit, Invocation, json_option, pass_invocation

if TYPE_CHECKING:
    from penstock.core.audit import Entry, Mark

EXAMPLE = """\
\b
Example:
  penstock audit --who bob --operation DeleteRun
  penstock audit --noted 1204:9f2c...
"""


@click.command("audit", epilog=EXAMPLE)
@click.option("--who", help="Only what this user, agent or task asked for.")
@click.option("--operation", help="Only this operation, such as DeleteRun.")
@click.option("--object", "about", help="Only what was about this id or name.")
@click.option("--key", help="Only what was asked with the key of this id.")
@click.option("--refused", is_flag=True, help="Only what was refused.")
@click.option("--limit", type=click.IntRange(min=0), default=20, show_default=True, help="At most this many.")
@click.option("--noted", metavar="SEQ:HASH", help="A mark that an earlier check printed and you kept.")
@json_option
@pass_invocation
def command(
    invocation: Invocation,
    who: str | None,
    operation: str | None,
    about: str | None,
    key: str | None,
    refused: bool,
    limit: int,
    noted: str | None,
) -> Exit:
    """Show what was changed or refused for users and agents, the newest first, and check the whole log.

    Each row carries a hash of itself and of the row before. The exit code is 1 when a row is not as it was written, or
    is missing. Keep the mark that is printed elsewhere and give it with --noted: then nobody can write the log anew.
    """
    from penstock.ops.audit import CheckAudit, ListAudit

    mark = _mark(noted)
    op = ListAudit(who=who, operation=operation, object=about, key=key, refused=refused or None, limit=limit)
    entries = invocation.backend.call(op)
    checked = invocation.backend.call(CheckAudit(noted=mark))
    if invocation.json:
        from penstock.cli.document import emit

        emit({"audit": entries, "mark": checked.mark, "problem": checked.problem})
    else:
        if entries:
            _print(entries)
        if checked.problem:
            click.echo(f"the audit log was changed: {checked.problem}", err=True)
        else:
            rows = "1 row" if checked.mark.seq == 1 else f"{checked.mark.seq:,} rows"
            click.echo(f"{rows}, all as written; mark {checked.mark.seq}:{checked.mark.hash}", err=True)
    return Exit.FAILED if checked.problem else Exit.OK


def _mark(text: str | None) -> Mark | None:
    from penstock.core.audit import Mark

    if text is None:
        return None
    found = re.fullmatch(r"([0-9]{1,18}):([0-9a-f]{64})?", text)
    if found is None:
        raise click.UsageError(f"{text!r} is no mark; give it as an earlier check printed it: SEQ:HASH")
    return Mark(int(found[1]), found[2] or "")


def _print(entries: Sequence[Entry]) -> None:
    from penstock.cli.terminal import console, plain, table

    made = table(">SEQ", "WHEN", "~WHO", "KIND", "KEY", "~ADDRESS", "OPERATION", "~OBJECT", "RESULT")
    for entry in entries:
        when = datetime.fromtimestamp(entry.at).astimezone().isoformat(" ", "seconds")
        made.add_row(
            str(entry.seq),
            when,
            plain(entry.who),
            entry.kind,
            plain(entry.key),
            plain(entry.address),
            plain(entry.operation),
            plain(entry.object),
            plain(entry.result),
        )
    console().print(made)
