"""The planner of a run that grows: its steps are not known before it begins, because a function calls for them.

The rules are those of `core.progress`, and two more:

11. A step is added while the run goes on, behind parents that are there. It is launched, skipped or left waiting as it
    would have been had it been there from the start; once the run is stopping it is skipped.
12. The run does not finish before it is complete: before the function has returned, or failed, which fails the run and
    stops what is left of it. A run that is stopping does not wait for that.

As there: no clock, no thread, no store, no chance.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from penstock.core.errors import BadPipeline, BadTransition
from penstock.core.names import did_you_mean
from penstock.core.progress import (
    OPEN,
    SETTLED,
    Abort,
    Action,
    Node,
    Progress,
    SkipReason,
    StepStatus,
    cause_of_skips,
)


class Added(Struct, frozen=True, tag=True):
    """The run got a step.

    Args:
        status: How it stands: of a run that goes on it may be settled, or its latest attempt may go on.
        attempts: How often it was launched before.
    """

    node: Node
    status: StepStatus = StepStatus.PENDING
    attempts: int = 0


class Complete(Struct, frozen=True, tag=True):
    """The run gets no more steps; `failure` is a short sentence that says why it failed, if it did."""

    failure: str = ""


Growth: TypeAlias = Added | Complete


class Growing(Progress):
    """Where one run stands that begins without any steps. Changed by `handle` and `grow`, and by nothing else."""

    def __init__(self, *, abort_on_failure: bool = False) -> None:
        super().__init__((), abort_on_failure=abort_on_failure)
        self._complete = False

    def grow(self, event: Growth) -> list[Action]:
        """Take in that the run grew, or will grow no more, and return what to do because of it, in this order.

        Raises:
            BadTransition: That cannot happen now; nothing has changed.
            BadPipeline: A parent of the step is not there; nothing has changed.
        """
        if not self._begun:
            raise BadTransition("the run has not begun")
        match event:
            case Added():
                return self._add(event)
            case Complete(failure=failure):
                return self._end_growth(failure)

    def _add(self, event: Added) -> list[Action]:
        node, status = event.node, event.status
        self._must_fit(node)
        self._nodes[node.name] = node
        self._children[node.name] = []
        for parent in node.parents:
            self._children[parent].append(node.name)
        open_parents = [parent for parent in node.parents if self.status[parent] not in SETTLED]
        self._unsettled_parents[node.name] = len(open_parents)
        self.status[node.name] = status
        self.attempts[node.name] = self._before[node.name] = event.attempts
        if status in SETTLED:
            return [*self._follow(node.name, status), *self._finish()]
        self._unsettled += 1
        if status in OPEN:
            return [Abort(node.name)] if self.stopping else []
        reason = self._why_it_is_skipped(node)
        if reason is not None:
            return [self._skip(node.name, reason), *self._finish()]
        return [] if open_parents else [self._launch(node.name)]

    def _must_fit(self, node: Node) -> None:
        if self._complete or self.outcome is not None:
            raise BadTransition(f"step {node.name!r} comes too late: the run gets no more steps")
        if node.name in self._nodes:
            raise BadTransition(f"the run has a step {node.name!r} already")
        for parent in node.parents:
            if parent not in self._nodes:
                hint = did_you_mean(parent, self._nodes, "it was not added yet")
                raise BadPipeline(f"step {node.name!r} names an unknown parent {parent!r}", hint=hint)

    def _why_it_is_skipped(self, node: Node) -> SkipReason | None:
        """Say why a step that was just added will not run; None when it will, or may."""
        if self.stopping:
            return SkipReason("stopped")
        for parent in node.parents:
            cause = cause_of_skips(self._nodes[parent], self.status[parent])
            if cause:
                return SkipReason(cause, parent)
        return None

    def _end_growth(self, failure: str) -> list[Action]:
        if self.outcome is not None:
            return []
        self._complete = True
        actions: list[Action] = []
        self._failure = self._failure or failure
        if failure and not self.stopping:
            self.stopping = True
            actions = self._halt("stopped")
        return [*actions, *self._finish()]

    def _finish(self) -> list[Action]:
        return super()._finish() if self._complete or self.stopping else []
