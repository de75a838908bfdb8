"""The planner: what happens next in one pipeline run.

Events go in, actions come out: `Progress.handle(event) -> list[Action]`. Everything that decides what happens next to a
step lives in this file; how an action is carried out must never be known here. No clock, no thread, no store, no
chance: the same events make the same state and the same actions, so a run is resumed after a crash by handling its
recorded events again.

    pending ---Launch--> queued ---Started--> running
       |                   |                     |
       |                   +--------Ended--------+---> completed, failed or aborted; queued again when it is retried
       |                   +--------Reused-----------> cached
       '---Skip, Vetoed----+--------Vetoed--------+--> skipped

A step that is completed, failed, aborted, cached or skipped is *settled*: its status never changes again.

1.  A step is launched once all its parents are settled and none blocks it. Completed and cached parents never block;
    a skipped one always does; a failed one does unless its `skip_children_on_fail` is off, an aborted one unless its
    `skip_children_on_abort` is off.
2.  A step is skipped as soon as one parent blocks it, whatever the others still do, and when it is vetoed: by its own
    callback once it is launched, or by a person, which is recorded only before it begins. So are its descendants.
3.  Only a failed step is tried again, and never once the run is stopping: while its attempts are at most `retries`, or
    as a retry callback answered.
4.  A failed step fails the run unless its `continue_on_fail` is on, an aborted one unless its `continue_on_abort` is
    on. Neither lets children run: that is rule 1.
5.  With `abort_on_failure` the first step that fails the run stops it: open steps are told to abort, pending ones are
    skipped, and the run ends failed.
6.  StopAsked stops the run in the same way, and the run ends aborted. What stopped a run first decides how it ends; a
    stop that comes after that changes nothing. A stop that comes before Begun takes effect at Begun.
7.  There is one Finish, after the last step is settled. Without a stop it says failed if rule 4 does, else completed.
8.  An event that cannot happen in the present state raises BadTransition and changes nothing.
9.  A run that goes on begins with what is settled, and with attempts that others carry out: none of these is launched
    again. Attempts of the rest count on; their retries count anew.
10. An attempt that was lost, and did not fail by itself, is tried again, and its retries are not used up by that.

A run costs in proportion to its steps and edges: steps count their open parents, nothing scans or recurses.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from enum import StrEnum
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from penstock.core.errors import BadTransition
from penstock.core.graph import by_name, children, refuse_cycles
from penstock.core.names import did_you_mean


class StepStatus(StrEnum):
    """Where a step stands; the documented node statuses."""

    PENDING = "pending"  # waits for its parents
    QUEUED = "queued"  # launched, not begun
    RUNNING = "running"
    COMPLETED = "completed"
    CACHED = "cached"
    FAILED = "failed"
    ABORTED = "aborted"
    SKIPPED = "skipped"


OPEN: Final = frozenset({StepStatus.QUEUED, StepStatus.RUNNING})
SETTLED: Final = frozenset(StepStatus) - OPEN - {StepStatus.PENDING}
_ENDINGS: Final = frozenset({StepStatus.COMPLETED, StepStatus.FAILED, StepStatus.ABORTED})
_JUST_QUEUED: Final = frozenset({StepStatus.QUEUED})
_UNSETTLED: Final = frozenset(StepStatus) - SETTLED


class Node(Struct, frozen=True):
    """What the planner needs to know of a step.

    Args:
        retries: How many more tries a failed step gets after the first.
        continue_on_fail: The run may complete although this step failed.
        continue_on_abort: The run may complete although this step was aborted.
        skip_children_on_fail: Skip the steps below when this one failed.
        skip_children_on_abort: Skip the steps below when this one was aborted.
    """

    name: str
    parents: tuple[str, ...] = ()
    retries: int = 0
    continue_on_fail: bool = False
    continue_on_abort: bool = False
    skip_children_on_fail: bool = True
    skip_children_on_abort: bool = True


class _Event(Struct, frozen=True, tag=True):
    """Something that happened; tagged with its class name, so that it can be stored and read back."""


class Begun(_Event, frozen=True):
    """The run starts, or goes on.

    Args:
        settled: Of a run that goes on, the steps that stay as they are.
        attempts: How often each step was launched before; steps that never were may be left out.
        open: Of a run that goes on, the steps whose latest attempt goes on too: queued or running.
    """

    settled: dict[str, StepStatus] = {}
    attempts: dict[str, int] = {}
    open: dict[str, StepStatus] = {}


class StopAsked(_Event, frozen=True):
    """Someone, or a time limit, asks the run to stop; `reason` is a short sentence for people."""

    reason: str = ""


class Started(_Event, frozen=True):
    """A worker runs the step now."""

    step: str


class Reused(_Event, frozen=True):
    """The cache had the outputs of the step."""

    step: str


class Vetoed(_Event, frozen=True):
    """The step's pre-execute callback said no; or a person did, and what is `recorded` of the step says so already."""

    step: str
    recorded: bool = False


