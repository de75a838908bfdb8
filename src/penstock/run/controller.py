"""The loop that carries a run out on this machine: events in, the planner's actions out.

It decides nothing about what comes next: that is `core.progress`. It knows no user objects: the SDK hands it data and
a few callables. Everything that it holds in memory follows from what is recorded.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from functools import partial

from penstock.backend import Backend
from penstock.core.decision import Decision, DecisionKind
from penstock.core.errors import StepFailed
from penstock.core.lease import MOST_LOST
from penstock.core.pipeline import plan
from penstock.core.progress import (
    OPEN,
    SETTLED,
    Abort,
    Action,
    Begun,
    Ended,
    Event,
    Finish,
    Launch,
    Progress,
    Reused,
    Skip,
    Started,
    StepStatus,
    StopAsked,
    Vetoed,
)
from penstock.core.run import STEP_STATUS, Change, ChangeKind, Run, StepState
from penstock.core.task import ENDED, LOST, EndReason, Status
from penstock.ops.decisions import RecordDecision
from penstock.ops.runs import EndRun
from penstock.ops.steps import DecideSteps, StepDecision
from penstock.ops.tasks import GetTask
from penstock.run import owed
from penstock.run.announcer import Announcer
from penstock.run.attempt import printable
from penstock.run.attempts import Attempts, Ending
from penstock.run.callbacks import PRE, RETRY, call
from penstock.run.closing import Closing
from penstock.run.ids import Ids
from penstock.run.interrupt import Interrupts
from penstock.run.lookup import Lookup
from penstock.run.monitors import ResourceMonitors
from penstock.run.opening import Carriers, Opening
from penstock.run.overseer import Overseer
from penstock.run.plan import Plan
from penstock.run.processes import Processes
from penstock.run.waiting import Moved, Waiting
from penstock.run.watch import BREATH, PAUSE, Watch

VERDICTS = {
    StepStatus.COMPLETED: Status.COMPLETED,
    StepStatus.FAILED: Status.FAILED,
    StepStatus.ABORTED: Status.STOPPED,
}
REASONS = {Status.FAILED: EndReason.STEP_FAILED, Status.STOPPED: EndReason.ABORTED}


class Controller:
    """Carries one run out. `run` blocks until it has ended; `stop` may be called from anywhere meanwhile."""

    def __init__(self, backend: Backend, told: Plan) -> None:
        self._backend = backend
        self._told = told
        self._id = told.run.id
        steps = {step.name: step for step in told.pipeline.steps}
        self._retries = {step.name: step.retries for step in told.pipeline.steps}
        self.progress = Progress(plan(told.pipeline.steps), abort_on_failure=told.pipeline.abort_on_failure)
        self._events: deque[Event] = deque()
        self._asked: deque[Launch] = deque()  # launches that the planner asked for just now
        self._queued: deque[Launch] = deque()  # those that wait for a slot, and are recorded as doing so
        self._why: dict[str, str] = {}  # of steps that are tried again
        self._unopened: set[str] = set()  # steps that were stopped before their latest attempt was recorded
        self._marked: deque[str] = deque()  # attempts that have ended; one that goes on here was ended by somebody
        self._vetoed: deque[Change] = deque()  # tell of steps that somebody skipped
        self._losses: Counter[str] = Counter()  # how often attempts of a step were lost with their agents
        self._because = ""
        self._timed_out = False
        self._thread = threading.get_ident()
        self._processes = told.starter() if told.starter else Processes(told.preload, told.preload_fingerprint)
        self._monitors = ResourceMonitors(backend)
        printed, clear = told.observer.printed, told.surroundings.clear
        self._attempts = Attempts(self._monitors, self._processes, printed, clear, self._monitors.begin)
        self._ids = Ids(self._id, told.steps)
        parameters = {parameter.name: parameter for parameter in told.pipeline.parameters}
        self._announcer = Announcer(told.observer, told.callbacks.changed, told.complain)
        self._waiting = Waiting(backend, self._id, outputs=told.hands_on)
        lookup = partial(Lookup, backend, self._id, parameters, self._task_of, self._waiting.outputs_of)
        carriers = Carriers(self._attempts, self._waiting)
        self._opening = Opening(backend, told, lookup, carriers, self._announcer, self._ids)
        self._overseer = Overseer(backend, self._id, told.start_agent, told.complain)
        self._closing = Closing(backend, self._id, steps, told.callbacks.after, self._announcer)

    def stop(self, why: str) -> None:
        """Ask the run to stop; return at once."""
        self._events.append(StopAsked(why))
        self._processes.wake()

    def _hear(self, change: Change) -> None:
        """Take note of what became of an attempt or a step, whoever recorded it; return at once.

        The process of one that goes on here, and whose end somebody else recorded, is to be ended.
        """
        if change.kind is ChangeKind.STEP:
            matters = self.progress.status.get(change.step or "") not in SETTLED
            self._vetoed.extend([change] if matters else [])
        else:
            matters = bool(self._told.on_queues or self._waiting)
            if matters:
                self._waiting.tell(change)
            if change.status in ENDED:
                self._marked.append(change.task)  # before the look whether it goes on: it may be about to start
                matters = matters or self._attempts.goes_on(change.task)
        if matters:
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
        pause = BREATH if self._told.on_queues else PAUSE
        watch = Watch(self._waiting.follow, self._id, self._told.since, self.stop, self._hear, pause)
        with self._processes, self._monitors, watch, interrupts:
            try:
                self._begin()
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

    def _begin(self) -> None:
        """Begin, or go on from where the steps stand."""
        states = {state.name: state for state in self._told.steps}
        settled = {name: state.status for name, state in states.items() if state.status in SETTLED}
        settled = self._closing.close_late(settled, lambda name: (states[name].task, states[name].attempt))
        for name, status in settled.items():
            self._told.observer.step(name, status, 0, states[name].reason)
        left_out = [one for one in self._opening.left_out() if one.step not in settled]
        self._decide(left_out)
        settled |= {one.step: one.status for one in left_out}
        attempts = {name: state.attempt for name, state in states.items()}
        going_on = {name: state for name, state in states.items() if state.status in OPEN}
        for state in going_on.values():
            self._go_on(state)
        opened = {name: state.status for name, state in going_on.items()}
        self._events.append(Begun(settled=settled, attempts=attempts, open=opened))

    def _go_on(self, state: StepState) -> None:
        """Follow an attempt that waits, or that an agent carries out, from before this process."""
        waits = state.status is StepStatus.QUEUED and state.task is not None
        queue = self._backend.call(GetTask(id=str(state.task))).queue if waits else None
        self._waiting.add(state.name, state.attempt, state.task or "", queue)
        self._told.observer.step(state.name, state.status, state.attempt, state.reason)

    def _end(self) -> Run:
        status = VERDICTS[self.progress.outcome or StepStatus.FAILED]
        reason = EndReason.TIME_LIMIT if self._timed_out else REASONS.get(status)
        ended = self._backend.call(EndRun(id=self._id, status=status, reason=reason, message=self._because))
        self._told.observer.ended(ended)
        return ended

    def _loop(self) -> None:
        limit = self._told.pipeline.time_limit
        deadline = time.monotonic() + limit if limit else None
        while True:
            self._take_in()
            self._grow()
            if self.progress.outcome is not None:
                return
            self._fill_slots()
            for told in self._waiting.take():
                self._follow(told)
            if self._waiting:
                self._overseer.look(self._waiting.queues.items())
            while self._marked:
                self._attempts.end(self._marked.popleft())
            if not self._events:
                for ending in self._attempts.wait(self._patience(deadline)):
                    self._settle(ending)
            if limit and deadline is not None and time.monotonic() >= deadline and not self._timed_out:
                self._timed_out = not self.progress.stopping
                self._events.append(StopAsked(f"the run took longer than its time limit of {limit / 60:g} minutes"))
                deadline = None

    def _take_in(self) -> None:
        """Take in what has happened, and what somebody skipped."""
        while self._events:
            self._handle(self._events.popleft())
        for change in [self._vetoed.popleft() for _ in range(len(self._vetoed))]:
            self._leave_out(change)

    def _patience(self, deadline: float | None) -> float | None:
        """Return for how many seconds nothing is due."""
        left = None if deadline is None else max(deadline - time.monotonic(), 0.0)
        due = [left, self._attempts.patience, self._overseer.patience if self._waiting else None]
        return min((one for one in due if one is not None), default=None)

    def _handle(self, event: Event) -> None:
        """Give the planner an event and carry out what it answers."""
        if isinstance(event, Ended | Reused):
            event = self._close(event)
        self._carry_out(self.progress.handle(event))

    def _grow(self) -> None:
        """Take in that the run grew; this one has all its steps from the start."""

    def _carry_out(self, actions: list[Action]) -> None:
        skips: list[StepDecision] = []
        for action in actions:
            match action:
                case Launch():
                    self._asked.append(action)
                case Abort(step=step):
                    self._abort(step)
                case Skip():
                    skips.append(skip_decision(action))
                case Finish(because=because):
                    self._because = because
        self._decide(skips)

    def _close(self, event: Ended | Reused) -> Ended | Reused:
        """Do what is due for a step that is not tried again; return the event as its callback judged it."""
        step = event.step
        if isinstance(event, Ended) and not self.progress.is_final(event):
            return event
        outcome = event.outcome if isinstance(event, Ended) else StepStatus.CACHED
        task = None if step in self._unopened else self._task_of(step)
        judged = self._closing.close(step, outcome, task, self.progress.attempts[step])
        return event if judged is outcome else Ended(step, judged, retry=False)

    def _decide(self, decisions: list[StepDecision]) -> None:
        if decisions:
            self._backend.call(DecideSteps(run=self._id, decisions=tuple(decisions)))
        for decision in decisions:
            self._announcer.step(decision.step, decision.status, 0, decision.reason)

    def _abort(self, step: str) -> None:
        """End a step that runs, or one that still waits for a slot."""
        if not self._take_back(step):
            attempt = self._ids.of(step, self.progress.attempts[step])
            self._attempts.kill(attempt)
            self._waiting.stop(attempt)
            return
        reason = "the run was stopped before the step was started"
        self._decide([StepDecision(step=step, status=StepStatus.ABORTED, reason=reason)])
        self._unopened.add(step)
        self._events.append(Ended(step, StepStatus.ABORTED))

    def _take_back(self, step: str) -> bool:
        """Let a step wait for no slot any more; return whether it did."""
        before = len(self._asked) + len(self._queued)
        self._asked = deque(launch for launch in self._asked if launch.step != step)
        self._queued = deque(launch for launch in self._queued if launch.step != step)
        return len(self._asked) + len(self._queued) < before

    def _leave_out(self, change: Change) -> None:
        """Take in that somebody skipped a step before it began; the run's own decisions are told here too."""
        step = change.step or ""
        status = self.progress.status.get(step)
        if status is None:  # it is recorded, and about to be known here
            self._vetoed.append(change)
        elif status not in SETTLED:
            self._take_back(step)
            self._waiting.forget(step)
            self._announcer.step(step, StepStatus.SKIPPED, 0, change.message)
            self._handle(Vetoed(step, recorded=True))

    def _fill_slots(self) -> None:
        """Start what is ready while slots are free; record of the rest that it waits.

        What has happened meanwhile comes first: a callback may have stopped the run.
        """
        while (ready := self._queued or self._asked) and self._has_slot():
            if self._events:
                return
            launch = ready.popleft()
            event = self._opening.open(launch, self._why.pop(launch.step, ""))
            if isinstance(event, Started):
                self.progress.handle(event)
            elif event is not None:
                self._events.append(event)
        reason = f"waits for one of the {self._told.slots} slots of this machine"
        self._decide([StepDecision(step=one.step, status=StepStatus.QUEUED, reason=reason) for one in self._asked])
        self._queued.extend(self._asked)
        self._asked.clear()

    def _has_slot(self) -> bool:
        return self._told.on_queues or self._attempts.running < self._told.slots

    def _follow(self, told: Ending | Moved) -> None:
        """Take in what became of an attempt that an agent carries out."""
        if isinstance(told, Ending):
            self._settle(told)
            return
        status = StepStatus.RUNNING if told.claimed else StepStatus.QUEUED
        self._announcer.step(told.step, status, told.attempt, "" if told.claimed else told.message)
        started = Started(told.step)
        is_new = started not in self._events  # it may be claimed, lost and claimed again before this process looks
        if told.claimed and is_new and self.progress.status[told.step] is StepStatus.QUEUED:
            self._events.append(started)

    def _settle(self, ending: Ending) -> None:
        """Tell the planner how an attempt ended, and whether it is tried again."""
        step, outcome = ending.step, STEP_STATUS[ending.status]
        self._announcer.step(step, outcome, ending.attempt, ending.message)
        event = Ended(step, outcome)
        if ending.reason in LOST and self._losses[step] < MOST_LOST and not self.progress.stopping:
            self._losses[step] += 1
            self._why[step] = ending.message
            event = Ended(step, outcome, lost=True)
        elif outcome is StepStatus.FAILED:
            event = Ended(step, outcome, retry=self._ask_for_retry(step))
            self._explain_failure(event, ending)
        self._events.append(event)

    def _ask_for_retry(self, step: str) -> bool | None:
        """Ask the user's function whether a step is tried again; one that raises says no."""
        ask = self._told.callbacks.retry.get(step)
        if ask is None:
            return None
        retries = self.progress.tries(step) - 1
        try:
            return call(RETRY, lambda: bool(ask(retries)))
        except StepFailed as error:
            self._told.complain(f"step {step!r}: {error.message}; it is not tried again")
            return False

    def _explain_failure(self, event: Ended, ending: Ending) -> None:
        """Note why a step that failed is tried again, or record why it is not."""
        step, tries, retries = event.step, self.progress.tries(event.step), self._retries[event.step]
        if not self.progress.is_final(event):
            count = "" if event.retry else f"; try {tries + 1} of {retries + 1}"
            self._why[step] = f"attempt {ending.attempt} failed: {ending.message}{count}"
            return
        if event.retry is False:
            reason = f"{RETRY} said no"
        elif self.progress.stopping:
            reason = "the run is being stopped"
        else:
            reason = f"its {retries} retries are used up" if retries else "it has no retries"
        decision = Decision(kind=DecisionKind.GIVE_UP, reason=reason, step=step, attempt=ending.attempt)
        self._backend.call(RecordDecision(run=self._id, decision=decision))

    def _task_of(self, step: str) -> str | None:
        attempt = self.progress.attempts[step]
        return self._ids.of(step, attempt) if attempt else None


def skip_decision(action: Skip) -> StepDecision:
    """Return how a step is recorded that will not run."""
    vetoed = action.reason.cause == "vetoed"
    return StepDecision(
        step=action.step,
        status=StepStatus.SKIPPED,
        reason=f"{PRE} returned False" if vetoed else str(action.reason),
        kind=DecisionKind.VETO if vetoed else None,
    )


def breakdown(run: str, error: BaseException) -> EndRun:
    """Return how a run ends that an exception keeps from going on."""
    if isinstance(error, KeyboardInterrupt):
        why = "interrupted from the keyboard"
        return EndRun(id=run, status=Status.STOPPED, reason=EndReason.ABORTED, message=why)
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    why = printable(f"the controller failed: {said}")
    return EndRun(id=run, status=Status.FAILED, reason=EndReason.EXCEPTION, message=why)
