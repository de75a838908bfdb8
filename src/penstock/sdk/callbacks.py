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
    """Functions that are called for every step of a run.

    Args:
        created: Called as `(pipeline, node, parameters)`, after the step's own pre-execute callback.
        completed: Called as `(pipeline, node)`, before the step's own post-execute callback.
    """

    created: Function | None = None
    completed: Function | None = None


def for_every_step(
    functions: Mapping[str, Mapping[str, Function]], for_all: ForAll
) -> dict[str, Mapping[str, Function]]:
    """Return the functions of each step, together with those for all."""
    found: dict[str, Mapping[str, Function]] = {}
    for step, given in functions.items():
        before = [one for one in (given.get(PRE), for_all.created) if one is not None]
        after = [one for one in (for_all.completed, given.get(POST)) if one is not None]
        chains = ({PRE: _one_of(before)} if before else {}) | ({POST: _one_of(after)} if after else {})
        found[step] = {**given, **chains}
    return found


def _one_of(chain: list[Function]) -> Function:
    """Return a function that calls these one after another; it returns False once one does, and calls no more."""
    return lambda *given: all(function(*given) is not False for function in chain)


def callbacks(
    pipeline: object, functions: Mapping[str, Mapping[str, Function]], node: Callable[[str, str | None], Node]
) -> Callbacks:
    """Return the callbacks of a run.

    Args:
        pipeline: What the functions take first: the user's PipelineController.
        functions: The functions of each step, each under the name of its argument.
        node: Returns a step as it stands now; with the id of a task, as the attempt that this is.
    """

    def of(name: str) -> dict[str, Function]:
        return {step: given[name] for step, given in functions.items() if name in given}

    def before(step: str, ask: Function) -> Callable[[str, dict[str, object]], object]:
        return lambda task, parameters: ask(pipeline, node(step, task), parameters)

    def after(step: str, tell: Function) -> Callable[[str | None], object]:
        return lambda task: tell(pipeline, node(step, task))

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
        before={step: before(step, function) for step, function in of(PRE).items()},
        after={step: after(step, function) for step, function in of(POST).items()},
        changed={step: changed(step, function) for step, function in of(CHANGED).items()},
        retry={step: retry(step, function) for step, function in of(RETRY).items()},
        make={step: make(step, function) for step, function in of(FACTORY).items()},
    )
