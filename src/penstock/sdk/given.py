"""What users give as arguments of more than one call: packages, containers, tags, types, limits."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from penstock.core.errors import Invalid
from penstock.core.names import did_you_mean
from penstock.core.task import Container, TaskType

_COMMENT = re.compile(r"(^|\s)#.*")  # a # within a line, as in a URL, begins none


def requirements(packages: Iterable[str] | str | Path | bool | None) -> tuple[str, ...] | None:
    """Return requirement lines: those given, those of the file that is named, none for False, None for "find them".

    Raises:
        Invalid: There is no such file, or it is no text.
    """
    if packages is None or packages is True:
        return None
    if packages is False or packages == "":
        return ()
    if not isinstance(packages, str | Path):
        return tuple(packages)
    file = Path(packages)
    if not file.is_file():
        raise Invalid(
            f"packages={str(packages)!r} names no file", hint="give a requirements file, or a list of packages"
        )
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"requirements file {str(packages)!r} cannot be read: {error}") from None
    lines = (_COMMENT.sub("", line).strip() for line in text.splitlines())
    return tuple(line for line in lines if line)


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
