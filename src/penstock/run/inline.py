"""Carries out a run that grows in the thread that calls for its steps: each is a call of its function, right there.

For people who look for a mistake with a debugger. Runs and steps are recorded as ever, and what comes next is decided
by the same planner; but there are no processes, nothing is stored of what steps return, and no callback is called but
the one that says whether a step is tried again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from penstock.backend import Backend
from penstock.core.errors import StepFailed
from penstock.core.growing import Added, Complete, Growing
from penstock.core.pipeline import Step, plan
from penstock.core.progress import SETTLED, Action, Begun, Ended, Finish, Launch, Skip, Started, StepStatus, StopAsked
from penstock.core.run import Run
from penstock.core.task import EndReason, Status
from penstock.ops.growth import AddStep
from penstock.ops.runs import EndRun
from penstock.ops.steps import DecideSteps, LaunchStep
from penstock.ops.tasks import EndTask, NewTask
from penstock.run.callbacks import RETRY, call
from penstock.run.controller import REASONS, VERDICTS, skip_decision
from penstock.run.growing import Addition
from penstock.run.ids import Ids
from penstock.run.launch import place_of
from penstock.run.plan import Plan

ENDINGS = {Status.COMPLETED: StepStatus.COMPLETED, Status.FAILED: StepStatus.FAILED}


class Inline:
    """Carries one run out, step by step, as they are added.

    Attributes:
        ended: The run as it ended; None while it goes on.
        progress: Where it stands.
    """

    def __init__(self, backend: Backend, told: Plan) -> None:
        self._backend = backend
        self._told = told
        self._ids = Ids(told.run.id)
        self._new: dict[str, Addition] = {}
        self._errors: dict[str, BaseException] = {}
        self.ended: Run | None = None
        self.progress = Growing(abort_on_failure=told.pipeline.abort_on_failure)
        self.progress.handle(Begun())

    def add(self, new: Addition) -> Step:
        """Carry out a step, unless what it builds on failed; return it, with all its parents.

        Raises:
            StepFailed: The run is over.
            BadPipeline, BadReference: It names what is not there.
        """
        if self.ended is not None:
            raise StepFailed(f"step {new.step.name!r} cannot be called: {self.ended.task.message}")
        added = self._backend.call(AddStep(run=self._told.run.id, step=new.step, script=new.script))
        self._new[added.step.name] = new
        self._carry_out(self.progress.grow(Added(plan((added.step,))[0])))
        return added.step

    def complete(self, failure: str = "") -> None:
        """End the run; `failure` says why the function failed, if it did."""
        self._carry_out(self.progress.grow(Complete(failure)))

    def wait_for(self, step: str) -> StepStatus:
        """Return how a step is settled."""
        status = self.progress.status[step]
        if status not in SETTLED:
            raise StepFailed(f"step {step!r} has not ended: its own function asks for its value")
        return status

    def error_of(self, step: str) -> BaseException | None:
        """Return what the step's function raised."""
        return self._errors.get(step)

    def task_of(self, step: str) -> str | None:
        """Return the id of the step's latest attempt; None when it has none."""
        attempt = self.progress.attempts[step]
        return self._ids.of(step, attempt) if attempt else None

    def stop(self, why: str) -> None:
        """End the run as stopped, with this reason."""
        self._carry_out(self.progress.handle(StopAsked(why)))

    def _carry_out(self, actions: Iterable[Action]) -> None:
        todo = deque(actions)
        while todo:
            match todo.popleft():
                case Launch(step=step, attempt=attempt):
                    todo.extend(self.progress.handle(Started(step)))
                    todo.extend(self.progress.handle(self._execute(step, attempt)))
                case Skip() as skip:
                    decision = skip_decision(skip)
                    self._backend.call(DecideSteps(run=self._told.run.id, decisions=(decision,)))
                    self._told.observer.step(skip.step, StepStatus.SKIPPED, 0, decision.reason)
                case Finish(outcome=outcome, because=because):
                    status = VERDICTS[outcome]
                    op = EndRun(id=self._told.run.id, status=status, reason=REASONS.get(status), message=because)
                    self.ended = self._backend.call(op)
                    self._told.observer.ended(self.ended)
                case _:
                    pass

    def _execute(self, name: str, attempt: int) -> Ended:
        """Call the step's function and return how that ended."""
        new, told = self._new[name], self._told
        task = NewTask(
            id="",
            name=name,
            project=place_of(new.step, told.pipeline, told.run.task, told.pipeline.project),
            type=new.step.task_type,
            user=told.run.task.user,
            tags=new.step.tags,
            script=new.script,
        )
        op = LaunchStep(run=told.run.id, step=name, attempt=attempt, task=task, worker=told.worker)
        id = self._backend.call(op).id
        told.observer.step(name, StepStatus.RUNNING, attempt, "")
        status, reason, message = Status.COMPLETED, None, ""
        try:
            new.call()
        except Exception as error:  # noqa: BLE001 - a step may raise anything
            self._errors[name] = error
            status, reason, message = Status.FAILED, EndReason.EXCEPTION, f"{type(error).__name__}: {error}"
        except BaseException:  # it ends the function too
            self._backend.call(EndTask(id=id, status=Status.STOPPED, reason=EndReason.ABORTED, message="interrupted"))
            self._carry_out(self.progress.handle(Ended(name, StepStatus.ABORTED)))
            raise
        self._backend.call(EndTask(id=id, status=status, reason=reason, message=message))
        told.observer.step(name, ENDINGS[status], attempt, message.partition("\n")[0])
        ask = new.callbacks.retry.get(name) if status is Status.FAILED else None
        again = None if ask is None else call(RETRY, lambda: bool(ask(self.progress.tries(name) - 1)))
        return Ended(name, ENDINGS[status], retry=again)
