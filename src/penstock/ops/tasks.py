"""Operations on tasks."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct, field

from penstock.core.outputs import Artifact
from penstock.core.task import (
    Configuration,
    Container,
    EndReason,
    Parameter,
    Script,
    Status,
    Task,
    TaskType,
)
from penstock.ops.base import Op


class NewTask(Struct, frozen=True, kw_only=True):
    """What is known of a task before it exists.

    Args:
        adopted: Whether it exists all the same, as a draft of its own, and becomes the attempt of a step.
    """

    id: str
    name: str
    project: str
    type: TaskType = TaskType.TRAINING
    parent: str | None = None
    user: str = ""
    comment: str = ""
    tags: tuple[str, ...] = ()
    system_tags: tuple[str, ...] = ()
    script: Script = Script()
    container: Container | None = None
    queue: str | None = None
    output_uri: str | None = None
    parameters: tuple[Parameter, ...] = ()
    configurations: tuple[Configuration, ...] = ()
    adopted: bool = False
    runtime: dict[str, str] = {}


class CreateTask(Op[Task], frozen=True, kw_only=True):
    """Record a task as a draft. Creating it again under the same id returns the one that is there."""

    task: NewTask


class GetTask(Op[Task], frozen=True, kw_only=True):
    """Return the task; raise NotFound when there is none of this id."""

    id: str
    reads: ClassVar[bool] = True


class AwaitTask(Op[Task | None], frozen=True, kw_only=True):
    """Wait until a task has ended and return it; None when it has not within the time.

    Args:
        wait: Seconds to wait at the most; 0 answers at once.
    """

    id: str
    wait: float = 0.0
    reads: ClassVar[bool] = True


class ListTasks(Op[list[Task]], frozen=True, kw_only=True):
    """Return tasks, newest first. A filter that is None does not count.

    Args:
        run: Only the attempts of this run's steps, oldest first.
        name: Only tasks of exactly this name.
        pattern: Only tasks whose name this regular expression is found in.
        project: Only tasks of exactly this project.
        parent: Only tasks that this one made.
        beginning: Only tasks whose id begins so.
        ids: Only these tasks.
        tags: Only tasks with these tags; as in `core.tags`.
        archived: Whether they are archived.
        alone: Whether they belong to no run: neither its own task nor an attempt of a step.
    """

    run: str | None = None
    step: str | None = None
    name: str | None = None
    pattern: str | None = None
    project: str | None = None
    parent: str | None = None
    beginning: str | None = None
    ids: tuple[str, ...] | None = None
    type: TaskType | None = None
    statuses: tuple[Status, ...] | None = None
    tags: tuple[str, ...] = ()
    archived: bool | None = None
    alone: bool | None = None
    limit: int = 500
    reads: ClassVar[bool] = True


class EndTask(Op[Task], frozen=True, kw_only=True):
    """End a task that is in progress, with what it leaves behind, in one transaction.

    The status of the step whose attempt it is follows. Ending it again in the same way changes nothing.

    Args:
        contents: Blobs of artifacts so small that they come along. Those of others are stored before.
    """

    id: str
    status: Status
    reason: EndReason | None = None
    message: str = ""
    artifacts: tuple[Artifact, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    contents: tuple[bytes, ...] = ()


class JudgeTask(Op[Task], frozen=True, kw_only=True):
    """Give a task that has ended another status. Of an attempt the status of its step follows.

    Raises Conflict when it belongs to a run that is not in progress, when a later try of the step has taken its place,
    or when the step's post-execute callback is not being called just now: what follows from the step has begun by then.
    """

    id: str
    status: Status
    reason: EndReason | None = None
    message: str = ""


class DescribeTask(Op[Task], frozen=True, kw_only=True):
    """Change what people say of a task. What is None stays as it is.

    Args:
        tags: Its tags; `add_tags` come on top of them, or of those that are there.
        packages: Requirement lines that were found in its code; they are recorded where nobody named any.
        container, script: What to run it in, and what to run; only of a task that has not ended.
        project, parent, type: Only of a task that belongs to no run. An empty parent means none.
        runtime: Small facts to keep with it, beside those that are there.
    """

    id: str
    comment: str | None = None
    name: str | None = None
    tags: tuple[str, ...] | None = None
    add_tags: tuple[str, ...] = ()
    container: Container | None = None
    script: Script | None = None
    packages: tuple[str, ...] | None = None
    project: str | None = None
    parent: str | None = None
    type: TaskType | None = None
    queue: str | None = None
    output_uri: str | None = None
    runtime: dict[str, str] = field(default_factory=dict[str, str])


class SetParameters(Op[None], frozen=True, kw_only=True):
    """Set parameters of a task; others stay as they are, unless these replace them all.

    The section `properties` is what people noted: it is never replaced, and of a task that is published it is the only
    one that can be changed.
    """

    task: str
    parameters: tuple[Parameter, ...]
    replace: bool = False


class RemoveParameters(Op[int], frozen=True, kw_only=True):
    """Remove parameters of a task, each by its `Section/name`; return how many it had."""

    task: str
    paths: tuple[str, ...]


class GetParameters(Op[list[Parameter]], frozen=True, kw_only=True):
    """Return the parameters of a task in the order in which they came."""

    task: str
    reads: ClassVar[bool] = True


class SetConfiguration(Op[None], frozen=True, kw_only=True):
    """Set one configuration object of a task."""

    task: str
    configuration: Configuration


class GetConfigurations(Op[list[Configuration]], frozen=True, kw_only=True):
    """Return the configuration objects of a task, by name."""

    task: str
    reads: ClassVar[bool] = True


class ListProjects(Op[list[str]], frozen=True, kw_only=True):
    """Return the names of the projects.

    Args:
        hidden: Also those that the system keeps for pipelines.
    """

    hidden: bool = False
    reads: ClassVar[bool] = True
