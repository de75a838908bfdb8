"""One call of a pipeline's function while it goes on: what its calls of components become, and what their values are.

It must never know how steps are carried out, nor how a pipeline is started.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from penstock.core import refs
from penstock.core.causes import BY_PERSON
from penstock.core.errors import Conflict, StepFailed
from penstock.core.outputs import Artifact as Record
from penstock.core.pipeline import Pipeline, Step
from penstock.core.progress import StepStatus
from penstock.core.secret import opened
from penstock.ops.steps import GetStep
from penstock.run import current
from penstock.run.callbacks import PRE, is_calling
from penstock.run.execute import named_results
from penstock.run.growing import Addition
from penstock.run.inline import Inline
from penstock.run.lookup import Lookup
from penstock.run.secrets import RunSecrets
from penstock.sdk import artifacts
from penstock.sdk.callbacks import callbacks
from penstock.sdk.calls import as_given, bound, reference
from penstock.sdk.function import Standalone, standalone
from penstock.sdk.lazy import Lazy, resolved
from penstock.sdk.local import refuse_queues
from penstock.sdk.steps import Function, NewStep, Retry, new_step

if TYPE_CHECKING:
    from penstock.backend import Backend
    from penstock.run.storage import Serializer
    from penstock.sdk.node import Node

GOOD = frozenset({StepStatus.COMPLETED, StepStatus.CACHED})


class Component:
    """A function whose calls become steps.

    Args:
        name: What its steps are called.
        function: The function as its module knows it, with what wraps it.
        options: The arguments of `add_function_step` that go for all its steps.
    """

    def __init__(self, name: str, function: Function, options: Mapping[str, Any]) -> None:
        self.name = name
        self.function = function
        self.options = options
        self._sources: dict[bool, Standalone] = {}

    def source(self, *, skip_global_imports: bool) -> Standalone:
        """Return the function as a module of its own; it is made once."""
        if skip_global_imports not in self._sources:
            helpers = self.options["helper_functions"] or ()
            made = standalone(self.function, helpers=helpers, skip_global_imports=skip_global_imports)
            self._sources[skip_global_imports] = made
        return self._sources[skip_global_imports]


class Defaults(Struct, frozen=True, kw_only=True):
    """What a pipeline says for the steps that its function calls for, and that do not say it themselves.

    Args:
        stage: Of a pipeline that another one calls, its name.
    """

    queue: str | None = None
    retry: int | Retry | None = None
    output_uri: str | None = None
    skip_global_imports: bool = False
    stage: str | None = None


class Carrier(Protocol):
    """What carries the run out."""

    def add(self, new: Addition) -> Step: ...
    def complete(self, failure: str = "") -> None: ...
    def wait_for(self, step: str) -> StepStatus: ...
    def task_of(self, step: str) -> str | None: ...


class Around(Struct, frozen=True, kw_only=True):
    """What a flow needs to know of its pipeline.

    Args:
        pipeline: The user's own object, for callbacks.
        node: Returns a step as it stands now, for callbacks.
        before: The run's artifacts that hold arguments, from before it went on.
    """

    pipeline: object
    run: str
    definition: Pipeline
    backend: Backend
    node: Callable[[str, str | None], Node]
    before: Mapping[str, Record]
    on_queues: bool = False
    serializer: Serializer | None = None
    deserializer: Serializer | None = None


class Flow:
    """The steps of one run, as its function calls for them.

    Attributes:
        steps: Those that it called for so far, by name.
    """

    def __init__(self, around: Around, carrier: Carrier, defaults: Defaults) -> None:
        self.around = around
        self.steps: dict[str, Step] = {}
        self._carrier = carrier
        self._defaults = defaults
        self._lock = threading.Lock()
        self._taken: set[str] = set()
        self._numbers: dict[str, int] = {}
        self._read: dict[str, None] = {}  # steps whose values were used, and that none builds upon yet
        self._below: set[str] = set()  # steps that others build upon
        self._results: dict[str, dict[str, object]] = {}  # of steps that ran in this very process
        self._lookup = Lookup(around.backend, around.run, {}, carrier.task_of)

    def call(self, component: Component, given: tuple[object, ...], named: Mapping[str, object]) -> object:
        """Make a step of a call, and return what stands for the values that it will have.

        Raises:
            TypeError: The function cannot be called so.
            StepFailed: The run is over, or is being stopped.
            Invalid: The step makes no sense; the message names it, and what is wrong.
        """
        if is_calling():
            raise Conflict(
                f"a callback cannot call {component.name!r}: it would be a step of the run that waits for it"
            )
        values = bound(component.function, given, named)
        defaults = _defaults.get() or self._defaults
        with self._lock:
            name = self._name(component.name)
            parents = tuple(self._read)
        new = self._new(component, name, values, defaults, parents)
        if self.around.on_queues:
            refuse_queues(self.around.backend, replace(self.around.definition, steps=(new.step,)))
        step = self._add(new, component, values)
        with self._lock:
            self.steps[name] = step
            self._below.update(step.parents)
            for parent in step.parents:
                self._read.pop(parent, None)
        found = tuple(Lazy(name, one, self._loading(name, one)) for one in step.returns)
        return found[0] if len(found) == 1 else found or None

    def value(self, step: str, name: str) -> object:
        """Wait for a step, and return what it returned under this name.

        None stands for what was vetoed or skipped by somebody, and for what failed though the run may go on.

        Raises:
            StepFailed: It failed, or was skipped because another one did; the message names step and cause.
            Conflict: A callback asks, and the step has not ended.
        """
        if is_calling() and self._status(step) is None:
            raise Conflict(f"the value of step {step!r} is not there yet, and no step ends while a callback is called")
        status = self._carrier.wait_for(step)
        if status not in GOOD:
            error = self._failure(step, status)
            if error is not None:
                raise error
            return None
        with self._lock:
            if step not in self._below:
                self._read[step] = None
        if isinstance(self._carrier, Inline):
            return self._results[step][name]
        found = self._lookup.resolve(refs.StepValue(step, name, artifact=True, text=reference(step, name)))
        if found.artifact is None:
            return found.value
        return artifacts.Artifact(found.artifact).get(self.around.deserializer)

    def _status(self, step: str) -> StepStatus | None:
        """Return how a step is settled; None while it is not. A callback must not wait for that."""
        state = self.around.backend.call(GetStep(run=self.around.run, step=step))
        ended = {*GOOD, StepStatus.FAILED, StepStatus.ABORTED, StepStatus.SKIPPED}
        return state.status if state.status in ended else None

    def _name(self, wanted: str) -> str:
        """Return a name that no other step has: the first is called as it is, the next `name_1`, and so on."""
        name, number = wanted, self._numbers.get(wanted, 0)
        while name in self._taken:
            number += 1
            name = f"{wanted}_{number}"
        self._numbers[wanted] = number
        self._taken.add(name)
        return name

    def _new(
        self,
        component: Component,
        name: str,
        values: Mapping[str, object],
        defaults: Defaults,
        parents: tuple[str, ...],
    ) -> NewStep:
        options = component.options
        given = {
            **options,
            "function_kwargs": {key: as_given(name, key, value) for key, value in values.items()},
            "parents": [*(options["parents"] or ()), *parents],
            "execution_queue": options["execution_queue"] or defaults.queue,
            "output_uri": options["output_uri"] or defaults.output_uri,
            "stage": options["stage"] or defaults.stage,
        }
        skip = defaults.skip_global_imports
        source = component.source(skip_global_imports=skip)
        return new_step(
            name, component.function, given, skip_global_imports=skip, default_retry=defaults.retry, source=source
        )

    def _add(self, new: NewStep, component: Component, values: Mapping[str, object]) -> Step:
        around, name = self.around, new.step.name
        inputs: dict[str, Record] = {}
        if not isinstance(self._carrier, Inline):
            for argument, value in new.values.items():
                held = f"{name}.{argument}"
                inputs[held] = artifacts.record_as_is(around.run, held, value, around.serializer)
        others = [
            held for held, one in inputs.items() if held in around.before and around.before[held].hash != one.hash
        ]
        addition = Addition(
            step=new.step,
            script=new.script,
            inputs=inputs,
            callbacks=callbacks(around.pipeline, {name: new.functions}, around.node),
            differs=f"argument {others[0].removeprefix(f'{name}.')!r} has another value" if others else "",
            call=lambda: self._call_here(new.step, component, values),
        )
        with self._lock:
            self.steps[name] = new.step  # callbacks may ask for it before all is known of it
        return self._carrier.add(addition)

    def _call_here(self, step: Step, component: Component, values: Mapping[str, object]) -> None:
        """Call the function of a step in this process, and keep what it returns."""
        secrets = RunSecrets(self.around.backend, self.around.run, self.around.definition).all()
        given = {name: opened(resolved(value), secrets) for name, value in values.items()}
        token = _present.set(INSIDE_A_STEP)
        try:
            returned: object = component.function(**given)
        finally:
            _present.reset(token)
        self._results[step.name] = named_results(step.returns, returned, component.name)

    def _loading(self, step: str, name: str) -> Callable[[], object]:
        return lambda: self.value(step, name)

    def _failure(self, name: str, status: StepStatus) -> StepFailed | None:
        """Return the error for a step that did not end well; None where the run may go on without it."""
        step = self.steps[name]
        if status is StepStatus.SKIPPED:
            return self._why_skipped(step)
        failed = status is StepStatus.FAILED
        if step.continue_on_fail if failed else step.continue_on_abort:
            return None
        reason = self.around.backend.call(GetStep(run=self.around.run, step=name)).reason
        error = StepFailed(
            f"step {name!r} {'failed' if failed else 'was aborted'}{f': {reason}' if reason else ''}",
            hint=f"see what it printed: penstock logs {self.around.run[:12]} {name}",
        )
        if isinstance(self._carrier, Inline):
            error.__cause__ = self._carrier.error_of(name)
        return error

    def _why_skipped(self, step: Step) -> StepFailed | None:
        reason = self.around.backend.call(GetStep(run=self.around.run, step=step.name)).reason
        if reason.startswith(BY_PERSON[StepStatus.SKIPPED]):  # before its parents have ended, perhaps
            return None
        bad = {parent: self._carrier.wait_for(parent) for parent in step.parents}
        for parent, status in bad.items():
            error = None if status in GOOD else self._failure(parent, status)
            if error is not None:
                return StepFailed(f"step {step.name!r} was skipped: {error.message}", hint=error.hint)
        if reason.startswith((PRE, "parent ")):
            return None
        return StepFailed(f"step {step.name!r} did not run: {reason}")

    @contextmanager
    def active(self) -> Generator[None]:
        """Let calls of components in this thread be steps of this run."""
        tokens = _present.set(self), current.of_thread.set(self.around.run)
        _active.append(self)
        try:
            yield
        finally:
            _active.remove(self)
            _present.reset(tokens[0])
            current.of_thread.reset(tokens[1])


@contextmanager
def part_of(defaults: Defaults) -> Generator[None]:
    """Let what a pipeline says for its steps go for those that are called for meanwhile."""
    token = _defaults.set(defaults)
    try:
        yield
    finally:
        _defaults.reset(token)


INSIDE_A_STEP = object()
_present: ContextVar[object] = ContextVar("present", default=None)
_defaults: ContextVar[Defaults | None] = ContextVar("defaults", default=None)
_active: list[Flow] = []


def present() -> Flow | None:
    """Return the call of a pipeline whose steps calls in this thread become; None for no call.

    In a thread that the pipeline's function has started it is that function's, as long as it is the only one.
    """
    found = _present.get()
    if isinstance(found, Flow):
        return found
    return _active[0] if found is None and len(_active) == 1 else None
