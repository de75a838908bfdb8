"""Why steps did not end well or did not run, followed to where the cause lies: the facts behind `core.explain`.

A way through the steps is walked in a loop and once for all, so that a run costs in proportion to its steps and edges.
Nothing here knows how an explanation is laid out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from penstock.core.decision import Decision, DecisionKind
from penstock.core.pipeline import plan
from penstock.core.progress import SETTLED, SkipReason, StepStatus, cause_of_skips, why_it_fails_the_run
from penstock.core.run import RunDetail, StepState
from penstock.core.task import Status, Task

STOPPED = "the run was stopped"  # so begins what is recorded of a step that ended only because its run did
BY_PERSON = {StepStatus.SKIPPED: "skipped by ", StepStatus.ABORTED: "aborted by "}
"""So begins what is recorded of a step that a person skipped or aborted."""

URGENCY = (StepStatus.RUNNING, StepStatus.QUEUED, StepStatus.PENDING)

Place = TypeVar("Place")


class Causes:
    """The records of one run, and what follows from them about causes.

    Args:
        detail: The run.
        attempts: The attempts of its steps, oldest first.
        decisions: All decisions on it, oldest first.

    Attributes:
        culprit: The step that fails the run, if one does.
        skipped_by: The steps that were skipped, by the step in which the cause lies.
    """

    def __init__(self, detail: RunDetail, attempts: Iterable[Task], decisions: Iterable[Decision]) -> None:
        self.run = detail.run
        self.definition = detail.definition
        self.states = {state.name: state for state in detail.steps}
        self.nodes = {node.name: node for node in plan(detail.definition.steps)}
        self.attempts: dict[str, list[Task]] = {}
        self.decisions: dict[str, list[Decision]] = {}
        for task in attempts:
            self.attempts.setdefault(task.step or "", []).append(task)
        for decision in decisions:
            self.decisions.setdefault(decision.step, []).append(decision)
        self._roots: dict[str, tuple[str, int]] = {}
        self._fronts: dict[str, tuple[str, int]] = {}
        self.culprit = self._find_culprit()
        self.skipped_by: dict[str, list[str]] = {}
        for name, state in self.states.items():
            if state.status is StepStatus.SKIPPED and (root := self.root(name)[0]) != name:
                self.skipped_by.setdefault(root, []).append(name)

    def last(self, step: str, kind: DecisionKind) -> Decision | None:
        """Return the last decision of this kind on a step."""
        return next((one for one in reversed(self.decisions.get(step, [])) if one.kind is kind), None)

    def cause(self, name: str) -> str:
        """Say what became of a step that failed, was aborted or skipped, and why, in one sentence."""
        state = self.states[name]
        said = self.judgement(state) or first_line(state.reason) or self._message(name)
        by_person = BY_PERSON.get(state.status)
        if by_person is not None and said.startswith(by_person):
            return f"{name} was {said}"
        if state.status is StepStatus.SKIPPED:
            return because(f"{name} was skipped", self.why_skipped(state))
        if state.status is StepStatus.ABORTED:
            why = self.why_stopping() if self._was_stopped(state) else ""
            return because(f"{name} was aborted", because(STOPPED, why) if why else said.removeprefix("stopped: "))
        return because(f"{name} failed", said)

    def root(self, name: str) -> tuple[str, int]:
        """Return where the cause lies that a step was skipped, and how many steps up: itself, when it is no parent."""
        return follow(name, self._blocker, self._roots)

    def front(self, name: str) -> tuple[str, int]:
        """Return what has to happen first of all that a pending step waits for, and how many steps up that is."""
        return follow(name, lambda one: next(iter(self.unsettled(one)), None), self._fronts)

    def unsettled(self, name: str) -> list[str]:
        """Return the parents that a step waits for, those that run before the others."""
        found = [one for one in self.nodes[name].parents if self.states[one].status not in SETTLED]
        return sorted(found, key=lambda one: URGENCY.index(self.states[one].status))

    def why_skipped(self, state: StepState) -> str:
        """Say why a step was skipped, where that was no parent's doing."""
        if state.reason in {"", "stopped", "aborted on failure"}:
            why = self.why_stopping()
            return because(STOPPED, why) if why or state.reason else ""
        return "its pre_execute_callback said no" if state.reason == "vetoed" else first_line(state.reason)

    def why_stopping(self) -> str:
        """Say why the run stops, or stopped, before each step had its turn; nothing when it does not."""
        task = self.run.task
        asked = first_line(self.run.stop_asked or "")
        if task.status is Status.STOPPED:
            return first_line(task.message) or asked
        if (
            self.culprit is not None
            and self.definition.abort_on_failure
            and (task.status is Status.FAILED or not asked)
        ):
            return f"{self.cause(self.culprit)}, and the pipeline aborts on failure"
        return asked

    def judgement(self, state: StepState) -> str:
        """Return what a callback said when it gave the step's last attempt the status that it has."""
        last = self.last(state.name, DecisionKind.JUDGE)
        return first_line(last.reason) if last and last.attempt == state.attempt else ""

    def _find_culprit(self) -> str | None:
        """Return the step that fails the run: the one that the run names, else the first one that ended so."""
        found: list[tuple[bool, float, str]] = []
        for name, state in self.states.items():
            failure = why_it_fails_the_run(self.nodes[name], state.status)
            if failure and not self._was_stopped(state):
                found.append((failure != self.run.task.message, state.ended or 0.0, name))
        return min(found, key=lambda one: one[:2])[2] if found else None

    def _was_stopped(self, state: StepState) -> bool:
        """Return whether a step was aborted because its run came to an end, and for no reason of its own."""
        said = state.reason.removeprefix("stopped: ")
        return state.status is StepStatus.ABORTED and (not said or said.startswith(STOPPED))

    def _blocker(self, name: str) -> str | None:
        """Return the parent because of which a step was skipped, if it was one."""
        state = self.states[name]
        if state.status is not StepStatus.SKIPPED:
            return None
        first = None
        for parent in self.nodes[name].parents:
            cause = cause_of_skips(self.nodes[parent], self.states[parent].status)
            if cause and state.reason == str(SkipReason(cause, parent)):
                return parent
            first = first or (parent if cause else None)
        return None if state.reason else first

    def _message(self, name: str) -> str:
        tasks = self.attempts.get(name)
        return (first_line(tasks[-1].message) or tasks[-1].reason or "") if tasks else ""


def follow(
    start: Place, further: Callable[[Place], Place | None], known: dict[Place, tuple[Place, int]]
) -> tuple[Place, int]:
    """Return where a way ends, and how many steps that is. What is known of others shortens it."""
    way: list[Place] = []
    here = start
    while here not in known:
        there = further(here)
        if there is None:
            known[here] = (here, 0)
        else:
            way.append(here)
            here = there
    end, distance = known[here]
    for one in reversed(way):
        distance += 1
        known[one] = (end, distance)
    return known[start]


def first_line(text: str) -> str:
    """Return the first line of a text that says something."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def because(what: str, why: str) -> str:
    """Return what happened with the reason behind it, where there is one."""
    return f"{what}: {why}" if why else what
