"""`penstock runs`: the list of runs, filtered, sorted and with columns as asked for."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import click
from msgspec import to_builtins
from msgspec.structs import replace

from penstock.cli.invocation import Exit, Invocation, json_option, pass_invocation
from penstock.cli.where import read_columns, read_condition, read_sort, search_options

if TYPE_CHECKING:
    from rich.text import Text

    from penstock.backend import Backend
    from penstock.core.run import Run
    from penstock.core.search import Condition, Extra
    from penstock.ops.search import RunRow, SearchRuns

STATUSES = ("created", "queued", "in_progress", "stopped", "failed", "completed", "published")
ROOMY = 72  # columns of a terminal from which on project and id are shown
LONGEST = 40  # characters of a value in a table
DRAFTS = frozenset({"created"})
EXAMPLE = """\
\b
Example:
  penstock runs --pipeline iris --status failed
  penstock runs --where 'Args/rate<0.1' --where 'started>7d' --sort -accuracy:valid:max --columns Args/rate
"""


@click.command("runs", epilog=EXAMPLE)
@click.option("--project", help="Only runs of this project.")
@click.option("--pipeline", help="Only runs of this pipeline.")
@click.option("--status", "wanted", type=click.Choice(STATUSES), multiple=True, help="Only runs in this status.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most this many.")
@click.option("--archived", is_flag=True, help="Only runs that were archived; without this, only others.")
@click.option("--all", "every", is_flag=True, help="Drafts, which were never started, and archived runs as well.")
@search_options
@json_option
@pass_invocation
def command(
    invocation: Invocation, /, limit: int, archived: bool, every: bool, wanted: Sequence[str], **options: Any
) -> Exit:
    """List the runs, newest first: those that were started and not archived, unless options say otherwise."""
    from penstock.ops.search import SearchRuns

    chosen = wanted or [status for status in STATUSES if archived or every or status not in DRAFTS]
    columns = read_columns(options["columns"])
    op = SearchRuns(
        where=_conditions(chosen, options),
        sort=read_sort(options["sort"]) if options["sort"] else None,
        columns=columns,
        archived=None if every and not archived else archived,
    )
    invocation.close_lost()
    rows = _rows(invocation.backend, op, limit)
    filtered = any(options.values()) or wanted or archived
    none = "no runs match" if filtered else "no runs yet; run a pipeline with: penstock run SCRIPT"
    if invocation.json:
        from penstock.cli.document import emit

        emit({"runs": [_document(row, columns) for row in rows]})
        return Exit.OK
    code = invocation.show_list("runs", rows, lambda rows, now: _print(rows, columns, now), none)
    _tell_of_empty(invocation.backend, rows, columns)
    return code


def _conditions(statuses: Sequence[str], options: Mapping[str, Any]) -> tuple[Condition, ...]:
    from penstock.core.search import OF_RUNS, Compare, Condition, Fact

    named = [(name, (options[name],)) for name in ("project", "pipeline") if options[name] is not None]
    facts = [Condition(Fact(name), Compare.EQUAL, tuple(values)) for name, values in [("status", statuses), *named]]
    return (*facts, *(read_condition(text, OF_RUNS, time.time()) for text in options["where"]))


def _rows(backend: Backend, op: SearchRuns, limit: int) -> list[RunRow]:
    """Return the first rows, a page after the other."""
    from penstock.core.search import MOST_ROWS

    rows: list[RunRow] = []
    while len(rows) < limit:
        page = backend.call(replace(op, limit=min(limit - len(rows), MOST_ROWS)))
        rows += page.rows
        if page.next is None:
            break
        op = replace(op, after=page.next)
    return rows


def _document(row: RunRow, columns: Sequence[Extra]) -> object:
    """Return a run as JSON has it; with its values where columns were asked for."""
    from penstock.core.search import shown

    run = cast("dict[str, object]", to_builtins(row.run, str_keys=True))
    return run | {"values": dict(zip(map(shown, columns), row.values, strict=True))} if columns else run


def _print(rows: Sequence[RunRow], columns: Sequence[Extra], now: float) -> None:
    from penstock.cli.terminal import console, plain, table
    from penstock.core.search import shown
    from penstock.sdk.wording import age

    out, runs = console(), [row.run for row in rows]
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
        *(f">{shown(column)}" for column in columns),
    )
    for run, values in ((row.run, row.values) for row in rows):
        made.add_row(
            plain(run.task.name),
            plain(run.version),
            _status(run),
            "" if run.task.started is None else age(now - run.task.started),
            length(run.task.started, run.task.ended, now),
            steps_done(run.counts),
            *([plain(run.project)] if several else []),
            *([run.id[:8]] if roomy else []),
            *(plain(_short(value)) for value in values),
        )
    out.print(made)


def _tell_of_empty(backend: Backend, rows: Sequence[RunRow], columns: Sequence[Extra]) -> None:
    """Say, on standard error, which columns no run that is shown has a value for, and what the first one has."""
    from penstock.core.names import did_you_mean
    from penstock.core.search import MetricColumn, ParameterColumn, shown
    from penstock.ops.outputs import SummarizeScalars
    from penstock.ops.tasks import GetParameters
    from penstock.sdk.wording import harmless

    for number, column in enumerate(columns):
        if not rows or any(row.values[number] is not None for row in rows):
            continue
        task = rows[0].run.id
        if isinstance(column, MetricColumn):
            kind, wanted = "metric", shown(MetricColumn(column.title, column.series))
            known = [shown(MetricColumn(one.title, one.series)) for one in backend.call(SummarizeScalars(task=task))]
        else:
            kind, wanted = "parameter", shown(column)
            values = backend.call(GetParameters(task=task))
            known = [shown(ParameterColumn(one.section, one.name)) for one in values]
        hint = did_you_mean(wanted, known, f"{rows[0].run.task.name} has no {kind}s of its own")
        click.echo(harmless(f"none of these runs has a {kind} {shown(column)!r}; {hint}"), err=True)


def _status(run: Run) -> Text:
    from penstock.cli.terminal import status
    from penstock.core.run import ARCHIVED

    made = status(run.task.status)
    return made.append(f", {ARCHIVED}", style="dim") if ARCHIVED in run.task.system_tags else made


def _short(value: object) -> str:
    """Return a value as it fits into a table."""
    if value is None:
        return ""
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def length(started: float | None, ended: float | None, now: float) -> str:
    """Return how long something ran, or has been running."""
    from penstock.sdk.wording import duration

    return "" if started is None else duration((now if ended is None else ended) - started)


def steps_done(counts: Mapping[str, int]) -> str:
    """Return how many steps have done their work, of how many."""
    total = sum(counts.values())
    return f"{counts.get('completed', 0) + counts.get('cached', 0)}/{total}" if total else ""
