"""Operations on the change feed."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from penstock.core.run import Change
from penstock.ops.base import Op
from penstock.ops.outputs import Outputs


class ListChanges(Op[list[Change]], frozen=True, kw_only=True):
    """Return changes after one, oldest first; wait for the first when there is none yet.

    Args:
        after: `seq` of the last change that is known.
        run: Only changes of this run and its steps.
        limit: At most this many.
        wait: Seconds to wait at the most; 0 answers at once.
    """

    after: int = 0
    run: str | None = None
    limit: int = 10_000
    wait: float = 0.0
    reads: ClassVar[bool] = True


class RunNews(Struct, frozen=True, kw_only=True):
    """What is new of a run; false when nothing is.

    Args:
        changes: Oldest first.
        outputs: Of attempts that completed by these, what they left behind.
    """

    changes: tuple[Change, ...] = ()
    outputs: tuple[Outputs, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes)


class FollowRun(Op[RunNews], frozen=True, kw_only=True):
    """Return what is new of a run since a change, for its controller; wait for the first when there is nothing yet.

    Args:
        after: `seq` of the last change that is known.
        limit: At most this many changes.
        wait: Seconds to wait at the most; 0 answers at once.
        linger: Seconds for which a server, with nothing to tell but that attempts wait in a queue or have begun, waits
            for more: most of that the controller knows, and needs none of it at once.
        outputs: Of how many attempts at the most that completed what they left behind comes along; of more, nothing.
    """

    run: str
    after: int = 0
    limit: int = 10_000
    wait: float = 0.0
    linger: float = 0.0
    outputs: int = 0
    reads: ClassVar[bool] = True


class LastChange(Op[int], frozen=True, kw_only=True):
    """Return the `seq` of the newest change, 0 when there is none."""

    reads: ClassVar[bool] = True
