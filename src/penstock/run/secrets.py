"""The secrets of one run, in the process that carries it out: asked for once, handed to the steps that need them.

It must never know how a step is started, and writes nothing down.
"""

from __future__ import annotations

from msgspec import to_builtins

from penstock.backend import Backend
from penstock.core.pipeline import Pipeline
from penstock.core.secret import SECRET, Secret, seals
from penstock.ops.secrets import OpenSecrets
from penstock.run.launch import Prepared, must_have


class RunSecrets:
    """The secrets of a run. One that has none is not asked about them."""

    def __init__(self, backend: Backend, run: str, pipeline: Pipeline) -> None:
        self._backend = backend
        self._run = run
        self._known: dict[str, Secret] | None = None
        if not any(one.type == SECRET and one.value for one in pipeline.parameters):
            self._known = {}

    def all(self) -> dict[str, Secret]:
        """Return all of them, by their seals."""
        if self._known is None:
            self._known = self._backend.call(OpenSecrets(task=self._run))
        return self._known

    def of(self, prepared: Prepared) -> dict[str, Secret]:
        """Return those that an attempt needs.

        Raises:
            NotFound: It needs one that is not the run's.
        """
        new = prepared.new
        needed = seals(to_builtins([prepared.arguments, prepared.references, new.parameters, new.configurations]))
        if not needed:
            return {}
        must_have(self.all(), needed, new.name)
        return {one: self.all()[one] for one in needed}
