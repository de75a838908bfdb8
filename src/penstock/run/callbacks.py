"""What the user's script wants to be asked and told while a run goes: functions of the user's, step by step.

They are called in the loop's own thread and may raise anything: `call` makes of it an error that names the callback.
This module must never know what is done with an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import TypeVar

from msgspec import Struct

from penstock.core.errors import StepFailed
from penstock.core.progress import StepStatus
from penstock.run.attempt import printable

T = TypeVar("T")

PRE = "pre_execute_callback"
POST = "post_execute_callback"
CHANGED = "status_change_callback"
RETRY = "retry_on_failure"
FACTORY = "base_task_factory"

_CALLING = ContextVar("_CALLING", default=False)


class Callbacks(Struct, frozen=True, kw_only=True):
    """The user's functions, each under the name of its step.

    Args:
        before: Takes the id of the attempt's draft and its parameters, which it may change; False vetoes the step.
        after: Takes the id of the task of a step that has ended, None when it was stopped before it had one.
        changed: Takes the status that the step had before.
        retry: Takes how often the step was retried already, and says whether it is tried again.
        make: Makes the task that the step carries out, and returns its id.
    """

    before: Mapping[str, Callable[[str, dict[str, object]], object]] = {}
    after: Mapping[str, Callable[[str | None], object]] = {}
    changed: Mapping[str, Callable[[StepStatus], object]] = {}
    retry: Mapping[str, Callable[[int], object]] = {}
    make: Mapping[str, Callable[[], str]] = {}


def call(name: str, function: Callable[[], T]) -> T:
    """Call a function of the user's.

    Raises:
        StepFailed: It raised; the message says what, and names the callback.
    """
    token = _CALLING.set(True)
    try:
        return function()
    except (Exception, SystemExit) as error:
        text = _text(error)
        said = f"{type(error).__name__}: {text}" if text else type(error).__name__
        raise StepFailed(printable(f"{name} raised {said}")) from error
    finally:
        _CALLING.reset(token)


def is_calling() -> bool:
    """Return whether this thread is inside a function of the user's, and the run waits for it to return."""
    return _CALLING.get()


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - it is the user's own class, which may raise anything
        return ""
