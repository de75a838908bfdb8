"""Why a run and each of its steps went as they did, in sentences for people, from what is recorded and nothing else.

A headline puts the cause first, in one sentence; the lines below it hold the rest. What an older version of Penstock
did not record is left out: every sentence is true of every run. Nothing here knows how the sentences are shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct

from penstock.core.causes import Causes, because, first_line
from penstock.core.decision import Decision, DecisionKind
from penstock.core.monitor import Monitors, monitors
from penstock.core.progress import SETTLED, StepStatus
from penstock.core.run import RunDetail, StepState
from penstock.core.task import EndReason, Status, Task

NAMED = 5  # steps that are named in one line
DID = {
    StepStatus.COMPLETED: ("ran", "ran"),
    StepStatus.CACHED: ("was reused", "were reused"),
    StepStatus.FAILED: ("failed", "failed"),
    StepStatus.ABORTED: ("was aborted", "were aborted"),
    StepStatus.SKIPPED: ("was skipped", "were skipped"),
    StepStatus.RUNNING: ("is running", "are running"),
    StepStatus.QUEUED: ("waits for a slot", "wait for a slot"),
    StepStatus.PENDING: ("is pending", "are pending"),
}
"""What is said of one step in this status, and of several."""


class Explanation(Struct, frozen=True, kw_only=True):
    """Why a step, or a run, went as it did.

    Args:
        step: Its name; empty for the run.
        status: Where it stands.
        headline: One sentence with the cause.
        lines: What else there is to say.
    """

    step: str
    status: str
    headline: str
    lines: tuple[str, ...] = ()


class Explanations:
    """Explains one run and its steps.

    Args:
        detail: The run.
        attempts: The attempts of the steps that are asked about, oldest first.
        decisions: All decisions on the run, oldest first.
        lasted: How a length of time in seconds is written.
    """

    def __init__(
        self, detail: RunDetail, attempts: Iterable[Task], decisions: Iterable[Decision], lasted: Callable[[float], str]
    ) -> None:
        self._facts = Causes(detail, attempts, decisions)
        self._run = _RunSentences(self._facts)
        self._steps = {step.name: step for step in detail.definition.steps}
        self._lasted = lasted
        self._of_run = f"{detail.run.task.name} {self._run.verdict()}"

    def run(self) -> Explanation:
        """Explain the run as a whole."""
        task = self._facts.run.task
        lines = dict.fromkeys(filter(None, self._run.lines(self._of_run)))
        return Explanation(step="", status=task.status.value, headline=self._of_run, lines=tuple(lines))

    def steps(self) -> list[Explanation]:
        """Explain each step, in the order in which they were added."""
        return [self.step(name) for name in self._facts.states]

    def verdict(self) -> str:
        """Say how the run stands and why, in one sentence."""
        return self._of_run

    def headline(self, name: str) -> str:
        """Say of a step what became of it and why, in one sentence."""
        return _headline(self._facts, self._facts.states[name]) or f"{name} did not run: {self._of_run}"

    def unsettled(self, name: str) -> list[str]:
        """Return the parents that a step waits for, those that run before the others."""
        return self._facts.unsettled(name)

    def root(self, name: str) -> str:
        """Return the step in which the cause lies that a step was skipped: itself, where that is no other."""
        return self._facts.root(name)[0]

    def step(self, name: str) -> Explanation:
        """Explain one step."""
        state, headline = self._facts.states[name], self.headline(name)
        lines = dict.fromkeys(filter(None, self._lines(state, headline)))
        return Explanation(step=name, status=state.status.value, headline=headline, lines=tuple(lines))

    def _lines(self, state: StepState, headline: str) -> Iterator[str]:
        name = state.name
        yield self._parents(state)
        root, distance = self._facts.root(name)
        if distance > 1:
            yield f"what began it lies {distance:,} steps up: {root}"
        for kind, before in ((DecisionKind.REUSE, "it was reused: "), (DecisionKind.EXECUTE, "it ran: ")):
            if decision := self._facts.last(name, kind):
                yield _unless_said(first_line(decision.reason), headline, before)
                yield from (f"also: {first_line(detail)}" for detail in decision.details)
        yield from self._tries(name, headline)
        yield from self._afterwards(state, headline)
        if below := self._facts.skipped_by.get(name):
            yield f"{_some(below)} {DID[StepStatus.SKIPPED][len(below) > 1]} because of it"

    def _parents(self, state: StepState) -> str:
        parents = self._facts.nodes[state.name].parents
        shown = [f"{one} ({self._facts.states[one].status.value})" for one in parents[: NAMED + 1]]
        verb = {StepStatus.PENDING: "it waits for", StepStatus.SKIPPED: "its parents:"}.get(state.status)
        return f"{verb or 'it waited for'} {_some(shown, len(parents))}" if shown else ""

    def _tries(self, name: str, headline: str) -> Iterator[str]:
        """Say of each attempt how it went, in their order."""
        decisions = self._facts.decisions.get(name, [])
        retries = {one.attempt: first_line(one.reason) for one in decisions if one.kind is DecisionKind.RETRY}
        reused = {one.attempt: one.related for one in decisions if one.kind is DecisionKind.REUSE}
        before = 0.0
        for task in self._facts.attempts.get(name, ()):
            yield self._waited(decisions, before, task.started)
            before = task.started or before
            if source := reused.get(task.attempt):
                yield f"task {source[:12]} stands for it"
                continue
            said = first_line(task.message).removeprefix("stopped: ")
            line = because(f"attempt {task.attempt} {self._how(task)}", _unless_said(said, headline))
            again = retries.get(task.attempt + 1, "")
            rest = again.removeprefix(f"attempt {task.attempt} failed: {said}")
            yield line if rest == again else f"{line}{rest}"
            if rest == again:
                yield _unless_said(again, headline, "it was tried again: ")

    def _waited(self, decisions: Sequence[Decision], begin: float, end: float | None) -> str:
        """Say how long it waited for a slot before it started."""
        waits = [one for one in decisions if one.kind is DecisionKind.WAIT and begin < one.at <= (end or 0.0)]
        if not waits or end is None:
            return ""
        return f"it waited {self._lasted(end - waits[-1].at)} {first_line(waits[-1].reason).removeprefix('waits ')}"

    def _how(self, task: Task) -> str:
        if task.status in {Status.CREATED, Status.QUEUED}:
            return "is being prepared"
        if task.status is Status.IN_PROGRESS:
            return "is running"
        verb = {Status.FAILED: "failed", Status.STOPPED: "was stopped"}.get(task.status, "completed")
        return verb if task.seconds is None else f"{verb} after {self._lasted(task.seconds)}"

    def _afterwards(self, state: StepState, headline: str) -> Iterator[str]:
        for one in self._facts.decisions.get(state.name, ()):
            said = first_line(one.reason)
            match one.kind:
                case DecisionKind.GIVE_UP:
                    yield _unless_said(said, headline, "it was not tried again: ")
                case DecisionKind.JUDGE:
                    yield _unless_said(said, headline, "judged: ")
                case DecisionKind.CALL:
                    yield said
                case DecisionKind.TAKE_OVER:
                    step = self._steps[state.name]
                    wanted = monitors(step.monitor_metrics, step.monitor_artifacts, step.monitor_models)
                    yield because("the run took over what it monitors of it", _named(wanted))
                case _:
                    continue
            yield from map(first_line, one.details)
        node = self._facts.nodes[state.name]
        may_fail = state.status is StepStatus.FAILED and node.continue_on_fail
        if may_fail or (state.status is StepStatus.ABORTED and node.continue_on_abort):
            option = "continue_on_fail" if may_fail else "continue_on_abort"
            yield f"the run may complete all the same: {option} is on"


class _RunSentences:
    """What is said of a run as a whole."""

    def __init__(self, facts: Causes) -> None:
        self._facts = facts
        self._counts = Counter(state.status for state in facts.states.values())

    def verdict(self) -> str:
        """Say how the run stands and why; the run's name goes before it."""
        task = self._facts.run.task
        said = first_line(task.message)
        match task.status:
            case Status.CREATED:
                return "is a draft: it was never started"
            case Status.QUEUED:
                return "waits in a queue"
            case Status.IN_PROGRESS:
                return self._going()
            case Status.STOPPED:
                return because("was stopped", self._facts.why_stopping())
            case Status.FAILED:
                by_step = self._facts.culprit is not None and task.reason in {EndReason.STEP_FAILED, None}
                state = self._facts.states.get(self._facts.culprit or "") if by_step else None
                return because("failed", _headline(self._facts, state) if state else said)
            case Status.COMPLETED | Status.PUBLISHED:
                verb = "completed" if task.status is Status.COMPLETED else "is published"
                return because(verb, self._counted() or "it has no steps")

    def lines(self, headline: str) -> Iterator[str]:
        """Say what else there is to say."""
        facts = self._facts
        for decision in facts.decisions.get("", ()):
            said = first_line(decision.reason)
            yield because("it went on again", said) if decision.kind is DecisionKind.RESUME else said
            yield from map(first_line, decision.details)
        bad = {StepStatus.FAILED, StepStatus.ABORTED}
        causes = [facts.cause(name) for name, state in facts.states.items() if state.status in bad]
        others = [cause for cause in causes if cause not in headline]
        yield from others[:NAMED]
        if (more := len(others) - NAMED) > 0:
            yield f"{_counting(more, 'other step')} did not end well either"
        for root, names in list(facts.skipped_by.items())[:NAMED]:
            did = DID[facts.states[root].status][0]
            yield f"{_some(names)} {DID[StepStatus.SKIPPED][len(names) > 1]} because {root} {did}"
        counted = self._counted()
        yield "" if counted in headline else counted

    def _going(self) -> str:
        if why := self._facts.why_stopping():
            return because("is stopping", why)
        settled = sum(self._counts[status] for status in SETTLED)
        for status in (StepStatus.RUNNING, StepStatus.QUEUED):
            names = [name for name, state in self._facts.states.items() if state.status is status]
            if names:
                done = f"{settled:,} of {len(self._facts.states):,} steps settled"
                return f"goes on: {_some(names)} {DID[status][len(names) > 1]}, {done}"
        return "goes on: none of its steps is running at this moment"

    def _counted(self) -> str:
        found = [(self._counts[status], verbs) for status, verbs in DID.items() if self._counts[status]]
        said = [f"{count:,} {verbs[count > 1]}" for count, verbs in found]
        if found:
            said[0] = f"{_counting(found[0][0], 'step')} {found[0][1][found[0][0] > 1]}"
        return ", ".join(said)


