"""Methods that a pipeline calls for its own run, and its class for the run that this process works on."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, Generic, ParamSpec, Protocol, TypeVar

from penstock.core.errors import Invalid
from penstock.run import current

P = ParamSpec("P")
R = TypeVar("R")


class HasRun(Protocol):
    """A pipeline."""

    @property
    def id(self) -> str: ...


class OnRun(Generic[P, R]):
    """Makes a function, whose first argument is the id of a run, such a method.

    The documented API has these as class methods, because a step has no pipeline object to call them on.
    """

    def __init__(self, function: Callable[Concatenate[str, P], R]) -> None:
        self.function = function
        self.__doc__ = function.__doc__
        signature = inspect.signature(function)
        shown = [parameter for name, parameter in signature.parameters.items() if name != "run"]
        self._signature = signature.replace(parameters=shown)

    def __get__(self, pipeline: HasRun | None, owner: type) -> Callable[P, R]:
        @wraps(self.function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            return self.function(_present_run() if pipeline is None else pipeline.id, *args, **kwargs)

        del call.__wrapped__
        call.__signature__ = self._signature  # type: ignore[attr-defined]
        return call


def _present_run() -> str:
    run = current.of_thread.get()
    if run is not None:
        return run
    working = current.get()
    if working is None or working.run is None:
        raise Invalid(
            "this process works on no pipeline", hint="call it in a step, or in the script after making the pipeline"
        )
    return working.run
