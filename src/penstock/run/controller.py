"""The loop that carries a run out on this machine: events in, the planner's actions out.

It decides nothing about what comes next: that is `core.progress`. It knows no user objects: the SDK hands it data and
a few callables. Everything that it holds in memory follows from what is recorded.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct

from penstock.backend import Backend
from penstock.core.errors import PenstockError
from penstock.core.monitor import monitors
from penstock.core.outputs import Artifact
from penstock.core.pipeline import Pipeline, plan
from penstock.core.progress import (
    SETTLED,
    Abort,
    Begun,
    Ended,
    Event,
    Finish,
    Launch,
    Progress,
    Skip,
    Started,
    StepStatus,
    StopAsked,
)
from penstock.core.run import STEP_STATUS, Run, attempt_id
from penstock.core.task import EndReason, Status, Task, Worker
from penstock.ops.runs import EndRun
from penstock.ops.steps import DecideSteps, LaunchStep, StepDecision
from penstock.ops.tasks import EndTask, NewTask
from penstock.run import owed
from penstock.run.attempt import printable
from penstock.run.attempts import Attempts, Ending
from penstock.run.interrupt import Interrupts
from penstock.run.launch import Surroundings, prepare, process
from penstock.run.lookup import Lookup
from penstock.run.mirror import mirror
from penstock.run.processes import Processes
from penstock.run.watch import Watch

VERDICTS = {
    StepStatus.COMPLETED: Status.COMPLETED,
    StepStatus.FAILED: Status.FAILED,
    StepStatus.ABORTED: Status.STOPPED,
}
REASONS = {Status.FAILED: EndReason.STEP_FAILED, Status.STOPPED: EndReason.ABORTED}
TICK = 0.2  # seconds after which lines of console are recorded at the latest


class Observer(Protocol):
    """Somebody who watches a run, for a display. What it does cannot change the run."""

    def begun(self, run: Run, steps: list[str]) -> None: ...
    def step(self, name: str, status: StepStatus, attempt: int, reason: str) -> None: ...
    def printed(self, step: str, lines: list[str]) -> None: ...
    def ended(self, run: Run) -> None: ...


class Plan(Struct, frozen=True, kw_only=True):
    """What the controller is told.

    Args:
        inputs: The run's own artifacts that hold arguments, by name.
        retry: Answers whether a failed step is tried again: its name and how often it was retried already go in;
            None comes out where the step's own number of retries decides.
        slots: How many steps run at once.
        since: `seq` of a change from before the run began.
    """

    pipeline: Pipeline
    run: Run
    worker: Worker
    surroundings: Surroundings
    inputs: Mapping[str, Artifact]
    preload: tuple[str, ...]
    preload_fingerprint: str
    slots: int
    since: int
    retry: Callable[[str, int], bool | None]
    observer: Observer


class Controller:
    """Carries one run out. `run` blocks until it has ended; `stop` may be called from anywhere meanwhile."""

    def __init__(self, backend: Backend, told: Plan) -> None:
        self._backend = backend
        self._told = told
        self._id = told.run.id
        self._steps = {step.name: step for step in told.pipeline.steps}
        self.progress = Progress(plan(told.pipeline.steps), abort_on_failure=told.pipeline.abort_on_failure)
        parameters = {parameter.name: parameter for parameter in told.pipeline.parameters}
        self._lookup = Lookup(backend, self._id, parameters, self._task_of)
        self._events: deque[Event] = deque()
        self._asked: deque[Launch] = deque()  # launches that the planner asked for just now
        self._queued: deque[Launch] = deque()  # those that wait for a slot, and are recorded as doing so
        self._because = ""
        self._thread = threading.get_ident()
        self._processes = Processes(told.preload, told.preload_fingerprint)
        self._attempts = Attempts(backend, self._processes, told.observer.printed, told.surroundings.clear)

    def stop(self, why: str) -> None:
        """Ask the run to stop; return at once."""
        self._events.append(StopAsked(why))
        self._processes.wake()

    def is_in_this_thread(self) -> bool:
        """Return whether the calling thread is the one that carries the run out."""
        return self._thread == threading.get_ident()

    def run(self) -> Run:
        """Carry the run out and return it as it ended.

        Raises:
            KeyboardInterrupt: The keyboard interrupted the run; it is recorded as stopped.
        """
        interrupts = Interrupts(self.stop)
        with self._processes, Watch(self._backend, self._id, self._told.since, self.stop), interrupts:
            try:
                self._events.append(Begun())
                self._loop()
                self._attempts.drain()
                ended = self._end()
            except BaseException as error:
                self._attempts.abandon()
                owed.end(self._backend, breakdown(self._id, error))
                raise
        if interrupts.came:
            raise KeyboardInterrupt
        return ended

    def _end(self) -> Run:
        status = VERDICTS[self.progress.outcome or StepStatus.FAILED]
        op = EndRun(id=self._id, status=status, reason=REASONS.get(status), message=self._because)
        ended = self._backend.call(op)
        self._told.observer.ended(ended)
        return ended

    def _loop(self) -> None:
        while True:
            while self._events:
                self._handle(self._events.popleft())
            if self.progress.outcome is not None:
                return
            self._fill_slots()
            if not self._events:
                for ending in self._attempts.wait(TICK if self._attempts.has_unrecorded_lines else None):
                    self._settle(ending)

    def _handle(self, event: Event) -> None:
        """Give the planner an event and carry out what it answers."""
        skips: list[StepDecision] = []
        for action in self.progress.handle(event):
            match action:
                case Launch():
                    self._asked.append(action)
                case Abort(step=step):
                    self._abort(step)
                case Skip(step=step, reason=reason):
                    skips.append(StepDecision(step=step, status=StepStatus.SKIPPED, reason=str(reason)))
                case Finish(because=because):
                    self._because = because
        self._decide(skips)
        if isinstance(event, Ended) and self.progress.status[event.step] in SETTLED:
            self._take_over(event.step)

    def _take_over(self, name: str) -> None:
        """Record with the run what it takes over from a step that has ended, before its children start."""
        step, task = self._steps[name], self._task_of(name)
        wanted = monitors(step.monitor_metrics, step.monitor_artifacts, step.monitor_models)
        if wanted and task is not None:
            mirror(self._backend, self._id, task, wanted)

    def _decide(self, decisions: list[StepDecision]) -> None:
        if decisions:
            self._backend.call(DecideSteps(run=self._id, decisions=tuple(decisions)))
        for decision in decisions:
            self._told.observer.step(decision.step, decision.status, 0, decision.reason)

    def _abort(self, step: str) -> None:
        """End a step that runs, or one that still waits for a slot."""
        waits = [launch for launch in (*self._asked, *self._queued) if launch.step == step]
        if not waits:
            self._attempts.kill(attempt_id(self._id, step, self.progress.attempts[step]))
            return
        self._asked = deque(launch for launch in self._asked if launch.step != step)
        self._queued = deque(launch for launch in self._queued if launch.step != step)
        reason = "the run was stopped before the step was started"
        self._decide([StepDecision(step=step, status=StepStatus.ABORTED, reason=reason)])
        self._events.append(Ended(step, StepStatus.ABORTED))

    def _fill_slots(self) -> None:
        """Start what is ready while slots are free; record of the rest that it waits."""
        while (ready := self._queued or self._asked) and self._attempts.running < self._told.slots:
            self._launch(ready.popleft())
        reason = f"waits for one of the {self._told.slots} slots of this machine"
        self._decide([StepDecision(step=one.step, status=StepStatus.QUEUED, reason=reason) for one in self._asked])
        self._queued.extend(self._asked)
        self._asked.clear()

    def _launch(self, launch: Launch) -> None:
        """Record an attempt and start its process; what goes wrong before it runs ends it at once."""
        step = self._steps[launch.step]
        try:
            prepared = prepare(self._told.pipeline, self._told.run.task, step, self._lookup, self._attempts.stamps)
        except PenstockError as error:
            task = self._record(launch, NewTask(id="", name=step.name, project=self._told.run.task.project))
            self._fail(task, EndReason.INPUT, error)
            return
        task = self._record(launch, prepared.new)
        try:
            started = process(self._told.pipeline, step, task, prepared, self._told.surroundings, self._told.inputs)
            self._attempts.start(task, started)
        except PenstockError as error:
            self._fail(task, EndReason.LAUNCH, error)

    def _record(self, launch: Launch, new: NewTask) -> Task:
        op = LaunchStep(run=self._id, step=launch.step, attempt=launch.attempt, task=new, worker=self._told.worker)
        task = self._backend.call(op)
        self.progress.handle(Started(launch.step))
        self._told.observer.step(launch.step, StepStatus.RUNNING, launch.attempt, "")
        return task

    def _fail(self, task: Task, reason: EndReason, error: PenstockError) -> None:
        self._backend.call(EndTask(id=task.id, status=Status.FAILED, reason=reason, message=str(error)))
        step = task.step or ""
        self._told.observer.step(step, StepStatus.FAILED, task.attempt, error.message)
        self._events.append(Ended(step, StepStatus.FAILED, retry=False))

    def _settle(self, ending: Ending) -> None:
        """Tell the planner how an attempt ended."""
        outcome = STEP_STATUS[ending.status]
        self._told.observer.step(ending.step, outcome, ending.attempt, ending.message)
        retry = self._told.retry(ending.step, ending.attempt - 1) if outcome is StepStatus.FAILED else None
        self._events.append(Ended(ending.step, outcome, retry=retry))

    def _task_of(self, step: str) -> str | None:
        attempt = self.progress.attempts[step]
        return attempt_id(self._id, step, attempt) if attempt else None


def breakdown(run: str, error: BaseException) -> EndRun:
    """Return how a run ends that an exception keeps from going on."""
    if isinstance(error, KeyboardInterrupt):
        why = "interrupted from the keyboard"
        return EndRun(id=run, status=Status.STOPPED, reason=EndReason.ABORTED, message=why)
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    why = printable(f"the controller failed: {said}")
    return EndRun(id=run, status=Status.FAILED, reason=EndReason.EXCEPTION, message=why)