class Ended(_Event, frozen=True):
    """The step's task came to its end, or could not be started at all.

    Args:
        outcome: Completed, failed or aborted.
        retry: Whether to try a failed step again, as a retry callback answered; None lets `Node.retries` decide.
        lost: Whether it was lost through no fault of its own: it is tried again, and that is no retry.
    """

    step: str
    outcome: StepStatus
    retry: bool | None = None
    lost: bool = False


StepEvent: TypeAlias = Started | Reused | Vetoed | Ended
Event: TypeAlias = Begun | StopAsked | StepEvent
Cause: TypeAlias = Literal[
    "parent failed", "parent aborted", "parent skipped", "vetoed", "stopped", "aborted on failure"
]


class SkipReason(Struct, frozen=True):
    """Why a step is skipped; `parent` is the parent that blocks it, when one does."""

    cause: Cause
    parent: str | None = None

    def __str__(self) -> str:
        return self.cause.replace("parent", f"parent {self.parent!r}")


class _Action(Struct, frozen=True, tag=True):
    """What someone else now has to do."""


class Launch(_Action, frozen=True):
    """Launch the step's attempt; attempts count from 1."""

    step: str
    attempt: int


class Skip(_Action, frozen=True):
    """Record that the step will not run."""

    step: str
    reason: SkipReason


class Abort(_Action, frozen=True):
    """Stop the step's open attempt; an Ended will tell how it went."""

    step: str


class Finish(_Action, frozen=True):
    """End the run; `because` is a short sentence, empty when it completed."""

    outcome: StepStatus
    because: str


Action: TypeAlias = Launch | Skip | Abort | Finish


