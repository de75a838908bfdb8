"""What was heard from the command line, and the section of the task that it belongs to, once there is one.

A script may read its command line before it says that it is a task. So what is heard is kept until then. It must never
know which library read the command line.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple, TypeVar

from penstock.core.flat import Path, join
from penstock.core.task import Configuration, Parameter
from penstock.run.connecting.section import Section
from penstock.run.connecting.values import parameter

Result = TypeVar("Result")
Wanted = bool | Mapping[str, bool]


class Found(NamedTuple):
    """One argument of a command line.

    Args:
        path: Its name; below a command that is part of another one, the names of the commands come first.
        value: What the script got, or the texts that it came from where a parameter can hold no such value.
        description: The library's own help.
    """

    path: Path
    value: object
    description: str = ""


class Recording:
    """Where arguments go. There is one in a process, since there is one command line."""

    def __init__(self) -> None:
        self._section: Section | None = None
        self._wanted: Wanted = True
        self._configure: Callable[[Configuration], None] | None = None
        self._kept: dict[object, Sequence[Found]] = {}
        self._configurations: dict[str, Configuration] = {}

    def attach(
        self, section: Section, wanted: Wanted, configure: Callable[[Configuration], None] | None = None
    ) -> None:
        """Let what was heard and what will be heard go to a section."""
        self._section, self._wanted, self._configure = section, wanted, configure
        kept, self._kept = self._kept, {}
        for found in kept.values():
            self.heard(found)
        configurations, self._configurations = self._configurations, {}
        for one in configurations.values():
            self.configured(one)

    def detach(self) -> None:
        """Forget the section and what was heard."""
        self.__init__()  # type: ignore[misc]  # it begins anew

    def heard(self, found: Sequence[Found], key: object = "") -> None:
        """Record arguments, or keep them until there is a section.

        Args:
            found: The arguments of one reading of the command line.
            key: What was read again replaces what was kept under the same key.
        """
        if self._section is None:
            self._kept[key] = found
            return
        record(self._section, [one for one in found if self.wants(one.path)])

    def configured(self, configuration: Configuration) -> None:
        """Record a configuration that was put together from the command line."""
        if self._section is None:
            self._configurations[configuration.name] = configuration
        elif self._configure is not None:
            self._configure(configuration)

    def assigned(self) -> dict[str, Parameter]:
        """Return the values that win over those of the command line, by name: none while a task is recorded."""
        if self._section is None or not self._section.assigned or self._wanted is False:
            return {}
        return {name: one for name, one in self._section.stored().items() if self.wants((name,))}

    def wants(self, path: Path) -> bool:
        """Return whether an argument is followed: as its name says, or `*` for those that are not named."""
        if isinstance(self._wanted, bool):
            return self._wanted
        names = (join(path), path[0] if len(path) == 1 else "/".join(path), path[-1], "*")
        return next((self._wanted[name] for name in names if name in self._wanted), True)


def record(section: Section, found: Iterable[Found]) -> None:
    """Store arguments in a section; in a task that exists only those that it has not."""
    known = section.stored() if section.assigned else {}
    new = [
        parameter(section.name, one.path, one.value, one.description) for one in found if join(one.path) not in known
    ]
    if new:
        section.store(new)


def attempt(what: Callable[[], Result], default: Result) -> Result:
    """Return what a function of ours returns; when it fails, say so in a line and let the user's program go on."""
    try:
        return what()
    except Exception as error:  # noqa: BLE001 - the user's command line is read whatever becomes of ours
        say_not_followed(error)
        return default


def say_not_followed(error: Exception) -> None:
    """Say in a line what went wrong with following."""
    with suppress(Exception):
        said = " ".join(f"{type(error).__name__}: {error!s:.200}".split())
        sys.stderr.write(f"penstock: the command line was not followed: {said}\n")


RECORDING = Recording()
