"""Operations on tasks that belong to no run: begun, reset, cloned, queued, published, put away by whoever owns them.

The attempts of steps and the tasks of runs are refused by name: their runs decide about them.
"""

from __future__ import annotations

from msgspec import Struct

from penstock.core.task import Task, Worker
from penstock.ops.base import Op


class BeginTask(Op[Task], frozen=True, kw_only=True):
    """Let a draft or a queued task go on in a process. Beginning it again in the same process changes nothing."""

    id: str
    worker: Worker


class ContinueTask(Op[Task], frozen=True, kw_only=True):
    """Let a task that has ended go on in another process, with all that it recorded."""

    id: str
    worker: Worker


class ResetTask(Op[list[str]], frozen=True, kw_only=True):
    """Make a task a draft again: what it recorded goes, what it was asked to do stays.

    Returns the hashes of the blobs that nothing refers to any more.

    Args:
        worker: The process that asks; one in progress is reset only by the process that carries it out.
        request: Whether its parameters and configurations go too, because it will be asked anew.
    """

    id: str
    worker: Worker | None = None
    request: bool = False


class Copied(Struct, frozen=True, kw_only=True):
    """What is other in a clone than in its source. What is None is as it is there."""

    id: str
    name: str | None = None
    project: str | None = None
    parent: str | None = None
    comment: str | None = None
    user: str = ""


class CloneTask(Op[Task], frozen=True, kw_only=True):
    """Record a draft that is asked to do what another task was: code, parameters, configurations, container, inputs.

    Cloning again under the same id returns the clone that is there.
    """

    source: str
    clone: Copied


class EnqueueTask(Op[Task], frozen=True, kw_only=True):
    """Put a draft into a queue, behind what waits there; one that is queued moves to this queue.

    Raises NotFound, naming the queues that are there, when there is no such queue.

    Args:
        priority: The higher, the sooner it is claimed; among equals, what came first is.
    """

    id: str
    queue: str
    priority: int = 0


class DequeueTask(Op[Task], frozen=True, kw_only=True):
    """Take a task out of its queue: it is a draft again; a run that was to go on is stopped, as before."""

    id: str


class PublishTask(Op[Task], frozen=True, kw_only=True):
    """Publish a task that completed: from now on it stays as it is."""

    id: str


class ArchiveTask(Op[Task], frozen=True, kw_only=True):
    """Put a task that is not in progress out of sight, or bring it back. What is archived is never reused."""

    id: str
    archived: bool = True


class DeleteTask(Op[list[str]], frozen=True, kw_only=True):
    """Delete a task that is not in progress, with all that it recorded.

    Returns the hashes of the blobs that nothing refers to any more.

    Args:
        force: Delete it although it is published.
    """

    id: str
    force: bool = False
