"""One section of a task's parameters, as what follows arguments and connected objects needs it."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from penstock.core.secret import opened
from penstock.core.task import Parameter
from penstock.ops.tasks import GetParameters, SetParameters
from penstock.run import current
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
        """Return what the task has now, by name within the section; secrets as this process was given them."""
        found = session.backend().call(GetParameters(task=self._task))
        secrets = current.secrets_for(self._task)
        own = [one for one in found if one.section == self.name]
        return {one.name: replace(one, value=opened(one.value, secrets)) if secrets else one for one in own}

    def store(self, parameters: Sequence[Parameter]) -> None:
        """Set these parameters; others stay as they are. Of a secret that the process was given, its seal is set."""
        made = {secret.text: seal for seal, secret in current.secrets_for(self._task).items()}
        sealed = [
            replace(one, value=made[one.value]) if isinstance(one.value, str) and one.value in made else one
            for one in parameters
        ]
        session.backend().call(SetParameters(task=self._task, parameters=tuple(sealed if made else parameters)))