def _headline(facts: Causes, state: StepState) -> str:
    """Return one sentence with the cause; nothing when only the run can say why the step did not run."""
    name = state.name
    match state.status:
        case StepStatus.COMPLETED:
            return _completed(facts, state)
        case StepStatus.CACHED:
            reused = facts.last(name, DecisionKind.REUSE)
            why = first_line(reused.reason if reused else state.reason)
            return because(f"{name} was reused", why or "an equal execution stands for it")
        case StepStatus.FAILED:
            given_up = facts.last(name, DecisionKind.GIVE_UP)
            rest = first_line(given_up.reason) if given_up and given_up.attempt in {0, state.attempt} else ""
            rest = rest or (f"after {state.attempt} attempts" if state.attempt > 1 else "")
            return facts.cause(name) + (f" ({rest})" if rest else "")
        case StepStatus.ABORTED:
            return facts.cause(name)
        case StepStatus.SKIPPED:
            root = facts.root(name)[0]
            return facts.cause(name) if root == name else f"{name} was skipped: {facts.cause(root)}"
        case StepStatus.RUNNING:
            return _running(facts, state)
        case StepStatus.QUEUED:
            why = first_line(state.reason)
            return f"{name} {why}" if why.startswith("waits for") else because(f"{name} waits for a slot", why)
        case StepStatus.PENDING:
            return _pending(facts, name)


