"""Operations on pipelines as people look at them: how each goes, and what went wrong lately."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from penstock.core.task import Status
from penstock.ops.base import Op


class RunBar(Struct, frozen=True, kw_only=True):
    """A run, as one of many.

    Args:
        number: 0 while it waits to be begun.
        created, started, ended: Epoch seconds.
    """

    id: str
    number: int
    status: Status
    created: float
    started: float | None = None
    ended: float | None = None


class LastRun(Struct, frozen=True, kw_only=True):
    """What is said of the newest run of a pipeline.

    Args:
        queue: Where it waits, or waited.
        error: How it failed, in a line.
    """

    name: str
    version: str
    user: str
    tags: tuple[str, ...]
    queue: str | None = None
    error: str = ""


class PipelineRow(Struct, frozen=True, kw_only=True):
    """How a pipeline goes.

    Args:
        runs: Its newest runs that are not archived, newest first: at most 20.
        last: Of the first of these.
        completed, failed: How many of its last 100 runs ended so in the last 30 days.
        median: Seconds that half of those that completed took at most; None when none did.
    """

    name: str
    project: str
    runs: tuple[RunBar, ...]
    last: LastRun
    completed: int
    failed: int
    median: float | None = None


class PipelinePage(Struct, frozen=True):
    """Rows of the list, and where it goes on; None at its end."""

    rows: tuple[PipelineRow, ...]
    next: tuple[str, str] | None = None


class ListPipelines(Op[PipelinePage], frozen=True, kw_only=True):
    """Return the pipelines that have runs, by name and project, and how each goes.

    Args:
        text: Only those with these letters in their name or project, whatever their case is.
        project: Only those of this project, and of those below it.
        limit: 1 to 200.
        after: `next` of the page before: the name and the project of its last row.
    """

    text: str = ""
    project: str | None = None
    limit: int = 100
    after: tuple[str, str] | None = None
    reads: ClassVar[bool] = True


class Failure(Struct, frozen=True, kw_only=True):
    """A run that failed.

    Args:
        run: Its id.
        step: The step that failed first; None where none did.
        error: Why, in a line.
        ended: Epoch seconds.
    """

    run: str
    name: str
    pipeline: str
    project: str
    user: str
    ended: float
    step: str | None = None
    error: str = ""


class ListFailures(Op[list[Failure]], frozen=True, kw_only=True):
    """Return the runs that failed lately and are not archived, the last first.

    Args:
        seconds: How long ago they may have ended.
        limit: 1 to 200.
    """

    seconds: float = 86_400.0
    limit: int = 20
    reads: ClassVar[bool] = True
