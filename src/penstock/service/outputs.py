"""What the operations on artifacts, plots, console and scalars do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec.structs import replace

from penstock.core.downsample import FEWEST
from penstock.core.errors import Invalid, NotFound
from penstock.core.names import did_you_mean
from penstock.core.outputs import Artifact, Plot, ScalarSeries, ScalarSummary
from penstock.ops.outputs import (
    AddArtifact,
    AppendConsole,
    ConsoleChunk,
    GetArtifact,
    GetOutputs,
    GetScalars,
    LastLines,
    ListArtifacts,
    ListPlots,
    ListRecords,
    Outputs,
    ReadConsole,
    RecordKind,
    ReportPlots,
    ReportScalars,
    SummarizeScalars,
    TaskRecords,
)
from penstock.service.base import handles

if TYPE_CHECKING:
    from penstock.ports import Tx

Item = TypeVar("Item")
LISTED_ROWS = 10  # of a table, where it is one of many artifacts
MOST_TASKS = 500  # whose records are read in one transaction


@handles(AddArtifact)
def add_artifact(tx: Tx, op: AddArtifact, now: float) -> Artifact:
    """Record an artifact."""
    tx.tasks.get(op.artifact.task)
    artifact = replace(op.artifact, created=op.artifact.created or now)
    tx.outputs.add_artifact(artifact)
    return artifact


@handles(GetArtifact)
def get_artifact(tx: Tx, op: GetArtifact, now: float) -> Artifact:
    """Return one artifact."""
    found = {artifact.name: artifact for artifact in _known(tx, op.task, tx.outputs.artifacts(op.task))}
    if op.name not in found:
        raise NotFound(
            f"task {op.task} has no artifact {op.name!r}", hint=did_you_mean(op.name, found, "it has no artifacts")
        )
    return found[op.name]


@handles(GetOutputs)
def get_outputs(tx: Tx, op: GetOutputs, now: float) -> Outputs:
    """Return what references to the task can stand for."""
    return outputs_of(tx, op.task)


def outputs_of(tx: Tx, task: str) -> Outputs:
    """Return a task with what it left behind."""
    return Outputs(
        task=tx.tasks.get(task),
        artifacts=tuple(tx.outputs.artifacts(task)),
        models=tuple(tx.models.of_task(task)),
        parameters=tuple(tx.settings.parameters(task)),
    )


@handles(ListArtifacts)
def list_artifacts(tx: Tx, op: ListArtifacts, now: float) -> list[Artifact]:
    """Return the artifacts."""
    return _known(tx, op.task, _listed(tx, op.task))


@handles(ListRecords)
def list_records(tx: Tx, op: ListRecords, now: float) -> list[TaskRecords]:
    """Return what the tasks recorded."""
    if len(op.tasks) > MOST_TASKS:
        raise Invalid(f"{len(op.tasks):,} tasks are too many at once", hint=f"ask for {MOST_TASKS} at a time")
    read: dict[RecordKind, Callable[[str], list[Any]]] = {
        RecordKind.ARTIFACTS: partial(_listed, tx),
        RecordKind.MODELS: tx.models.of_task,
        RecordKind.SCALARS: tx.reports.summaries,
    }
    found = ((task, tuple(read[op.kind](task))) for task in op.tasks)
    return [TaskRecords(task=task, **{op.kind.value: some}) for task, some in found if some]


@handles(AppendConsole)
def append_console(tx: Tx, op: AppendConsole, now: float) -> None:
    """Append console lines."""
    tx.reports.append_console(op.task, tx.tasks.get(op.task).run, op.lines)


@handles(ReadConsole)
def read_console(tx: Tx, op: ReadConsole, now: float) -> list[ConsoleChunk]:
    """Return console chunks."""
    tx.tasks.get(op.task)
    return tx.reports.console(
        op.task, whole_run=op.whole_run, after=op.after, before=op.before, newest=op.newest, limit=op.limit
    )


@handles(LastLines)
def last_lines(tx: Tx, op: LastLines, now: float) -> dict[str, str]:
    """Return the last line of each task."""
    return tx.reports.last_lines(op.tasks)


@handles(ReportScalars)
def report_scalars(tx: Tx, op: ReportScalars, now: float) -> None:
    """Append points."""
    tx.tasks.get(op.task)
    tx.reports.append_scalars(op.task, op.series)


@handles(GetScalars)
def get_scalars(tx: Tx, op: GetScalars, now: float) -> list[ScalarSeries]:
    """Return the points, or those that are drawn."""
    if op.max_points is not None and op.max_points < FEWEST:
        raise Invalid(f"max_points must be {FEWEST} or more, not {op.max_points}")
    return _known(tx, op.task, tx.reports.scalars(op.task, op.titles, op.max_points))


@handles(SummarizeScalars)
def summarize_scalars(tx: Tx, op: SummarizeScalars, now: float) -> list[ScalarSummary]:
    """Return a summary of each series."""
    return _known(tx, op.task, tx.reports.summaries(op.task))


@handles(ReportPlots)
def report_plots(tx: Tx, op: ReportPlots, now: float) -> None:
    """Record plots."""
    tx.tasks.get(op.task)
    tx.outputs.add_plots(op.task, [replace(plot, at=plot.at or now) for plot in op.plots])


@handles(ListPlots)
def list_plots(tx: Tx, op: ListPlots, now: float) -> list[Plot]:
    """Return the plots."""
    return _known(tx, op.task, tx.outputs.plots(op.task))


def _listed(tx: Tx, task: str) -> list[Artifact]:
    """Return the artifacts of a task as lists show them: with few rows of what is a table."""
    return [
        one if one.table is None else replace(one, table=replace(one.table, rows=one.table.rows[:LISTED_ROWS]))
        for one in tx.outputs.artifacts(task)
    ]


def _known(tx: Tx, task: str, found: list[Item]) -> list[Item]:
    """Return what was found; raise NotFound when nothing was because there is no such task."""
    if not found:
        tx.tasks.get(task)
    return found
