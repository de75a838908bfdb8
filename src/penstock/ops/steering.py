"""Operations that steer what runs, one thing at a time: a step is skipped or aborted, a task that runs alone aborted.

Each is recorded as done when it returns: nobody has to be there to carry it out, and whoever carries the run or the
task out hears of it by the change feed.
"""

from __future__ import annotations

from penstock.core.run import StepState
from penstock.core.task import Task
from penstock.ops.base import Op


class SkipStep(Op[StepState], frozen=True, kw_only=True):
    """Skip a step that has not begun, of a run in progress or one that waits in a queue.

    What relies on it is skipped too, as below a step whose pre-execute callback says no. An attempt that waits in a
    queue is taken out of it and deleted; one that was adopted is a draft again. It stays skipped when the run is
    resumed.

    Raises Conflict, naming where the step stands, when it has begun or has ended; NotFound when there is no such step.

    Args:
        by: Who asks for it; whoever is known to ask goes before that.
    """

    run: str
    step: str
    by: str = ""


class AbortStep(Op[StepState], frozen=True, kw_only=True):
    """Abort the attempt of a step that runs or waits in a queue, here or on an agent; the rest of the run goes on.

    What follows is what the step's options say of one that was aborted. It is not tried again, but by somebody who
    resumes the run.

    Raises Conflict, naming where the step stands, when it has no such attempt; NotFound when there is no such step.

    Args:
        by: As in SkipStep.
    """

    run: str
    step: str
    by: str = ""


class AbortTask(Op[Task], frozen=True, kw_only=True):
    """Abort a task that belongs to no run: it is taken out of its queue, or whoever carries it out ends it.

    One that was aborted already stays as it is. Raises Conflict for a draft, and for runs and the attempts of steps;
    BadTransition when it has ended otherwise.

    Args:
        by: As in SkipStep.
    """

    id: str
    by: str = ""
