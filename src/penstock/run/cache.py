"""Whether a step has to run: looks for an earlier execution that can stand for it, and says why there is none.

It trusts no record alone: an execution counts only when all the bytes that it left are there, and are what was
recorded.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from penstock.backend import Backend
from penstock.core.cachekey import compared, nearest
from penstock.core.errors import Damaged, Invalid
from penstock.core.outputs import Blob
from penstock.core.pipeline import Step
from penstock.core.run import Run
from penstock.core.task import Status
from penstock.ops.executions import Execution, Keyed, ListExecutions, ListStored, Stored
from penstock.ops.outputs import ListArtifacts
from penstock.run.keys import Keys
from penstock.run.launch import Prepared

GOOD = frozenset({Status.COMPLETED, Status.PUBLISHED})
LOOKED_AT = 20  # executions that are compared to explain a miss
OFF = "caching is off for this step"
SAME = "its code, arguments, inputs and packages are those of {run}"


class Source(Struct, frozen=True, kw_only=True):
    """An earlier execution that stands for a step.

    Args:
        run: Name of its run, always with the number.
        keyed: Its key, where it has one.
    """

    task: str
    run: str
    keyed: Keyed | None


class Answer(Struct, frozen=True, kw_only=True):
    """Whether an earlier execution can stand for a step, and why.

    Args:
        keyed: The step's key; None when it can have none.
        source: What is to be reused; None when the step has to run.
        details: Further reasons, the most telling first.
        related: Task of the execution that comes nearest, or that would have been the one.
    """

    reason: str
    keyed: Keyed | None = None
    source: Source | None = None
    details: tuple[str, ...] = ()
    related: str | None = None


class Cache:
    """Answers for the steps of one run."""

    def __init__(self, backend: Backend, run: Run, keys: Keys) -> None:
        self._backend = backend
        self._run = run
        self._keys = keys
        self._intact: set[Blob] = set()

    def ask(self, step: Step, prepared: Prepared) -> Answer:
        """Look for an execution that can stand for this step."""
        try:
            keyed = self.key(prepared)
        except Invalid as error:
            return Answer(reason=f"it cannot be compared with earlier executions: {error.message}")
        if not step.cache:
            return Answer(reason=OFF, keyed=keyed)
        equal = self._backend.call(ListExecutions(key=keyed.key, limit=LOOKED_AT))
        obstacles: dict[str, str] = {}
        for one in equal:
            obstacle = self._obstacle(one, prepared.returns)
            if not obstacle:
                which = "" if one.step == step.name else f", step {one.step!r}"
                source = Source(task=one.task, run=one.run, keyed=keyed)
                return Answer(reason=SAME.format(run=f"{one.run}{which}"), keyed=keyed, source=source, related=one.task)
            obstacles[one.task] = obstacle
        if equal:
            reason, *details = obstacles.values()
            return Answer(reason=reason, keyed=keyed, details=tuple(details), related=equal[0].task)
        return self._explain_miss(step, keyed)

    def key(self, prepared: Prepared) -> Keyed:
        """Return the key of a step that is ready to be launched; raise Invalid when it can have none."""
        try:
            return self._keys.make(prepared)
        except RecursionError:
            raise Invalid("its code is nested too deeply") from None

    def _explain_miss(self, step: Step, keyed: Keyed) -> Answer:
        scope = ListExecutions(project=self._run.project, pipeline=self._run.pipeline, step=step.name, limit=LOOKED_AT)
        earlier = {one.task: one for one in self._backend.call(scope) if one.status in GOOD and not one.archived}
        found = nearest(keyed.parts, [(one.task, one.keyed.parts) for one in earlier.values()])
        if found is None:
            return Answer(reason="no earlier execution of this step has completed", keyed=keyed)
        first, *others = found.differences
        reason = compared(first, earlier[found.id].run)
        return Answer(reason=reason, keyed=keyed, details=tuple(others), related=found.id)

    def _obstacle(self, one: Execution, returns: Sequence[str]) -> str:
        """Say why an execution with the same key cannot be reused; nothing when it can."""
        if one.status not in GOOD:
            return f"the equal execution in {one.run} is {one.status}"
        if one.archived:
            return f"the equal execution in {one.run} is archived"
        return self.damage(one.task, returns, f"the equal execution in {one.run}")

    def damage(self, task: str, returns: Sequence[str], what: str) -> str:
        """Say what is missing of what a task left, or is not what was recorded; nothing when all is there.

        Args:
            returns: The names of what it must have returned.
            what: What the task is called in the sentence.
        """
        made = {artifact.name for artifact in self._backend.call(ListArtifacts(task=task))} if returns else set[str]()
        if missing := next((name for name in returns if name not in made), None):  # a callback called it completed
            return f"{what} did not return {missing!r}"
        try:
            for stored in self._backend.call(ListStored(task=task)):
                self._check(stored)
        except Damaged as error:
            return f"what {what} left is not whole: {error.message}"
        return ""

    def _check(self, stored: Stored) -> None:
        """Raise Damaged unless these bytes are what was recorded; each is read once a run."""
        if stored.blob in self._intact or not stored.blob.hash:
            return
        try:
            self._backend.blobs.check(stored.blob)
        except Damaged as error:
            raise Damaged(f"{stored.what}: {error.message}") from None
        self._intact.add(stored.blob)
