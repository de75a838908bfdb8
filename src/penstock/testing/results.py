"""What a test looks at when a run has ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from penstock.backend import Backend
from penstock.core.errors import NotFound
from penstock.core.names import did_you_mean
from penstock.core.parameters import restore
from penstock.core.run import StepState
from penstock.ops.outputs import GetScalars, ListArtifacts, ReadConsole
from penstock.ops.runs import GetRun
from penstock.ops.tasks import GetParameters
from penstock.sdk.artifacts import Artifact
from penstock.sdk.task import Task


class Recorded:
    """What a task recorded: that of the run, or that of a step's latest attempt."""

    def __init__(self, backend: Backend, task: str | None) -> None:
        self._backend = backend
        self._id = task

    @property
    def task(self) -> Task:
        """The task itself.

        Raises:
            NotFound: The step was never launched.
        """
        return Task.of(self._known())

    @cached_property
    def artifacts(self) -> dict[str, object]:
        """The values of its artifacts, by name."""
        found = self._backend.call(ListArtifacts(task=self._known()))
        return {one.name: Artifact(one).get() for one in found}

    @cached_property
    def parameters(self) -> dict[str, object]:
        """Its parameters, by `Section/name`."""
        return {one.path: restore(one) for one in self._backend.call(GetParameters(task=self._known()))}

    @cached_property
    def scalars(self) -> dict[str, list[float]]:
        """The values that it reported, by `title/series`."""
        found = self._backend.call(GetScalars(task=self._known()))
        return {f"{one.title}/{one.series}": [point.value for point in one.points] for one in found}

    @cached_property
    def printed(self) -> str:
        """What it printed."""
        chunks = self._backend.call(ReadConsole(task=self._known(), limit=1_000_000))
        return "\n".join(line.text for chunk in chunks for line in chunk.lines)

    def _known(self) -> str:
        if self._id is None:
            raise NotFound("the step was never launched", hint="look at its status and its reason")
        return self._id


class RanStep(Recorded):
    """A step of a run that has ended.

    Attributes:
        name: Its name.
        status: `completed`, `failed`, `cached`, `skipped`, ...
        reason: Why it stands so, in a sentence; empty where the status says it all.
        attempts: How often it was tried.
    """

    def __init__(self, backend: Backend, state: StepState) -> None:
        super().__init__(backend, state.task)
        self.name = state.name
        self.status = str(state.status)
        self.reason = state.reason
        self.attempts = state.attempt

    def __repr__(self) -> str:
        return f"<step {self.name!r} {self.status}{f': {self.reason}' if self.reason else ''}>"


class Ran(Recorded, Mapping[str, RanStep]):
    """A run that has ended: its steps by name.

    Attributes:
        id: The id of the run.
        name: Its name.
        status: `completed`, `failed` or `stopped`.
        order: The steps in the order in which they were carried out, once for each attempt; reused ones are not here.
    """

    def __init__(self, backend: Backend, run: str, order: list[str]) -> None:
        super().__init__(backend, run)
        detail = backend.call(GetRun(id=run))
        self.id = run
        self.name = detail.run.task.name
        self.status = str(detail.run.task.status)
        self.message = detail.run.task.message
        self.order = order
        self._definition = detail.definition
        self._steps = {state.name: RanStep(backend, state) for state in detail.steps}

    @property
    def completed(self) -> bool:
        """Whether it ended well."""
        return self.status == "completed"

    @property
    def graph(self) -> dict[str, set[str]]:
        """The parents of each step, those that references imply among them."""
        return {step.name: set(step.parents) for step in self._definition.steps}

    @property
    def statuses(self) -> dict[str, str]:
        """How each step ended."""
        return {name: step.status for name, step in self._steps.items()}

    def __getitem__(self, name: str) -> RanStep:
        if name not in self._steps:
            hint = did_you_mean(name, self._steps, "it has no steps")
            raise NotFound(f"run {self.name!r} has no step {name!r}", hint=hint)
        return self._steps[name]

    def __contains__(self, name: object) -> bool:
        return name in self._steps

    def __iter__(self) -> Iterator[str]:
        return iter(self._steps)

    def __len__(self) -> int:
        return len(self._steps)

    def __repr__(self) -> str:
        told = ", ".join(repr(step) for step in self._steps.values())
        return f"<run {self.name!r} {self.status}{f': {self.message}' if self.message else ''}; {told}>"
