"""One execution of a pipeline, as a record: the run, its steps, and the changes that led there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from enum import StrEnum

import msgspec
from msgspec import Struct

from penstock.core.errors import Invalid
from penstock.core.pipeline import Pipeline
from penstock.core.progress import StepStatus
from penstock.core.task import Status, Task

ARCHIVED = "archived"
"""The system tag of what is out of sight: it is kept, not listed, and never reused."""

RETURNS = "returns"
"""In the runtime of a function's task: the names of what it returns, as JSON."""

WORKING, FOLDER, SCRIPT = "working", "folder", "script"
"""In the runtime of a run: where it was started, the folder of its script (to import from), and the script."""

REUSED = "reused"
"""In the runtime of a task that did not have to run: the id of the one that did."""

VERSION = "version"
"""In the runtime of a draft run: the version that it is to get."""

BUMPED, UNNUMBERED = "auto_version_bump", "no_run_number"
"""In the runtime of a draft run: that its version is raised where other code had it, that its name gets no number."""

UNCACHED = "no_cache"
"""In the runtime of a draft run: that no earlier execution may stand for any of its steps."""

DEFINITION = "Pipeline"
"""The configuration object of a draft run that holds its definition, for people to edit."""


class StepState(Struct, frozen=True, kw_only=True):
    """Where one step of a run stands.

    Args:
        attempt: Number of the latest try; 0 before the first.
        task: Id of the task of that try.
        reason: Why it stands so, in a sentence for people; empty where the status says it all.
        started, ended: Epoch seconds of the latest try.
    """

    name: str
    status: StepStatus = StepStatus.PENDING
    attempt: int = 0
    task: str | None = None
    reason: str = ""
    started: float | None = None
    ended: float | None = None
    stage: str | None = None


class Run(Struct, frozen=True, kw_only=True):
    """One execution of a pipeline.

    Args:
        task: The task of type controller that stands for it.
        pipeline: Name of the pipeline, without a run number.
        project: Project of the pipeline, as the user named it.
        number: 1 for the pipeline's first run; 0 while it is a draft.
        version: Version of the pipeline that ran; empty while it is a draft.
        stop_asked: Why it was asked to stop; None when nobody has.
        counts: How many steps stand in which status.
    """

    task: Task
    pipeline: str
    project: str
    number: int = 0
    version: str = ""
    stop_asked: str | None = None
    counts: dict[str, int] = {}

    @property
    def id(self) -> str:
        """Id of the run, which is that of its task."""
        return self.task.id


class RunDetail(Struct, frozen=True, kw_only=True):
    """A run with its definition and where each step stands, in the order in which the steps were added."""

    run: Run
    definition: Pipeline
    steps: tuple[StepState, ...]


class ChangeKind(StrEnum):
    """What a line of the change feed tells of."""

    STATUS = "status"  # a task's status changed
    STEP = "step"  # a step's status changed without a task: queued, skipped, ...
    STOP_ASKED = "stop asked"
    DELETED = "deleted"
    QUEUE = "queue"  # a queue was changed, or the order in it
    AGENT = "agent"  # an agent came, left, or was told to leave
    LIMIT = "limit"  # how many tasks with a tag may run at once was changed
    DESCRIBED = "described"  # a task has another name, tags, ..., or was archived; a draft was made, or asked otherwise
    MODEL = "model"  # a model was made, changed, linked or deleted
    ACCESS = "access"  # users or keys are others, or may do other things


class Change(Struct, frozen=True, kw_only=True):
    """One line of the change feed.

    Args:
        seq: Grows with every change of the whole store.
        at: Epoch seconds.
        task: The task that it is about, or whose model it is; empty for those of kinds `queue`, `agent`, `limit` and
            `access`, and for models of no task.
        run: The run that it belongs to, if any.
        status: The new status: of the task, or of the step for changes of kind `step`.
        message: Why, for people.
        place: The queue that the task waits in now; or the queue, the agent, the tag or the model that it is about.
    """

    seq: int
    at: float
    kind: ChangeKind
    task: str
    status: str
    run: str | None = None
    step: str | None = None
    attempt: int = 0
    message: str = ""
    place: str = ""


def only_begins(change: Change) -> bool:
    """Return whether a change tells that an attempt waits in a queue or has begun, and of nothing else."""
    return change.kind is ChangeKind.STATUS and change.status in {Status.QUEUED, Status.IN_PROGRESS}


def completed_attempts(changes: Iterable[Change]) -> list[str]:
    """Return the tasks of attempts that completed by these changes."""
    return [
        one.task
        for one in changes
        if one.kind is ChangeKind.STATUS and one.status == Status.COMPLETED and one.step is not None
    ]


STEP_STATUS: dict[Status, StepStatus] = {
    Status.CREATED: StepStatus.QUEUED,
    Status.QUEUED: StepStatus.QUEUED,
    Status.IN_PROGRESS: StepStatus.RUNNING,
    Status.COMPLETED: StepStatus.COMPLETED,
    Status.PUBLISHED: StepStatus.COMPLETED,
    Status.FAILED: StepStatus.FAILED,
    Status.STOPPED: StepStatus.ABORTED,
}


def edited_definition(text: str, run: str, hint: str) -> Pipeline:
    """Return the definition that people left in the configuration object `Pipeline` of a run.

    Args:
        hint: What helps where it is none.

    Raises:
        Invalid: It is no definition.
    """
    try:
        return msgspec.json.decode(text, type=Pipeline)
    except msgspec.MsgspecError as error:
        message = f"the configuration object {DEFINITION!r} of run {run} is no definition of a pipeline: {error}"
        raise Invalid(message, hint=hint) from None


def attempt_id(run: str, step: str, attempt: int) -> str:
    """Return the id of a step's attempt: launching it twice finds the first instead of making a second."""
    return hashlib.sha256(f"{run}\0{step}\0{attempt}".encode()).hexdigest()[:32]
