"""Operations that put several runs beside each other."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from msgspec import Struct

from penstock.core.progress import StepStatus
from penstock.core.run import Run
from penstock.core.task import Json
from penstock.ops.base import Op
from penstock.ops.pipelines import RunBar


class Aspect(StrEnum):
    """In what runs differ."""

    FACT = "fact"  # version, commit, Python, ...
    PARAMETER = "parameter"
    CONFIGURATION = "configuration"  # by the first line in which they differ
    METRIC = "metric"  # its last value
    PACKAGE = "package"
    CODE = "code"  # of a step, as the beginning of its hash
    PARENTS = "parents"  # of a step


class Difference(Struct, frozen=True, kw_only=True):
    """Something in which the runs are not alike.

    Args:
        values: That of each run, in their order; None where it has none.
    """

    aspect: Aspect
    name: str
    values: tuple[Json, ...]


class StepTimes(Struct, frozen=True, kw_only=True):
    """How long a step took in each run.

    Args:
        statuses: None where the run has no such step.
        seconds: None where it did not end.
    """

    name: str
    statuses: tuple[StepStatus | None, ...]
    seconds: tuple[float | None, ...]


class Comparison(Struct, frozen=True, kw_only=True):
    """Runs beside each other.

    Args:
        runs: The runs, without their scripts, in the order in which they were asked for.
        differences: In what they differ.
        alike: In how many things of each kind they are alike.
        steps: The steps of all of them.
        cut: Whether there are more differences than are told.
    """

    runs: tuple[Run, ...]
    differences: tuple[Difference, ...]
    alike: dict[str, int]
    steps: tuple[StepTimes, ...]
    cut: bool = False


class CompareRuns(Op[Comparison], frozen=True, kw_only=True):
    """Return in what runs differ, and how long their steps took. Metrics of steps are named `step: title/series`.

    Raises Invalid unless 2 to 20 different runs are named.
    """

    ids: tuple[str, ...]
    reads: ClassVar[bool] = True


class Cell(Struct, frozen=True, array_like=True):
    """A step in a run.

    Args:
        seconds: How long it took; None where it has not ended.
        attempt: Number of its latest try.
    """

    status: StepStatus
    seconds: float | None
    attempt: int
    task: str | None


class GridRow(Struct, frozen=True, kw_only=True):
    """A step in many runs.

    Args:
        cells: In each run, in their order; None where it has no such step.
    """

    step: str
    cells: tuple[Cell | None, ...]


class Grid(Struct, frozen=True, kw_only=True):
    """Runs and steps: which step went how in which run.

    Args:
        runs: Newest first.
        rows: The steps, in the order of the newest run; those that it does not have come last.
    """

    runs: tuple[RunBar, ...]
    rows: tuple[GridRow, ...]


class GetGrid(Op[Grid], frozen=True, kw_only=True):
    """Return how the steps of a pipeline went in its last runs that are not archived.

    Args:
        limit: How many runs: 1 to 100.
    """

    pipeline: str
    project: str
    limit: int = 25
    reads: ClassVar[bool] = True
