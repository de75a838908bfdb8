"""Operations on executions: attempts of steps under their cache keys, and their reuse."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from penstock.core.cachekey import KeyParts
from penstock.core.decision import Decision
from penstock.core.outputs import Blob
from penstock.core.task import Status, Task
from penstock.ops.base import Op
from penstock.ops.tasks import NewTask


class Keyed(Struct, frozen=True, kw_only=True):
    """A cache key with the parts that it is made of."""

    key: str
    parts: KeyParts


class Execution(Struct, frozen=True, kw_only=True):
    """An attempt as the cache sees it.

    Args:
        task: Its id.
        run: Name of its run, always with the number: `iris #1`.
        archived: Whether somebody archived it.
    """

    task: str
    run: str
    step: str
    status: Status
    archived: bool
    keyed: Keyed


class ListExecutions(Op[list[Execution]], frozen=True, kw_only=True):
    """Return executions: those that really ran before those that were reused, the latest first.

    A filter that is None does not count.

    Args:
        task: Only that of this task.
        key: Only those of this cache key, of whatever pipeline.
        project, pipeline, step: Only those of this step.
    """

    task: str | None = None
    key: str | None = None
    project: str | None = None
    pipeline: str | None = None
    step: str | None = None
    limit: int = 20
    reads: ClassVar[bool] = True


class Stored(Struct, frozen=True):
    """Bytes that a task left behind; `what` says in words as what."""

    what: str
    blob: Blob


class ListStored(Op[list[Stored]], frozen=True, kw_only=True):
    """Return the bytes of the artifacts and models that a task left behind, also in the name of its run."""

    task: str
    reads: ClassVar[bool] = True


class ReuseStep(Op[Task], frozen=True, kw_only=True):
    """Record that an earlier execution stands for a step's own, in one transaction.

    The step gets a task of its own, born completed, with all that the earlier one left behind: to delete the earlier
    one harms nobody. Reusing again under the same attempt returns the task that is there. Raises Conflict when the
    earlier execution is not there any more, or is not one that can be reused.

    Args:
        source: The task to reuse.
        keyed: The key under which it is found from now on; None where it can have none.
    """

    run: str
    step: str
    attempt: int
    task: NewTask
    source: str
    keyed: Keyed | None
    decision: Decision
