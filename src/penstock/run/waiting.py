"""The attempts of one run that agents carry out: what the change feed tells of them becomes what the planner hears.

It starts nothing and waits for nothing; it must never know which agent has an attempt, nor where.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress

from msgspec import Struct

from penstock.backend import Backend
from penstock.core.errors import BadTransition
from penstock.core.run import Change
from penstock.core.task import ENDED, EndReason, Status
from penstock.ops.changes import FollowRun
from penstock.ops.outputs import Outputs
from penstock.ops.tasks import EndTask, GetTask
from penstock.run.attempts import Ending

STOPPED = "stopped: the run was stopped"
PATIENCE = 30.0  # seconds of one wait; the feed answers at once when there is something
LINGER = 0.1  # seconds for which it may keep to itself that attempts begin
FEW = 8  # attempts that completed at once of which it brings along what they left behind


class Moved(Struct, frozen=True, kw_only=True):
    """An attempt was claimed by an agent, or waits again."""

    step: str
    attempt: int
    claimed: bool
    message: str


class Waiting:
    """Attempts that wait for an agent, or that one carries out.

    Args:
        run: Id of the run.
        outputs: Whether steps follow that need what attempts left behind, and nobody may change that in between.
    """

    def __init__(self, backend: Backend, run: str, *, outputs: bool = False) -> None:
        self._backend = backend
        self._run = run
        self._wanted = FEW if outputs else 0
        self._came: dict[str, Outputs] = {}
        self._fresh: dict[str, Outputs] = {}
        self._open: dict[str, tuple[str, int]] = {}
        self._queues: dict[str, str] = {}  # of the steps that wait
        self._told: deque[Change] = deque()

    def __len__(self) -> int:
        return len(self._open)

    @property
    def queues(self) -> dict[str, str]:
        """The queues in which steps wait, by step."""
        return self._queues

    def add(self, step: str, attempt: int, task: str, queue: str | None) -> None:
        """Follow an attempt from now on.

        Args:
            queue: Where it waits; None for one that an agent carries out already.
        """
        self._open[task] = (step, attempt)
        if queue is not None:
            self._queues[step] = queue

    def follow(self, after: int) -> tuple[Change, ...]:
        """Return the changes of the run after one; wait for the first. May be called from any thread."""
        asked = FollowRun(run=self._run, after=after, wait=PATIENCE, linger=LINGER, outputs=self._wanted)
        news = self._backend.call(asked)
        self._came.update({one.task.id: one for one in news.outputs})
        return news.changes

    def outputs_of(self, task: str) -> Outputs | None:
        """Return what an attempt left behind that was taken just now, where that came along; None for others.

        Later it may have been changed.
        """
        return self._fresh.get(task)

    def tell(self, change: Change) -> None:
        """Take note of a change of a task's status. May be called from any thread, also before its task is added."""
        self._told.append(change)

    def stop(self, task: str) -> None:
        """Stop an attempt: it is taken out of its queue, or its agent will end its process."""
        if task in self._open:
            with suppress(BadTransition):  # it has just ended by itself
                self._backend.call(EndTask(id=task, status=Status.STOPPED, reason=EndReason.ABORTED, message=STOPPED))

    def forget(self, step: str) -> None:
        """Follow the attempt of a step no more: it waits no longer, and will not run."""
        self._queues.pop(step, None)
        for task in [task for task, (name, _) in self._open.items() if name == step]:
            del self._open[task]

    def take(self) -> list[Ending | Moved]:
        """Return what has become of attempts since the last call."""
        found: list[Ending | Moved] = []
        self._fresh = {}
        while self._told:
            change = self._told.popleft()
            if change.status in ENDED and (outputs := self._came.pop(change.task, None)) is not None:
                self._fresh[change.task] = outputs
            if change.task not in self._open:
                continue
            step, attempt = self._open[change.task]
            if change.status in ENDED:
                del self._open[change.task]
                self._queues.pop(step, None)
                found.append(self._ending(step, attempt, change))
            else:
                claimed = change.status == Status.IN_PROGRESS
                if claimed:
                    self._queues.pop(step, None)
                found.append(Moved(step=step, attempt=attempt, claimed=claimed, message=change.message))
        return found

    def _ending(self, step: str, attempt: int, change: Change) -> Ending:
        """Return how an attempt ended; of one that completed, which gives no reason, the change says it all."""
        if change.status == Status.COMPLETED:
            return Ending(step=step, attempt=attempt, status=Status.COMPLETED, message=change.message)
        task = self._backend.call(GetTask(id=change.task))
        message = task.message.partition("\n")[0]
        return Ending(step=step, attempt=attempt, status=task.status, message=message, reason=task.reason)
