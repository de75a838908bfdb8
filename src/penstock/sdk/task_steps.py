"""From the arguments of `add_step` to a step's definition: which task it carries out, and what is other this time."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, cast

from penstock.backend import Backend
from penstock.core import refs
from penstock.core.errors import Invalid, NotFound
from penstock.core.parameters import plain
from penstock.core.pipeline import Argument, Base, check_name, script_key
from penstock.core.task import Json, Script, Status, Task
from penstock.ops.tasks import GetTask, ListTasks
from penstock.run.callbacks import FACTORY
from penstock.run.overrides import flat
from penstock.sdk.steps import NewStep, Retry, common, functions

FINDABLE = tuple(status for status in Status if status is not Status.FAILED)


def new_task_step(name: str, given: Mapping[str, Any], backend: Backend, default_retry: int | Retry | None) -> NewStep:
    """Return the step that these arguments of `add_step` define.

    Raises:
        Invalid: There is no such task, or an argument makes no sense; the message names the step and the argument.
    """
    check_name(name)
    base = _base(name, given, backend)
    script = Script() if base is None else base.script
    retry = default_retry if given["retry_on_failure"] is None else given["retry_on_failure"]
    called = functions(name, {**given, "retry_on_failure": retry})
    deep = bool(given["recursively_parse_parameters"])
    step = common(
        name,
        given,
        retry,
        code=script_key(script),
        base=Base(task="" if base is None else base.id, clone=bool(given["clone_base_task"])),
        arguments=_parameters(name, given["parameter_override"], deep=deep),
        configurations=_configurations(name, given["configuration_overrides"]),
        overrides=_overrides(name, given["task_overrides"]),
        callbacks=tuple(called),
    )
    return NewStep(step=step, script=script, values={}, functions=called)


def _base(step: str, given: Mapping[str, Any], backend: Backend) -> Task | None:
    """Return the task that the step carries out; None when a function makes it."""
    factory, id = given[FACTORY], given["base_task_id"]
    project, name = given["base_task_project"], given["base_task_name"]
    if factory is not None:
        if id or name:
            raise Invalid(f"step {step!r}: {FACTORY} makes the task, so none can be named beside it")
        return None
    if id:
        try:
            return backend.call(GetTask(id=str(id)))
        except NotFound:
            raise Invalid(f"step {step!r}: could not find base_task_id={id!r}") from None
    if not name:
        raise Invalid(f"step {step!r}: either base_task_id or base_task_project/base_task_name must be provided")
    return _newest(step, project, name, backend)


def _newest(step: str, project: str | None, name: str, backend: Backend) -> Task:
    """Return the newest task of this name that did not fail; one that is archived only where there is no other."""
    wanted = ListTasks(name=name, project=project, statuses=FINDABLE, archived=False, limit=1)
    if found := backend.call(wanted):
        return found[0]
    if found := backend.call(ListTasks(name=name, project=project, statuses=FINDABLE, limit=1)):
        warnings.warn(f"step {step!r}: the only task {name!r} is archived; it is used", UserWarning, stacklevel=5)
        return found[0]
    raise Invalid(f"step {step!r}: could not find base_task_project={project!r} base_task_name={name!r}")


def _parameters(step: str, override: Mapping[str, Any] | None, *, deep: bool) -> dict[str, Argument]:
    found: dict[str, Argument] = {}
    for path, value in (override or {}).items():
        section, _, name = path.partition("/")
        if not (section and name):
            raise Invalid(
                f"step {step!r}: parameter_override {path!r} should be in the form of `section-name/parameter`"
            )
        found[path] = Argument(value=_value(step, path, value, deep=deep))
    return found


def _value(step: str, path: str, value: object, *, deep: bool) -> Json:
    held = plain(value, f"{path} of step {step}")
    if isinstance(held, list | dict) and not deep:
        return cast("Json", refs.quote(held))  # as documented: what is inside is taken as it is written
    return held


def _configurations(step: str, overrides: Mapping[str, Any] | None) -> dict[str, Argument]:
    for name, value in (overrides or {}).items():
        if not isinstance(value, str | dict):
            kind = type(value).__name__
            raise Invalid(f"step {step!r}: configuration_overrides {name!r} must be a text or a dict, not a {kind}")
    return {name: Argument(value=plain(value, name)) for name, value in (overrides or {}).items()}


def _overrides(step: str, given: Mapping[str, Any] | None) -> dict[str, Argument]:
    try:
        found = flat(dict(given or {}))
    except Invalid as error:
        raise Invalid(f"step {step!r}: {error.message}", hint=error.hint) from None
    return {path: Argument(value=plain(value, path)) for path, value in found.items()}
