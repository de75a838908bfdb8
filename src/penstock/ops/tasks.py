"""Operations on tasks."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

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
    """What is known of a task before it exists."""

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
    runtime: dict[str, str] = {}


class CreateTask(Op[Task], frozen=True, kw_only=True):
    """Record a task as a draft. Creating it again under the same id returns the one that is there."""

    task: NewTask


class GetTask(Op[Task], frozen=True, kw_only=True):
    """Return the task; raise NotFound when there is none of this id."""

    id: str
    reads: ClassVar[bool] = True


class ListTasks(Op[list[Task]], frozen=True, kw_only=True):
    """Return tasks, newest first. A filter that is None does not count.

    Args:
        run: Only the attempts of this run's steps, oldest first.
        name: Only tasks of exactly this name.
        project: Only tasks of exactly this project.
    """

    run: str | None = None
    step: str | None = None
    name: str | None = None
    project: str | None = None
    type: TaskType | None = None
    statuses: tuple[Status, ...] | None = None
    limit: int = 500
    reads: ClassVar[bool] = True


class EndTask(Op[Task], frozen=True, kw_only=True):
    """End a task that is in progress, with what it leaves behind, in one transaction.

    The status of the step whose attempt it is follows. Ending it again in the same way changes nothing.
    """

    id: str
    status: Status
    reason: EndReason | None = None
    message: str = ""
    artifacts: tuple[Artifact, ...] = ()
    parameters: tuple[Parameter, ...] = ()


class JudgeTask(Op[Task], frozen=True, kw_only=True):
    """Give an attempt that has ended another status, while its run goes on. The status of its step follows.

    Raises Conflict when its run is not in progress, or when a later try of the step has taken its place.
    """

    id: str
    status: Status
    reason: EndReason | None = None
    message: str = ""


class DescribeTask(Op[Task], frozen=True, kw_only=True):
    """Change what people say of a task. What is None stays as it is.

    Args:
        add_tags: Tags to add to those that are there.
        container: The container to ask for; only of a task that has not begun.
    """

    id: str
    comment: str | None = None
    name: str | None = None
    add_tags: tuple[str, ...] = ()
    container: Container | None = None


class SetParameters(Op[None], frozen=True, kw_only=True):
    """Set parameters of a task; others stay as they are."""

    task: str
    parameters: tuple[Parameter, ...]


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
