"""Operations on the steps of a run: from the draft of an attempt to what the run takes over from it."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from penstock.core.assignment import Assignment
from penstock.core.decision import Decision, DecisionKind
from penstock.core.monitor import Monitors
from penstock.core.progress import StepStatus
from penstock.core.run import StepState
from penstock.core.task import Task, Worker
from penstock.ops.base import Op
from penstock.ops.executions import Keyed
from penstock.ops.tasks import NewTask


class DraftStep(Op[Task], frozen=True, kw_only=True):
    """Record an attempt of a step as a draft, which may be changed before it is launched.

    The task's id derives from run, step and attempt, unless a draft is adopted, which keeps its own. Drafting the same
    attempt again returns the task that is there.

    Raises Conflict when what is to be adopted is no draft of its own any more.
    """

    run: str
    step: str
    attempt: int
    task: NewTask


class LaunchStep(Op[Task], frozen=True, kw_only=True):
    """Record an attempt of a step and that it is in progress, in one transaction. A draft of it keeps what it holds.

    The task's id derives from run, step and attempt, unless a draft is adopted, which keeps its own. Launching the same
    attempt again returns the task that is there.

    Raises Conflict when what is to be adopted is no draft of its own any more.

    Args:
        keyed: Its cache key, where it has one.
        decision: Why it is launched.
    """

    run: str
    step: str
    attempt: int
    task: NewTask
    worker: Worker
    keyed: Keyed | None = None
    decision: Decision | None = None


class EnqueueStep(Op[Task], frozen=True, kw_only=True):
    """Record an attempt of a step and put it into its task's queue, in one transaction, for an agent to carry it out.

    In all else it is as LaunchStep. Raises NotFound, naming the queues that are there, when there is no such queue.

    Args:
        assignment: What the attempt is given beside its task's record.
    """

    run: str
    step: str
    attempt: int
    task: NewTask
    assignment: Assignment
    keyed: Keyed | None = None
    decision: Decision | None = None


class StepDecision(Struct, frozen=True, kw_only=True):
    """What was decided of a step without a task of its own, and why.

    Args:
        kind: None for what the status says.
    """

    step: str
    status: StepStatus
    reason: str = ""
    kind: DecisionKind | None = None


class DecideSteps(Op[None], frozen=True, kw_only=True):
    """Record decisions on steps: that one is queued, or skipped.

    The draft of one that is vetoed is deleted; one that was adopted is let go.
    """

    run: str
    decisions: tuple[StepDecision, ...]


class GetStep(Op[StepState], frozen=True, kw_only=True):
    """Return where one step of a run stands; raise NotFound when there is none of this name."""

    run: str
    step: str
    reads: ClassVar[bool] = True


class TakeOver(Op[None], frozen=True, kw_only=True):
    """Record with a run what it takes over from an attempt that has ended: metrics, artifacts, models.

    Whatever the attempt did not make is not taken over. Doing it again changes nothing. What the run took over from an
    earlier attempt of the step goes: it holds of each step what one attempt made.

    Args:
        wanted: What to take, and under which names; all points of a series are taken.
    """

    task: str
    wanted: Monitors
