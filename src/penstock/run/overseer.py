"""Looks, while a run's steps wait for agents, whether anybody will come: ends what was lost, and says what is missing.

It looks now and then, and nothing waits for it: what agents do is heard from the change feed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from penstock.backend import Backend
from penstock.core.errors import Conflict
from penstock.core.progress import StepStatus
from penstock.core.task import Status
from penstock.core.waiting import paused, unserved
from penstock.ops.queues import ListQueues
from penstock.ops.steps import DecideSteps, StepDecision
from penstock.ops.tag_limits import ListTagLimits, TagLimit
from penstock.ops.tasks import ListTasks
from penstock.run.reconcile import end_dead

EVERY_ATTEMPT = 1_000_000_000  # a limit that no run reaches
LOOK = 2.0  # seconds between two looks


class Overseer:
    """Watches over the steps of one run that wait.

    Args:
        start_agent: Starts an agent on this machine, where that is wanted; returns whether one is on its way.
        complain: Takes a sentence for people.
    """

    def __init__(
        self, backend: Backend, run: str, start_agent: Callable[[], bool], complain: Callable[[str], None]
    ) -> None:
        self._backend = backend
        self._run = run
        self._start_agent = start_agent
        self._complain = complain
        self._next = 0.0
        self._told: set[str] = set()

    @property
    def patience(self) -> float:
        """For how many seconds there is nothing to look for."""
        return max(0.0, self._next - time.monotonic())

    def look(self, waiting: Iterable[tuple[str, str]]) -> None:
        """Look, when it is time, whether agents serve the queues in which steps wait.

        Args:
            waiting: The steps that wait, each with its queue.
        """
        if self.patience:
            return
        self._next = time.monotonic() + LOOK
        end_dead(self._backend)
        queues = {queue.name: queue for queue in self._backend.call(ListQueues())}
        held_back = self._held_back()
        for step, name in waiting:
            queue = queues.get(name)
            if queue is not None and queue.paused:
                self._tell(step, paused(name))
            elif queue is not None and not queue.agents and not self._start_agent():
                self._tell(step, unserved(name))
            elif step in held_back:
                full = held_back[step]
                self._tell(step, f"{full.running} of {full.limit} tasks tagged {full.tag!r} are running")

    def _held_back(self) -> dict[str, TagLimit]:
        """Return the steps with a tag that is at its limit, each with that limit."""
        full = {one.tag: one for one in self._backend.call(ListTagLimits()) if one.running >= one.limit}
        if not full:
            return {}
        waiting = self._backend.call(ListTasks(run=self._run, statuses=(Status.QUEUED,), limit=EVERY_ATTEMPT))
        return {task.step: full[tag] for task in waiting for tag in task.tags if task.step and tag in full}

    def _tell(self, step: str, why: str) -> None:
        """Record why a step waits, and say it once."""
        if (key := f"{step}: {why}") in self._told:
            return
        if not any(one.endswith(why) for one in self._told):
            self._complain(f"step {step!r} waits: {why}")
        self._told.add(key)
        decision = StepDecision(step=step, status=StepStatus.QUEUED, reason=why)
        with suppress(Conflict):  # it was claimed meanwhile: the run is about to hear of it
            self._backend.call(DecideSteps(run=self._run, decisions=(decision,)))
