"""`penstock runs`: the list of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from penstock.cli.invocation import Exit, Invocation, json_option, pass_invocation

if TYPE_CHECKING:
    from rich.text import Text

    from penstock.core.run import Run

STATUSES = ("created", "queued", "in_progress", "stopped", "failed", "completed", "published")
ROOMY = 72  # columns of a terminal from which on project and id are shown
DRAFTS = frozenset({"created"})
EXAMPLE = """\
\b
Example:
  penstock runs --pipeline iris --status failed
"""


@click.command("runs", epilog=EXAMPLE)
@click.option("--project", help="Only runs of this project.")
@click.option("--pipeline", help="Only runs of this pipeline.")
@click.option("--status", "wanted", type=click.Choice(STATUSES), multiple=True, help="Only runs in this status.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most this many.")
@click.option("--archived", is_flag=True, help="Only runs that were archived; without this, only others.")
@click.option("--all", "every", is_flag=True, help="Drafts, which were never started, and archived runs as well.")
@json_option
@pass_invocation
def command(
    invocation: Invocation,
    project: str | None,
    pipeline: str | None,
    wanted: Sequence[str],
    limit: int,
    archived: bool,
    every: bool,
) -> Exit:
    """List the runs, newest first: those that were started and not archived, unless options say otherwise."""
    from penstock.core.task import Status
    from penstock.ops.runs import ListRuns

    chosen = wanted or [status for status in STATUSES if archived or every or status not in DRAFTS]
    invocation.close_lost()
    op = ListRuns(
        pipeline=pipeline,
        project=project,
        statuses=tuple(map(Status, chosen)),
        archived=None if every and not archived else archived,
        limit=limit,
    )
    runs = invocation.backend.call(op)
    filtered = project or pipeline or wanted or archived
    none = "no runs match" if filtered else "no runs yet; run a pipeline with: penstock run SCRIPT"
    return invocation.show_list("runs", runs, _print, none)


def _print(runs: Sequence[Run], now: float) -> None:
    from penstock.cli.terminal import console, plain, table
    from penstock.sdk.wording import age

    out = console()
    roomy = out.width >= ROOMY
    several = roomy and len({run.project for run in runs}) > 1
    made = table(
        "~NAME",
        "VERSION",
        "STATUS",
        "STARTED",
        ">DURATION",
        ">STEPS",
        *(["~PROJECT"] if several else []),
        *(["ID"] if roomy else []),
    )
    for run in runs:
        made.add_row(
            plain(run.task.name),
            plain(run.version),
            _status(run),
            "" if run.task.started is None else age(now - run.task.started),
            length(run.task.started, run.task.ended, now),
            steps_done(run.counts),
            *([plain(run.project)] if several else []),
            *([run.id[:8]] if roomy else []),
        )
    out.print(made)


def _status(run: Run) -> Text:
    from penstock.cli.terminal import status
    from penstock.core.run import ARCHIVED

    made = status(run.task.status)
    return made.append(f", {ARCHIVED}", style="dim") if ARCHIVED in run.task.system_tags else made


def length(started: float | None, ended: float | None, now: float) -> str:
    """Return how long something ran, or has been running."""
    from penstock.sdk.wording import duration

    return "" if started is None else duration((now if ended is None else ended) - started)


def steps_done(counts: Mapping[str, int]) -> str:
    """Return how many steps have done their work, of how many."""
    total = sum(counts.values())
    return f"{counts.get('completed', 0) + counts.get('cached', 0)}/{total}" if total else ""
