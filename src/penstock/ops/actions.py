"""Operations on what people do with a run: what an action would change, and letting a run go on by an agent."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from msgspec import Struct, field

from penstock.core.progress import StepStatus
from penstock.core.run import Run
from penstock.core.task import Json
from penstock.ops.base import Op


class Action(StrEnum):
    """What can be done with a run."""

    ABORT = "abort"  # StopRun
    ABORT_STEP = "abort step"  # AbortStep
    SKIP_STEP = "skip step"  # SkipStep
    RESUME = "resume"  # RequeueRun: what failed, was stopped or never ran is tried
    RERUN = "rerun"  # LaunchRun(reuse=True): what changed, or did not complete, runs anew
    RERUN_FROM = "rerun from"  # LaunchRun(from_step=...)
    RERUN_ONLY = "rerun only"  # LaunchRun(only=...)
    ARCHIVE = "archive"  # ArchiveRun
    RESTORE = "restore"  # ArchiveRun(archived=False)
    DELETE = "delete"  # DeleteRun


class Effect(StrEnum):
    """What an action does with a step."""

    STOPS = "stops"
    SKIPPED = "skipped"
    RUNS = "runs"
    REUSED = "reused"
    STAYS = "stays"
    GOES = "goes"


class AffectedStep(Struct, frozen=True, kw_only=True):
    """A step, and what the action does with it.

    Args:
        status: Where it stands now.
        why: A sentence for people.
    """

    name: str
    status: StepStatus
    effect: Effect
    why: str = ""


class ActionPlan(Struct, frozen=True, kw_only=True):
    """What an action would do.

    Args:
        allowed: Whether it can be done now.
        why_not: Why not, and `hint` what helps.
        text: What it does, in a sentence for people.
        changes: What is other than in the run before, in sentences; of a rerun.
        steps: Every step, in the order in which they were added.
    """

    action: Action
    run: str
    allowed: bool
    why_not: str = ""
    hint: str = ""
    text: str = ""
    changes: tuple[str, ...] = ()
    steps: tuple[AffectedStep, ...] = ()


class PlanAction(Op[ActionPlan], frozen=True, kw_only=True):
    """Return what an action would do with each step of a run; nothing is recorded.

    Raises NotFound when there is no such run. All else that is in the way is in the answer.

    Args:
        step: The step that is skipped or aborted, or that `rerun from` and `rerun only` begin with.
        parameters: Other values for parameters, of a rerun.
    """

    id: str
    action: Action
    step: str | None = None
    parameters: dict[str, Json] = field(default_factory=dict[str, Json])
    reads: ClassVar[bool] = True


class RequeueRun(Op[Run], frozen=True, kw_only=True):
    """Put a run that ended short of its goal into a queue, for an agent to let it go on under its own name.

    Steps that completed, were reused or vetoed stay as they are; all others are tried. Raises Conflict when the run is
    not to be resumed, or its script is not recorded; NotFound when there is no such queue.

    Args:
        queue: None for the one in which it waited before, else `services`.
        priority: The higher, the sooner it is claimed.
        reason: Who asks for it, and why, in words; empty for whoever calls.
    """

    id: str
    queue: str | None = None
    priority: int = 0
    reason: str = ""
