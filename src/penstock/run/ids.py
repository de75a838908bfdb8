"""Which task is which attempt of a run's steps. Ids derive from run, step and attempt; adopted tasks keep theirs."""

from __future__ import annotations

from collections.abc import Iterable

from penstock.core.run import StepState, attempt_id


class Ids:
    """The ids of one run's attempts.

    Args:
        run: Id of the run.
        steps: Of a run that goes on, where its steps stand.
    """

    def __init__(self, run: str, steps: Iterable[StepState] = ()) -> None:
        self._run = run
        self._noted: dict[tuple[str, int], str] = {}
        for state in steps:
            if state.task is not None:
                self.note(state.name, state.attempt, state.task)

    def of(self, step: str, attempt: int) -> str:
        """Return the id of an attempt."""
        return self._noted.get((step, attempt)) or attempt_id(self._run, step, attempt)

    def note(self, step: str, attempt: int, task: str) -> None:
        """Take note of the task that an attempt is."""
        self._noted[step, attempt] = task
