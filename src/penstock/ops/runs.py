"""Operations on the runs of pipelines."""

from __future__ import annotations

from typing import ClassVar

from msgspec import field

from penstock.core.pipeline import Pipeline
from penstock.core.run import Run, RunDetail
from penstock.core.task import EndReason, Status, Worker
from penstock.ops.base import Op
from penstock.ops.lifecycle import Copied
from penstock.ops.tasks import NewTask


class CreateRun(Op[Run], frozen=True, kw_only=True):
    """Record a run of a pipeline as a draft: its task, in the pipeline's hidden project.

    Args:
        pipeline: Name of the pipeline.
        project: Project of the pipeline, as the user names it.
        task: The run's task; its project is set from the two above.
    """

    pipeline: str
    project: str
    task: NewTask


class DefineRun(Op[Run], frozen=True, kw_only=True):
    """Fix what a draft run will carry out, and keep it as the configuration object `Pipeline` too, for people to edit.

    Raises Conflict when it is no draft any more.
    """

    id: str
    definition: Pipeline


class CloneRun(Op[Run], frozen=True, kw_only=True):
    """Record a draft run that is asked to do what another run was: definition, code, parameters, configurations.

    Args:
        clone: What is other; its name is that of the pipeline, its project that of the pipeline's.
        version: The version that the draft is to get; None chooses the next one.
    """

    source: str
    clone: Copied
    version: str | None = None


class StartRun(Op[Run], frozen=True, kw_only=True):
    """Begin a draft run: number and version are given out, the definition is fixed, its steps are recorded.

    Args:
        version: The version that the user names; None chooses the next one.
        auto_version_bump: Whether a version that was used by other code is raised.
        add_run_number: Whether the second run of a pipeline is named `name #2`, and so on.
        worker: The process that carries the run out.
        runtime: Facts about where it was started, to be kept with the run's task.
    """

    id: str
    definition: Pipeline
    worker: Worker
    version: str | None = None
    auto_version_bump: bool | None = None
    add_run_number: bool = True
    runtime: dict[str, str] = field(default_factory=dict[str, str])


class ResumeRun(Op[RunDetail], frozen=True, kw_only=True):
    """Let a run go on that ended short of its goal, or whose process is gone, in one transaction.

    Steps that completed, were reused or vetoed stay as they are; all others are pending again. Attempts that were in
    flight are ended. Raises Conflict when the run is not to be resumed, or when somebody else has just resumed it.

    Args:
        worker: The process that now carries the run out.
        seen: The process that carried it out when the caller last looked; it is known to be gone, or the run had ended.
    """

    id: str
    worker: Worker
    seen: Worker | None
    reason: str = "somebody asked for it"


class ArchiveRun(Op[Run], frozen=True, kw_only=True):
    """Put a run that is not in progress out of sight, with its steps' tasks, or bring it back.

    What is archived is never reused by the cache.
    """

    id: str
    archived: bool = True


class DeleteRun(Op[list[str]], frozen=True, kw_only=True):
    """Delete a run that is not in progress, with its steps' tasks and all that they recorded.

    Returns the hashes of the blobs that nothing refers to any more.
    """

    id: str


class EndRun(Op[Run], frozen=True, kw_only=True):
    """End a run that is in progress, together with whatever of it is still open, in one transaction."""

    id: str
    status: Status
    reason: EndReason | None = None
    message: str = ""


class StopRun(Op[Run], frozen=True, kw_only=True):
    """Ask a run to stop. Its controller ends it; one that waits in a queue, and has none, ends at once.

    A run that has ended stays as it is (Conflict).
    """

    id: str
    why: str = "a user asked for it"


class GetRun(Op[RunDetail], frozen=True, kw_only=True):
    """Return a run with its definition and the state of each step."""

    id: str
    reads: ClassVar[bool] = True


class FindRun(Op[Run], frozen=True, kw_only=True):
    """Return the run that a person means: `last`, an id or the beginning of one, or a name such as `iris #3`.

    Raises NotFound when there is none, Invalid when the beginning of an id fits several.
    """

    text: str
    reads: ClassVar[bool] = True


class ListRuns(Op[list[Run]], frozen=True, kw_only=True):
    """Return runs, newest first. A filter that is None does not count.

    Args:
        archived: Whether they are archived.
    """

    pipeline: str | None = None
    project: str | None = None
    statuses: tuple[Status, ...] | None = None
    archived: bool | None = None
    limit: int = 50
    reads: ClassVar[bool] = True