def _completed(facts: Causes, state: StepState) -> str:
    if judged := facts.judgement(state):
        return because(f"{state.name} completed", judged)
    executed = facts.last(state.name, DecisionKind.EXECUTE)
    tries = f" (attempt {state.attempt} completed)" if state.attempt > 1 else ""
    if executed is None or not executed.reason:
        return f"{state.name} ran and completed{tries}"
    return f"{state.name} ran: {first_line(executed.reason)}{tries}"


def _running(facts: Causes, state: StepState) -> str:
    kinds = {DecisionKind.RETRY, DecisionKind.EXECUTE}
    decisions = facts.decisions.get(state.name, [])
    begun = [one for one in decisions if one.kind in kinds and one.attempt == state.attempt]
    why = first_line(begun[-1].reason) if begun else ""
    again = begun[-1].kind is DecisionKind.RETRY if begun else state.attempt > 1
    return because(f"{state.name} runs{' again' if again else ''}", why)


def _pending(facts: Causes, name: str) -> str:
    if facts.run.task.status is not Status.IN_PROGRESS:
        return ""
    waits = facts.unsettled(name)
    if not waits:
        return f"{name} is about to start"
    front, distance = facts.front(name)
    status = facts.states[front].status
    now = "is about to start" if status is StepStatus.PENDING else DID[status][0]
    way = f"{waits[0]}, and with it for {front}," if distance > 1 else f"{front},"
    others = len(waits) - 1
    return f"{name} waits for {way} which {now}" + (f", and for {_counting(others, 'other step')}" if others else "")


def _unless_said(text: str, said: str, before: str = "") -> str:
    """Return the text with something before it; nothing when it stands in what was said."""
    is_said = said.endswith((f": {text}", f" ({text})")) or f": {text} (" in said
    return "" if not text or is_said else f"{before}{text}"


def _some(names: Sequence[str], count: int | None = None) -> str:
    """Return the first names, and how many more there are of them."""
    more = (count or len(names)) - NAMED
    if more > 0:
        return f"{', '.join(names[:NAMED])} and {more:,} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _counting(count: int, thing: str) -> str:
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def _named(wanted: Monitors) -> str:
    """Return the names of what a run monitors of a step."""
    metrics = [f"metric {one.title}/{one.series}" for one in wanted.metrics]
    artifacts = [f"artifact {one.source}" for one in wanted.artifacts]
    return ", ".join([*metrics, *artifacts, *(f"model {one.source}" for one in wanted.models)])
