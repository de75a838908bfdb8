"""What the operations on pipelines as people look at them do: counts, medians and first lines of what is recorded.

It must never know how a list is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

from msgspec.structs import replace

from penstock.core.causes import first_line
from penstock.core.errors import Invalid
from penstock.core.task import Status
from penstock.ops.pipelines import Failure, LastRun, ListFailures, ListPipelines, PipelinePage, PipelineRow, RunBar
from penstock.service.base import handles

if TYPE_CHECKING:
    from penstock.ports import Tx

DRAWN = 20  # runs that come along with each pipeline
COUNTED = 100  # runs by which is said how often and how fast it completes
LATELY = 30 * 86_400.0
MOST = 200
GOOD = frozenset({Status.COMPLETED, Status.PUBLISHED})


@handles(ListPipelines)
def list_pipelines(tx: Tx, op: ListPipelines, now: float) -> PipelinePage:
    """Return a page of pipelines."""
    _must_fit(op.limit)
    coming = tx.overview.coming()
    found: list[tuple[str, str, list[RunBar]]] = []
    last: tuple[str, str] | None = None
    for name, project in tx.overview.pipelines(op.after or ("", "")):
        if not _is_meant(op, name, project):
            continue
        runs = [*coming.get((name, project), ()), *tx.overview.bars(name, project, COUNTED)]
        if runs and len(found) == op.limit:
            last = found[-1][:2]
            break
        if runs:
            found.append((name, project, runs))
    said = tx.overview.last([runs[0].id for _, _, runs in found])
    rows = (_row((name, project), runs, said[runs[0].id], now - LATELY) for name, project, runs in found)
    return PipelinePage(tuple(rows), last)


@handles(ListFailures)
def list_failures(tx: Tx, op: ListFailures, now: float) -> list[Failure]:
    """Return what failed lately, each with the first line of its error."""
    _must_fit(op.limit)
    return [_told(tx, one) for one in tx.overview.failures(now - op.seconds, op.limit)]


def _told(tx: Tx, failure: Failure) -> Failure:
    found = tx.overview.first_failed(failure.run)
    step, reason = found or (None, "")
    return replace(failure, step=step, error=first_line(reason) or first_line(failure.error))


def _row(pipeline: tuple[str, str], runs: Sequence[RunBar], last: LastRun, since: float) -> PipelineRow:
    lately = [run for run in runs if run.ended is not None and run.ended >= since]
    completed = [run for run in lately if run.status in GOOD]
    lasted = [run.ended - run.started for run in completed if run.ended is not None and run.started is not None]
    return PipelineRow(
        name=pipeline[0],
        project=pipeline[1],
        runs=tuple(runs[:DRAWN]),
        last=replace(last, error=first_line(last.error)),
        completed=len(completed),
        failed=sum(run.status is Status.FAILED for run in lately),
        median=median(lasted) if lasted else None,
    )


def _is_meant(op: ListPipelines, name: str, project: str) -> bool:
    text = op.text.casefold()
    within = op.project is None or f"{project}/".startswith(f"{op.project}/") or not op.project
    return within and (text in name.casefold() or text in project.casefold())


def _must_fit(limit: int) -> None:
    if not 1 <= limit <= MOST:
        raise Invalid(f"limit must be 1 to {MOST}, not {limit}")
