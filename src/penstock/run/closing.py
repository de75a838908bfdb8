"""What is due once a step will not be tried again, before anything else follows from it.

The run takes over what it monitors; the post-execute callback is called, and may judge the step. Each is recorded, so
that a run that goes on after a crash does what was still due, and nothing twice. That the callback is being called is
recorded too: only meanwhile can the step be judged, and what is said then is what the planner hears.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from msgspec.structs import replace

from penstock.backend import Backend
from penstock.core.decision import Decision, DecisionKind
from penstock.core.errors import Conflict, StepFailed
from penstock.core.monitor import monitors
from penstock.core.pipeline import Step
from penstock.core.progress import StepStatus
from penstock.core.run import STEP_STATUS
from penstock.core.task import EndReason, Status
from penstock.ops.decisions import ListDecisions, RecordDecision
from penstock.ops.steps import TakeOver
from penstock.ops.tasks import GetTask, JudgeTask
from penstock.run.announcer import Announcer
from penstock.run.callbacks import POST, call

After = Callable[[str | None], object]


class Closing:
    """Closes the steps of one run.

    Args:
        after: The user's functions by step, as in `Callbacks`.
    """

    def __init__(
        self, backend: Backend, run: str, steps: Mapping[str, Step], after: Mapping[str, After], announcer: Announcer
    ) -> None:
        self._backend = backend
        self._run = run
        self._steps = dict(steps)
        self._after = after
        self._announcer = announcer

    def know(self, step: Step) -> None:
        """Take note of a step that the run got."""
        self._steps[step.name] = step

    def close(self, name: str, outcome: StepStatus, task: str | None, attempt: int) -> StepStatus:
        """Do what is due for a step that ended so; return how it stands now.

        Args:
            task: Id of its last attempt; None when it has none.
            attempt: Number of that attempt.
        """
        step = self._steps[name]
        wanted = monitors(step.monitor_metrics, step.monitor_artifacts, step.monitor_models)
        if wanted and task is not None:
            self._backend.call(TakeOver(task=task, wanted=wanted))
        after = self._after.get(name)
        if after is None:
            return outcome
        ask = Decision(kind=DecisionKind.ASK, reason=f"{POST} is called", step=name, attempt=attempt, related=task)
        self._backend.call(RecordDecision(run=self._run, decision=ask))
        self._call(after, outcome, task)
        called = replace(ask, kind=DecisionKind.CALL, reason=f"{POST} was called")
        self._backend.call(RecordDecision(run=self._run, decision=called))
        judged = self._judged(outcome, task)
        if judged is not outcome:
            self._announcer.step(name, judged, attempt, f"{POST} marked it {judged}")
        return judged

    def close_late(
        self, settled: Mapping[str, StepStatus], task_of: Callable[[str], tuple[str | None, int]]
    ) -> dict[str, StepStatus]:
        """Do what was still due when the run's process died; return how the steps stand now."""
        called = self._called() if self._after else set[str | None]()
        found = dict(settled)
        for name, status in settled.items():
            task, attempt = task_of(name)
            if status is not StepStatus.SKIPPED and task not in called:
                found[name] = self.close(name, status, task, attempt)
        return found

    def _called(self) -> set[str | None]:
        found: Iterable[Decision] = self._backend.call(ListDecisions(run=self._run))
        return {one.related for one in found if one.kind is DecisionKind.CALL}

    def _call(self, after: After, outcome: StepStatus, task: str | None) -> None:
        """Call the callback; one that raises fails the step."""
        try:
            call(POST, lambda: after(task))
        except StepFailed as error:
            self._announcer.complain(error.message)
            if task is None or outcome is StepStatus.FAILED:
                return
            op = JudgeTask(id=task, status=Status.FAILED, reason=EndReason.CALLBACK, message=error.message)
            with suppress(Conflict):
                self._backend.call(op)

    def _judged(self, outcome: StepStatus, task: str | None) -> StepStatus:
        """Return the status in which the callback left the step. From here on nobody can judge it."""
        if task is None:
            return outcome
        now = STEP_STATUS[self._backend.call(GetTask(id=task)).status]
        return outcome if outcome is StepStatus.CACHED and now is StepStatus.COMPLETED else now