class Progress:
    """Where one run stands. Changed by `handle` and by nothing else.

    Args:
        nodes: The steps. Steps that could be launched together are launched in this order.
        abort_on_failure: Stop the run as soon as a step fails it.

    Attributes:
        status: The status of each step.
        attempts: How often each step has been launched.
        stopping: Nothing will be launched any more.
        outcome: How the run ended: completed, failed or aborted; None while it has not.

    Raises:
        BadPipeline: Two nodes share a name, a parent does not exist, or the nodes form a cycle.
    """

    def __init__(self, nodes: Iterable[Node], *, abort_on_failure: bool = False) -> None:
        self._nodes = by_name(nodes)
        self._children = children(self._nodes)
        self._unsettled_parents = {name: len(node.parents) for name, node in self._nodes.items()}
        refuse_cycles(self._nodes, self._children, dict(self._unsettled_parents))
        self._abort_on_failure = abort_on_failure
        self._unsettled = len(self._nodes)
        self._begun = False
        self._stop_reason = self._failure = ""
        self.status: dict[str, StepStatus] = dict.fromkeys(self._nodes, StepStatus.PENDING)
        self.attempts: dict[str, int] = dict.fromkeys(self._nodes, 0)
        self._before: dict[str, int] = {}
        self.stopping = False
        self.outcome: StepStatus | None = None

    def handle(self, event: Event) -> list[Action]:
        """Take in one event and return what to do because of it, in this order.

        Raises:
            BadTransition: The event cannot happen now; nothing has changed.
        """
        if isinstance(event, Started | Reused | Vetoed):
            early = self._begun and isinstance(event, Vetoed) and event.recorded
            self._expect(event, _UNSETTLED if early else _JUST_QUEUED)
        match event:
            case Started():
                self.status[event.step] = StepStatus.RUNNING
                return []
            case Ended():
                return self._end(event)
            case Reused():
                return self._settle(event.step, StepStatus.CACHED)
            case Vetoed(step=step, recorded=recorded):
                vetoed = self._skip(step, SkipReason("vetoed"))
                follows = [*self._skip_below(step, "parent skipped"), *self._finish()]
                return follows if recorded else [vetoed, *follows]
            case StopAsked():
                return self._stop(event.reason or "the run was asked to stop")
            case Begun():
                return self._begin(event)

    def is_final(self, event: Ended) -> bool:
        """Return whether a step that ends like this is settled, and not tried again.

        Raises:
            BadTransition: There is no such step.
        """
        self._must_exist(event.step)
        again = self.tries(event.step) <= self._nodes[event.step].retries if event.retry is None else event.retry
        return self.stopping or not (event.lost or (again and event.outcome is StepStatus.FAILED))

    def _begin(self, event: Begun) -> list[Action]:
        if self._begun:
            raise BadTransition("the run has already begun")
        known = event.open | event.settled
        for step, status in known.items():
            self._must_exist(step)
            kind, allowed = ("settled", SETTLED) if step in event.settled else ("open", OPEN)
            if status not in allowed:
                raise BadTransition(f"step {step!r} is {status}, and not {kind}")
        self._begun = True
        self.attempts.update(event.attempts)
        self._before = dict(self.attempts)
        self.status.update(known)
        self._unsettled -= len(event.settled)
        actions = self._halt("stopped") if self.stopping else []
        for step, status in event.settled.items():
            actions += self._follow(step, status)
            for child in self._children[step]:
                self._unsettled_parents[child] -= 1
        ready = [name for name, count in self._unsettled_parents.items() if not count]
        launches = [self._launch(name) for name in ready if self.status[name] is StepStatus.PENDING]
        return [*actions, *launches, *self._finish()]

    def tries(self, step: str) -> int:
        """Return how often a step was launched since the run began or went on, but for attempts that were lost."""
        return self.attempts[step] - self._before.get(step, 0)

    def _stop(self, reason: str) -> list[Action]:
        if self.stopping or self.outcome:
            return []
        self.stopping = True
        self._stop_reason = reason
        return [*self._halt("stopped"), *self._finish()] if self._begun else []

    def _end(self, event: Ended) -> list[Action]:
        self._expect(event, OPEN)
        step, outcome = event.step, event.outcome
        if outcome not in _ENDINGS:
            raise BadTransition(f"step {step!r} cannot end as {outcome}", hint="it ends completed, failed or aborted")
        if self.is_final(event):
            return self._settle(step, outcome)
        self._before[step] += event.lost
        return [self._launch(step)]

    def _settle(self, step: str, status: StepStatus) -> list[Action]:
        """Close a step that ran or was cached, and do what follows from it."""
        self.status[step] = status
        self._unsettled -= 1
        return [*self._follow(step, status), *self._release_children(step), *self._finish()]

    def _follow(self, step: str, status: StepStatus) -> list[Action]:
        """Do what follows from how a step settled: what it blocks is skipped, and the run may stop."""
        node = self._nodes[step]
        block = cause_of_skips(node, status)
        actions = self._skip_below(step, block) if block else []
        if failure := why_it_fails_the_run(node, status):
            self._failure = self._failure or failure
            if self._abort_on_failure and not self.stopping:
                self.stopping = True
                actions += self._halt("aborted on failure")
        return actions

    def _release_children(self, step: str) -> list[Action]:
        """Launch the children that are pending still and waited for this step alone."""
        for child in self._children[step]:
            self._unsettled_parents[child] -= 1
        ready = [child for child in self._children[step] if not self._unsettled_parents[child]]
        return [self._launch(child) for child in ready if self.status[child] is StepStatus.PENDING]

    def _launch(self, step: str) -> Action:
        self.status[step] = StepStatus.QUEUED
        self.attempts[step] += 1
        return Launch(step, self.attempts[step])

    def _skip(self, step: str, reason: SkipReason) -> Action:
        self.status[step] = StepStatus.SKIPPED
        self._unsettled -= 1
        return Skip(step, reason)

    def _skip_below(self, step: str, cause: Cause) -> list[Action]:
        """Skip the pending children of a step that blocks them, and everything below."""
        skips: list[Action] = []
        blocking: deque[tuple[str, Cause]] = deque([(step, cause)])
        while blocking:
            parent, why = blocking.popleft()
            for child in self._children[parent]:
                if self.status[child] is StepStatus.PENDING:
                    skips.append(self._skip(child, SkipReason(why, parent)))
                    blocking.append((child, "parent skipped"))
        return skips

    def _halt(self, cause: Cause) -> list[Action]:
        """Abort every open step and skip every pending one. Called once, so it may look at all of them."""
        aborts: list[Action] = [Abort(step) for step, status in self.status.items() if status in OPEN]
        pending = [step for step, status in self.status.items() if status is StepStatus.PENDING]
        return aborts + [self._skip(step, SkipReason(cause)) for step in pending]

    def _finish(self) -> list[Action]:
        if self._unsettled:
            return []
        ended = StepStatus.FAILED if self._failure else StepStatus.COMPLETED
        self.outcome = StepStatus.ABORTED if self._stop_reason else ended
        return [Finish(self.outcome, self._stop_reason or self._failure)]

    def _expect(self, event: StepEvent, allowed: frozenset[StepStatus]) -> None:
        if (status := self._must_exist(event.step)) not in allowed:
            wanted = " or ".join(sorted(allowed))
            raise BadTransition(f"step {event.step!r} is {status}; {type(event).__name__} is for one that is {wanted}")

    def _must_exist(self, step: str) -> StepStatus:
        if (status := self.status.get(step)) is None:
            hint = did_you_mean(step, self.status, "the pipeline has no steps")
            raise BadTransition(f"there is no step {step!r}", hint=hint)
        return status


def cause_of_skips(node: Node, status: StepStatus) -> Cause | None:
    """Say why a step that settled with this status keeps its children from running, if it does."""
    if status is StepStatus.FAILED and node.skip_children_on_fail:
        return "parent failed"
    if status is StepStatus.ABORTED and node.skip_children_on_abort:
        return "parent aborted"
    return "parent skipped" if status is StepStatus.SKIPPED else None


def why_it_fails_the_run(node: Node, status: StepStatus) -> str:
    """Say in a short sentence how a step that settled with this status fails the run; empty when it does not."""
    if status is StepStatus.FAILED and not node.continue_on_fail:
        return f"step {node.name!r} failed"
    if status is StepStatus.ABORTED and not node.continue_on_abort:
        return f"step {node.name!r} was aborted"
    return ""
