"""`penstock tasks`: the list of recorded tasks that belong to no run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from penstock.cli.invocation import Exit, Invocation, json_option, pass_invocation
from penstock.cli.runs import STATUSES, length

if TYPE_CHECKING:
    from penstock.core.task import Task

ROOMY = 72  # columns of a terminal from which on the project is shown
EXAMPLE = """\
\b
Example:
  penstock tasks --project 'Examples/recorded tasks' --status created
"""


@click.command("tasks", epilog=EXAMPLE)
@click.option("--project", help="Only tasks of this project.")
@click.option("--name", help="Only tasks whose name this regular expression is found in.")
@click.option("--tag", "tags", multiple=True, help="Only tasks with one of these tags.")
@click.option("--status", "wanted", type=click.Choice(STATUSES), multiple=True, help="Only tasks in this status.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most this many.")
@click.option("--archived", is_flag=True, help="Only tasks that were archived; without this, only others.")
@json_option
@pass_invocation
def command(
    invocation: Invocation,
    project: str | None,
    name: str | None,
    tags: Sequence[str],
    wanted: Sequence[str],
    limit: int,
    archived: bool,
) -> Exit:
    """List the tasks that scripts recorded by themselves, newest first. The steps of runs: penstock show RUN."""
    from penstock.core.task import Status
    from penstock.ops.tasks import ListTasks

    invocation.close_lost()
    op = ListTasks(
        project=project,
        pattern=name,
        tags=tuple(tags),
        statuses=tuple(map(Status, wanted)) or None,
        archived=archived,
        alone=True,
        limit=limit,
    )
    tasks = invocation.backend.call(op)
    filtered = project or name or tags or wanted or archived
    none = "no tasks match" if filtered else "no tasks yet; a script records one with Task.init()"
    return invocation.show_list("tasks", tasks, _print, none)


def _print(tasks: Sequence[Task], now: float) -> None:
    from penstock.cli.terminal import console, plain, status, table
    from penstock.sdk.wording import age

    out = console()
    roomy = out.width >= ROOMY
    made = table("~NAME", "TYPE", "STATUS", "CREATED", ">DURATION", *(["~PROJECT"] if roomy else []), "ID")
    for task in tasks:
        made.add_row(
            plain(task.name),
            plain(task.type),
            status(task.status),
            age(now - task.created),
            length(task.started, task.ended, now),
            *([plain(task.project)] if roomy else []),
            task.id[:8],
        )
    out.print(made)
