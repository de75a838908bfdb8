"""One section of a task's parameters, as what follows arguments and connected objects needs it."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.core.task import Parameter
from penstock.ops.tasks import GetParameters, SetParameters
from penstock.sdk import session


class TaskSection:
    """One section of a task's parameters.

    Args:
        task: Id of the task.
        name: Of the section, for example `General` or `Args`.
        assigned: Whether this process carries out a task that existed before it, whose values win.
    """

    def __init__(self, task: str, name: str, *, assigned: bool) -> None:
        self._task = task
        self.name = name
        self.assigned = assigned

    def stored(self) -> dict[str, Parameter]:
        """Return what the task has now, by name within the section."""
        found = session.backend().call(GetParameters(task=self._task))
        return {one.name: one for one in found if one.section == self.name}

    def store(self, parameters: Sequence[Parameter]) -> None:
        """Set these parameters; others stay as they are."""
        session.backend().call(SetParameters(task=self._task, parameters=tuple(parameters)))
