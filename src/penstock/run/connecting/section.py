"""What this part needs of a task: one section of its parameters. Where the task is kept is not known here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from penstock.core.task import Parameter


class Section(Protocol):
    """One section of a task's parameters, such as `General` or `Args`.

    Attributes:
        name: Of the section.
        assigned: Whether this process carries out a task that exists already, so that the task's values win; else it
            records a new one, and the script's values are stored.
    """

    @property
    def name(self) -> str: ...
    @property
    def assigned(self) -> bool: ...
    def stored(self) -> dict[str, Parameter]:
        """Return what the task has now, by name within the section."""
        ...

    def store(self, parameters: Sequence[Parameter]) -> None:
        """Set these parameters; others stay as they are."""
        ...
