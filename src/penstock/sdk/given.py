"""What users give as arguments of more than one call: packages, containers, tags, types, limits."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from penstock.core.errors import Invalid
from penstock.core.names import did_you_mean
from penstock.core.task import Container, TaskType


def requirements(packages: Iterable[str] | str | bool | None) -> tuple[str, ...] | None:
    """Return requirement lines: those given, those of the file that is named, none for False, None for "find them"."""
    if packages is None or packages is True:
        return None
    if packages is False or packages == "":
        return ()
    if isinstance(packages, str):
        file = Path(packages)
        if not file.is_file():
            raise Invalid(
                f"packages={packages!r} names no file", hint="give a requirements file, or a list of packages"
            )
        lines = (line.partition("#")[0].strip() for line in file.read_text("utf-8").splitlines())
        return tuple(line for line in lines if line)
    return tuple(packages)


def container(image: str | None, docker_args: str | None, setup: str | None) -> Container | None:
    """Return the container that is asked for, if any."""
    return Container(image=image, arguments=docker_args or "", setup_script=setup or "") if image else None


def words(tags: Iterable[str] | str | None) -> list[str]:
    """Return tags; a text is split at spaces."""
    return tags.split() if isinstance(tags, str) else list(tags or ())


def task_type(text: str | None) -> TaskType:
    """Return the task type of this name; `training` for none."""
    try:
        return TaskType(text or TaskType.TRAINING)
    except ValueError:
        raise Invalid(f"there is no task type {text!r}", hint=did_you_mean(str(text), list(TaskType), "")) from None


def time_limit(whose: str, limit: object, unit: str = "seconds") -> float | None:
    """Return a time limit, None for none; raise Invalid when it is no number above 0."""
    if limit is None:
        return None
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not limit > 0:
        raise Invalid(f"{whose}: time_limit must be a number of {unit} above 0, not {limit!r}")
    return float(limit)
