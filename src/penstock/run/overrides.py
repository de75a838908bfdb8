"""What `task_overrides` may change of a task, by the paths that the documented API gives these facts.

It works on the record alone; it must never look whether a branch, a queue or an image is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

from msgspec.structs import replace

from penstock.core.errors import Invalid
from penstock.core.names import did_you_mean
from penstock.core.task import Container, ScriptKind, TaskType
from penstock.ops.tasks import NewTask
from penstock.run.remotes import without_credentials

Change = Callable[[NewTask, object], NewTask]


def _fact(name: str, *, empty: str | None = None, needed: bool = False) -> Change:
    def change(new: NewTask, value: object) -> NewTask:
        found = _text(value) or empty
        if needed and not found:
            raise Invalid("it cannot be empty")
        return replace(new, **{name: found})

    return change


def _script(name: str, *, empty: str | None = None) -> Change:
    return lambda new, value: replace(new, script=replace(new.script, **{name: _text(value) or empty}))


def _container(name: str) -> Change:
    def change(new: NewTask, value: object) -> NewTask:
        return replace(new, container=replace(new.container or Container(image=""), **{name: _text(value)}))

    return change


def _repository(new: NewTask, value: object) -> NewTask:
    return replace(new, script=replace(new.script, repository=_address(_text(value)) or None))


def _branch(new: NewTask, value: object) -> NewTask:
    """Take another branch as it stands when the step runs: the commit that was recorded is one of the branch before."""
    branch = _text(value) or None
    return replace(new, script=replace(new.script, branch=branch, commit=None if branch else new.script.commit))


def _entry_point(new: NewTask, value: object) -> NewTask:
    entry, kind = _text(value), new.script.kind
    if kind is not ScriptKind.FUNCTION:
        kind = ScriptKind.MODULE if entry.startswith("-m ") else ScriptKind.SCRIPT
    return replace(new, script=replace(new.script, entry_point=entry, kind=kind))


def _diff(new: NewTask, value: object) -> NewTask:
    """Change the uncommitted part of the code; without a repository that is all of it."""
    place = "diff" if new.script.repository else "source"
    return replace(new, script=replace(new.script, **{place: _text(value)}))


def _packages(new: NewTask, value: object) -> NewTask:
    lines = value.splitlines() if isinstance(value, str) else _texts(value)
    found = tuple(line for line in map(str.strip, lines) if line and not line.startswith("#"))
    return replace(new, script=replace(new.script, packages=found))


def _tags(new: NewTask, value: object) -> NewTask:
    return replace(new, tags=tuple(value.split() if isinstance(value, str) else _texts(value)))


def _type(new: NewTask, value: object) -> NewTask:
    word = _text(value)
    if word not in set(TaskType):
        raise Invalid("there is no such type", hint=did_you_mean(word, list(TaskType), ""))
    return replace(new, type=TaskType(word))


def _text(value: object) -> str:
    if isinstance(value, list | tuple | dict):
        raise Invalid("it must be a text")
    return "" if value is None else str(value)


def _texts(value: object) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise Invalid("it must be a text or a list of texts")
    return [_text(one) for one in cast("Iterable[object]", value)]


def _address(text: str) -> str:
    if without_credentials(text) != text:
        raise Invalid("it holds credentials, which are never recorded", hint="leave them out, and let git look them up")
    return text


CHANGES: dict[str, Change] = {
    "name": _fact("name", needed=True),
    "project": _fact("project", needed=True),
    "comment": _fact("comment", empty=""),
    "type": _type,
    "tags": _tags,
    "output.destination": _fact("output_uri"),
    "execution.queue": _fact("queue"),
    "script.repository": _repository,
    "script.branch": _branch,
    "script.version_num": _script("commit"),
    "script.entry_point": _entry_point,
    "script.working_dir": _script("working_dir"),
    "script.binary": _script("interpreter", empty=""),
    "script.diff": _diff,
    "script.requirements.pip": _packages,
    "container.image": _container("image"),
    "container.arguments": _container("arguments"),
    "container.setup_shell_script": _container("setup_script"),
}
"""How each fact is changed, by its path; in the order in which they are: some depend on others."""


def flat(overrides: Mapping[str, Any]) -> dict[str, object]:
    """Return overrides by their paths, in the order of `CHANGES`.

    Args:
        overrides: By their paths, or as nested dicts: `{"script": {"branch": "main"}}`.

    Raises:
        Invalid: A path names nothing that can be overridden, or a repository is given with a password.
    """
    found = dict(_leaves(overrides, ""))
    for path in found:
        if path not in CHANGES:
            raise Invalid(f"task_overrides cannot change {path!r}", hint=did_you_mean(path, CHANGES, ""))
    repository = found.get("script.repository")
    if isinstance(repository, str):
        override(NewTask(id="", name="", project=""), "script.repository", repository)
    return {path: found[path] for path in CHANGES if path in found}


def _leaves(overrides: Mapping[str, Any], above: str) -> Iterator[tuple[str, object]]:
    for name, value in overrides.items():
        if isinstance(value, dict):
            yield from _leaves(cast("dict[str, Any]", value), f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def override(new: NewTask, path: str, value: object) -> NewTask:
    """Return the task with one fact about it changed.

    Raises:
        Invalid: The value is none that this fact can have; the message names the path.
    """
    try:
        return CHANGES[path](new, value)
    except Invalid as error:
        shown = "" if path == "script.repository" else f" to {value!r:.100}"
        raise Invalid(f"task_overrides cannot set {path!r}{shown}: {error.message}", hint=error.hint) from None
