"""`penstock metrics`: the numbers that a run and its steps reported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from penstock.cli.invocation import (
    Exit,
    Invocation,
    json_option,
    last_run_argument,
    pass_invocation,
    step_argument,
    tasks,
)

if TYPE_CHECKING:
    from rich.table import Table

    from penstock.core.outputs import ScalarSummary

EXAMPLE = """\
\b
Example:
  penstock metrics last train
"""


@click.command("metrics", epilog=EXAMPLE)
@last_run_argument
@step_argument
@json_option
@pass_invocation
def command(invocation: Invocation, run: str, step: str | None) -> Exit:
    """Show the numbers that a run reported, or one step of it: of each series the last, least and greatest."""
    from penstock.ops.outputs import SummarizeScalars

    invocation.close_lost()
    detail = invocation.detail(run)
    call = invocation.backend.call
    rows = [(name, found) for name, task in tasks(detail, step) for found in call(SummarizeScalars(task=task))]
    if invocation.json:
        import msgspec

        from penstock.cli.document import emit

        emit({"run": detail.run, "metrics": [{"step": name, **msgspec.to_builtins(one)} for name, one in rows]})
    elif rows:
        from penstock.cli.terminal import console

        console().print(table_of(rows))
    else:
        whose = f"step {step}" if step is not None else f"run {detail.run.task.name}"
        click.echo(f"{whose} reported no numbers", err=True)
    return Exit.OK


def table_of(rows: Sequence[tuple[str, ScalarSummary]]) -> Table:
    """Return the table of series, each behind the step that reported it; without steps where none is named."""
    from penstock.cli.terminal import plain, table
    from penstock.sdk.wording import number

    named = any(name for name, _ in rows)
    made = table(*(["~STEP"] if named else []), "~TITLE", "~SERIES", ">LAST", ">MIN", ">MAX", ">POINTS", ">ITERATION")
    for name, one in rows:
        made.add_row(
            *([plain(name)] if named else []),
            plain(one.title),
            plain(one.series),
            number(one.last),
            number(one.minimum),
            number(one.maximum),
            f"{one.count:,}",
            "" if one.iteration is None else f"{one.iteration:,}",
        )
    return made
