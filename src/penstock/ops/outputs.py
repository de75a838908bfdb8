"""Operations on what tasks leave behind."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from msgspec import Struct

from penstock.core.outputs import Artifact, ConsoleLine, Model, Plot, ScalarPoint, ScalarSeries, ScalarSummary
from penstock.core.task import Parameter, Task
from penstock.ops.base import Op


class AddArtifact(Op[Artifact], frozen=True, kw_only=True):
    """Record an artifact of a task; one of the same name is replaced. Its blob is stored before.

    Args:
        contents: The blob, when it is so small that it comes along.
    """

    artifact: Artifact
    contents: tuple[bytes, ...] = ()


class GetArtifact(Op[Artifact], frozen=True, kw_only=True):
    """Return one artifact of a task; NotFound names those that it has."""

    task: str
    name: str
    reads: ClassVar[bool] = True


class ListArtifacts(Op[list[Artifact]], frozen=True, kw_only=True):
    """Return the artifacts of a task, oldest first; of a table ten rows, others are in `GetArtifact`."""

    task: str
    reads: ClassVar[bool] = True


class Outputs(Struct, frozen=True, kw_only=True):
    """A task with what it left behind, as they were at one moment.

    Args:
        artifacts: Oldest first.
        models: What it made and used, in the order in which it did.
        parameters: Those that it was given, and what it returned that is plain.
    """

    task: Task
    artifacts: tuple[Artifact, ...]
    models: tuple[Model, ...]
    parameters: tuple[Parameter, ...]


class GetOutputs(Op[Outputs], frozen=True, kw_only=True):
    """Return a task with everything that a reference to it can stand for."""

    task: str
    reads: ClassVar[bool] = True


class RecordKind(StrEnum):
    """What of the records of many tasks is asked for at once."""

    ARTIFACTS = "artifacts"
    MODELS = "models"
    SCALARS = "scalars"


class TaskRecords(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one of several tasks recorded, of the kind that was asked for.

    Args:
        artifacts: Oldest first.
        models: What it made and used.
        scalars: A summary of each series.
    """

    task: str
    artifacts: tuple[Artifact, ...] = ()
    models: tuple[Model, ...] = ()
    scalars: tuple[ScalarSummary, ...] = ()


class ListRecords(Op[list[TaskRecords]], frozen=True, kw_only=True):
    """Return what each of these tasks recorded, in their order; those that recorded nothing are left out.

    Artifacts are as in `ListArtifacts`.

    Raises Invalid for more than 500 tasks: those of a longer run are asked for by pages.
    """

    tasks: tuple[str, ...]
    kind: RecordKind
    reads: ClassVar[bool] = True


class AppendConsole(Op[None], frozen=True, kw_only=True):
    """Append lines to the console of a task.

    Lines of one stream that were written at once may come as one, with line breaks in its text; they are read apart.
    """

    task: str
    lines: tuple[ConsoleLine, ...]
    durable: ClassVar[bool] = False


class ConsoleChunk(Struct, frozen=True, kw_only=True):
    """Console lines of one task that came together; `id` grows in the order of arrival."""

    id: int
    task: str
    lines: tuple[ConsoleLine, ...]


class ReadConsole(Op[list[ConsoleChunk]], frozen=True, kw_only=True):
    """Return console chunks of a range, in the order of arrival: of one task, or of a run and its steps merged.

    Args:
        task: Id of the task, or of the run when `whole_run` is set.
        after: Only chunks that came after the one of this id; 0 for all.
        before: Only chunks that came before the one of this id; None for all.
        newest: Whether a range that is longer than the limit is cut at its beginning, and not at its end.
        limit: At most this many chunks.
    """

    task: str
    whole_run: bool = False
    after: int = 0
    before: int | None = None
    newest: bool = False
    limit: int = 1000
    reads: ClassVar[bool] = True


class LastLines(Op[dict[str, str]], frozen=True, kw_only=True):
    """Return the last console line of each of these tasks that printed anything."""

    tasks: tuple[str, ...]
    reads: ClassVar[bool] = True


class NewPoints(Struct, frozen=True, kw_only=True):
    """Points to append to one series."""

    title: str
    series: str
    points: tuple[ScalarPoint, ...]


class ReportScalars(Op[None], frozen=True, kw_only=True):
    """Append points to series of a task."""

    task: str
    series: tuple[NewPoints, ...]
    durable: ClassVar[bool] = False


class GetScalars(Op[list[ScalarSeries]], frozen=True, kw_only=True):
    """Return the points of the series of a task, by title and series.

    Args:
        titles: Only the series of these titles; None for all.
        max_points: At most so many points of each series, 2 or more, as a drawing needs them: the ends and extremes
            stay, and so do gaps. None for all.
    """

    task: str
    titles: tuple[str, ...] | None = None
    max_points: int | None = None
    reads: ClassVar[bool] = True


class SummarizeScalars(Op[list[ScalarSummary]], frozen=True, kw_only=True):
    """Return the last, least and greatest value of each series of a task."""

    task: str
    reads: ClassVar[bool] = True


class ReportPlots(Op[None], frozen=True, kw_only=True):
    """Record plots of a task; one with the same title, series and iteration is replaced."""

    task: str
    plots: tuple[Plot, ...]
    durable: ClassVar[bool] = False


class ListPlots(Op[list[Plot]], frozen=True, kw_only=True):
    """Return the plots of a task, oldest first."""

    task: str
    reads: ClassVar[bool] = True
