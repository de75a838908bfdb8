"""From the functions that a user gave to steps to what a run calls: the user's get the pipeline and the node."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from penstock.core.errors import Invalid
from penstock.core.progress import StepStatus
from penstock.run.callbacks import CHANGED, FACTORY, POST, PRE, RETRY, Callbacks
from penstock.sdk.node import Node
from penstock.sdk.steps import Function
from penstock.sdk.task.record import Record


class ForAll(Struct, frozen=True, kw_only=True):
    """Functions that are called for every step of a run, each after the step's own.

    Args:
        created: Called as `(pipeline, node, parameters)` like a pre-execute callback.
        completed: Called as `(pipeline, node)`, before a post-execute callback.
    """

    created: Function | None = None
    completed: Function | None = None


def callbacks(
    pipeline: object,
    functions: Mapping[str, Mapping[str, Function]],
    node: Callable[[str, str | None], Node],
    for_all: ForAll | None = None,
) -> Callbacks:
    """Return the callbacks of a run.

    Args:
        pipeline: What the functions take first: the user's PipelineController.
        functions: The functions of each step, each under the name of its argument; empty for a step without any.
        node: Returns a step as it stands now; with the id of a task, as the attempt that this is.
        for_all: Functions for every step.
    """
    every = for_all or ForAll()

    def each(name: str, *, first: Function | None = None, last: Function | None = None) -> dict[str, list[Function]]:
        """Return the functions to call for a step, one after another, of those steps that have any."""
        found = {step: [one for one in (first, given.get(name), last) if one] for step, given in functions.items()}
        return {step: chain for step, chain in found.items() if chain}

    def of(name: str) -> dict[str, Function]:
        return {step: given[name] for step, given in functions.items() if name in given}

    def before(step: str, chain: list[Function]) -> Callable[[str, dict[str, object]], object]:
        return lambda task, parameters: all(ask(pipeline, node(step, task), parameters) is not False for ask in chain)

    def after(step: str, chain: list[Function]) -> Callable[[str | None], object]:
        return lambda task: [tell(pipeline, node(step, task)) for tell in chain]

    def changed(step: str, tell: Function) -> Callable[[StepStatus], object]:
        return lambda previous: tell(pipeline, node(step, None), str(previous))

    def retry(step: str, ask: Function) -> Callable[[int], object]:
        return lambda retries: ask(pipeline, node(step, None), retries)

    def make(step: str, factory: Function) -> Callable[[], str]:
        def made() -> str:
            task = factory(node(step, None))
            if not isinstance(task, Record):
                raise Invalid(f"it returned a {type(task).__name__}, and no Task")
            return task.id

        return made

    return Callbacks(
        before={step: before(step, chain) for step, chain in each(PRE, last=every.created).items()},
        after={step: after(step, chain) for step, chain in each(POST, first=every.completed).items()},
        changed={step: changed(step, function) for step, function in of(CHANGED).items()},
        retry={step: retry(step, function) for step, function in of(RETRY).items()},
        make={step: make(step, function) for step, function in of(FACTORY).items()},
    )
