"""The loop that carries out a run that grows: a function in another thread adds steps, and waits for them.

What comes next is decided in `core.growing`. Nothing here knows the function, or what it does with what steps made.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from penstock.backend import Backend
from penstock.core.errors import Conflict, StepFailed
from penstock.core.growing import Added, Complete, Growing
from penstock.core.outputs import Artifact
from penstock.core.pipeline import Step, plan
from penstock.core.progress import OPEN, SETTLED, Action, Begun, StepStatus
from penstock.core.rerun import RerunPlan
from penstock.core.run import Change, ChangeKind, Run, StepState
from penstock.core.task import Script
from penstock.ops.growth import AddedStep, AddStep
from penstock.ops.reruns import GetRerun
from penstock.ops.tasks import GetTask
from penstock.run.callbacks import Callbacks
from penstock.run.controller import Controller
from penstock.run.plan import Plan


class Addition(Struct, frozen=True, kw_only=True):
    """A step that a run gets.

    Args:
        inputs: The run's artifacts that hold its arguments, by name.
        callbacks: The user's functions for it.
        differs: As in `AddStep`.
        call: Calls its function, where that is done in this very process.
    """

    step: Step
    script: Script
    inputs: dict[str, Artifact] = {}
    callbacks: Callbacks = Callbacks()
    differs: str = ""
    call: Callable[[], object] = object


class _New(Struct, frozen=True):
    """A step that is recorded, and that the planner does not know yet."""

    added: AddedStep
    rerun: RerunPlan | None


class GrowingController(Controller):
    """Carries one run out that grows. `run` blocks until it has ended; all else is for the thread of the function."""

    def __init__(self, backend: Backend, told: Plan) -> None:
        self._functions: dict[str, dict[str, object]] = {name: {} for name in Callbacks.__struct_fields__}
        self._code = dict(told.pipeline.code)
        self._inputs = dict(told.inputs)
        told = replace(
            told,
            pipeline=replace(told.pipeline, steps=(), code=self._code),
            inputs=self._inputs,
            callbacks=Callbacks(**self._functions),  # type: ignore[arg-type]
        )
        super().__init__(backend, told)
        self._growing = Growing(abort_on_failure=told.pipeline.abort_on_failure)
        self.progress = self._growing
        self._grown: deque[_New | Complete] = deque()
        self._news = threading.Condition()
        self._awaited: set[str] = set()
        self._settled: dict[str, StepStatus] = {}
        self._over = False

    def run(self) -> Run:
        """Carry the run out and return it as it ended."""
        self._thread = threading.get_ident()
        try:
            return super().run()
        finally:
            with self._news:
                self._over = True
                self._news.notify_all()

    def add(self, new: Addition) -> Step:
        """Give the run a step and return it, with all its parents; it runs as soon as these are settled.

        Raises:
            StepFailed: The run is over, or is being stopped.
            BadPipeline, BadReference: It names what is not there.
        """
        if self._over or self.progress.stopping:
            raise StepFailed(self._why_over(f"step {new.step.name!r} cannot be called"))
        op = AddStep(run=self._id, step=new.step, script=new.script, differs=new.differs)
        try:
            added = self._backend.call(op)
        except Conflict as error:
            raise StepFailed(self._why_over(f"step {new.step.name!r} cannot be called")) from error
        rerun = self._backend.call(GetRerun(run=self._id)) if self._told.rerun is not None else None
        self._code.setdefault(added.step.code, new.script)
        self._inputs.update(new.inputs)
        for name, functions in self._functions.items():
            functions.update(getattr(new.callbacks, name))
        self._grown.append(_New(added, rerun))
        self._processes.wake()
        return added.step

    def complete(self, failure: str = "") -> None:
        """Say that the run gets no more steps; return at once.

        Args:
            failure: Why the function failed, in a sentence; empty when it returned.
        """
        self._grown.append(Complete(failure))
        self._processes.wake()

    def wait_for(self, step: str) -> StepStatus:
        """Wait until a step is settled, and return how.

        Raises:
            StepFailed: The run is over, and never came to it.
        """
        with self._news:
            if step not in self._settled and not self._over:
                self._awaited.add(step)
                self._processes.wake()
                self._news.wait_for(lambda: self._over or step in self._settled)
        status = self._settled.get(step) or self.progress.status.get(step, StepStatus.PENDING)
        if status not in SETTLED:
            raise StepFailed(self._why_over(f"step {step!r} did not end"))
        return status

    def task_of(self, step: str) -> str | None:
        """Return the id of the step's latest attempt; None when it has none."""
        return self._task_of(step)

    def _why_over(self, what: str) -> str:
        return f"{what}: {self._because or 'the run is being stopped'}"

    def _begin(self) -> None:
        """Begin without any step; those of a run that goes on come when the function calls for them again."""
        self._events.append(Begun())

    def _grow(self) -> None:
        """Take in what the function wants, and tell it what it waits for."""
        while self._grown and self.progress.outcome is None:
            one = self._grown.popleft()
            actions = self._growing.grow(one) if isinstance(one, Complete) else self._take(one)
            self._carry_out(actions)
            self._take_in()  # somebody may have skipped it by now
        if self._awaited:
            status = self.progress.status
            with self._news:
                settled = {name: status[name] for name in self._awaited if status.get(name) in SETTLED}
                self._settled |= settled
                self._awaited -= settled.keys()
                self._news.notify_all()

    def _take(self, new: _New) -> list[Action]:
        """Let all who carry the run out know a step, and the planner too."""
        step, state = new.added.step, new.added.state
        name, status = step.name, state.status
        left_out = self._opening.know(step, new.rerun)
        self._closing.know(step)
        self._retries[name] = step.retries
        if new.added.again:
            self._why[name] = new.added.again
        if status in SETTLED:
            status = self._closing.close_late({name: status}, lambda _: (state.task, state.attempt))[name]
            self._told.observer.step(name, status, 0, state.reason)
        elif status in OPEN:
            self._go_on(state)
            self._catch_up(state)
        elif left_out is not None:
            self._decide([left_out])
            status = StepStatus.SKIPPED
        return self._growing.grow(Added(plan((step,))[0], status, state.attempt))

    def _catch_up(self, state: StepState) -> None:
        """Take note of what became of an attempt before it was followed: the feed told nobody who listened."""
        task = self._backend.call(GetTask(id=str(state.task)))
        now = Change(seq=0, at=0.0, kind=ChangeKind.STATUS, task=task.id, status=task.status, message=task.message)
        self._waiting.tell(now)
