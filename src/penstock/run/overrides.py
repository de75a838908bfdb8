"""What `task_overrides` may change of a task, by the paths that the documented API gives these facts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from msgspec.structs import replace

from penstock.core.errors import Invalid
from penstock.core.names import did_you_mean
from penstock.core.task import Container, TaskType
from penstock.ops.tasks import NewTask

Change = Callable[[NewTask, object], NewTask]


def _fact(name: str) -> Change:
    return lambda new, value: replace(new, **{name: value if value is None else str(value)})


def _script(name: str) -> Change:
    return lambda new, value: replace(new, script=replace(new.script, **{name: None if value is None else str(value)}))


def _container(name: str) -> Change:
    def change(new: NewTask, value: object) -> NewTask:
        return replace(new, container=replace(new.container or Container(image=""), **{name: str(value or "")}))

    return change


def _diff(new: NewTask, value: object) -> NewTask:
    """Change the uncommitted part of the code; without a repository that is all of it."""
    place = "diff" if new.script.repository else "source"
    return replace(new, script=replace(new.script, **{place: str(value or "")}))


def _packages(new: NewTask, value: object) -> NewTask:
    lines = value.splitlines() if isinstance(value, str) else cast("list[object]", value or [])
    found = tuple(line for line in (str(one).strip() for one in lines) if line and not line.startswith("#"))
    return replace(new, script=replace(new.script, packages=found))


def _tags(new: NewTask, value: object) -> NewTask:
    return replace(new, tags=tuple(value.split() if isinstance(value, str) else cast("list[str]", value or [])))


def _type(new: NewTask, value: object) -> NewTask:
    try:
        return replace(new, type=TaskType(str(value)))
    except ValueError:
        raise Invalid(f"there is no task type {value!r}", hint=did_you_mean(str(value), list(TaskType), "")) from None


CHANGES: dict[str, Change] = {
    "name": _fact("name"),
    "project": _fact("project"),
    "comment": _fact("comment"),
    "type": _type,
    "tags": _tags,
    "output.destination": _fact("output_uri"),
    "execution.queue": _fact("queue"),
    "script.repository": _script("repository"),
    "script.branch": _script("branch"),
    "script.version_num": _script("commit"),
    "script.entry_point": _script("entry_point"),
    "script.working_dir": _script("working_dir"),
    "script.binary": _script("interpreter"),
    "script.diff": _diff,
    "script.requirements.pip": _packages,
    "container.image": _container("image"),
    "container.arguments": _container("arguments"),
    "container.setup_shell_script": _container("setup_script"),
}
"""How each fact is changed, by its path."""


def flat(overrides: dict[str, Any], above: str = "") -> dict[str, object]:
    """Return overrides by their paths; they may be nested dicts, as `{"script": {"branch": "main"}}`.

    Raises:
        Invalid: A path names nothing that can be overridden.
    """
    found: dict[str, object] = {}
    for name, value in overrides.items():
        path = f"{above}.{name}" if above else str(name)
        if isinstance(value, dict):
            found |= flat(cast("dict[str, Any]", value), path)
        elif path not in CHANGES:
            raise Invalid(f"task_overrides cannot change {path!r}", hint=did_you_mean(path, CHANGES, ""))
        else:
            found[path] = value
    return found


def override(new: NewTask, path: str, value: object) -> NewTask:
    """Return the task with one fact about it changed.

    Raises:
        Invalid: The value is none that this fact can have.
    """
    return CHANGES[path](new, value)
