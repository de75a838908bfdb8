"""What the controller of a run is told, and hands on to its parts: data, and a few callables from the SDK.

It decides nothing, and must never know what is done with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from penstock.core.outputs import Artifact
from penstock.core.pipeline import Pipeline, references
from penstock.core.refs import PipelineValue
from penstock.core.rerun import RerunPlan
from penstock.core.run import Run, StepState
from penstock.core.task import Worker
from penstock.run.announcer import Observer
from penstock.run.callbacks import Callbacks
from penstock.run.launch import Surroundings
from penstock.run.process import Starter


class Plan(Struct, frozen=True, kw_only=True):
    """What the controller is told.

    Args:
        inputs: The run's own artifacts that hold arguments, by name.
        slots: How many steps run at once on this machine.
        on_queues: Whether the steps go to queues, for agents to carry them out.
        since: `seq` of a change from before the run began, or went on.
        steps: Of a run that goes on, where its steps stand.
        rerun: Of a run that does another one anew, what it does with each step.
        start_agent: Starts an agent on this machine, where that is wanted; returns whether one will come.
        complain: Takes a sentence about a callback that went wrong.
        starter: Makes what starts the attempts of steps; None for processes of this machine.
    """

    pipeline: Pipeline
    run: Run
    worker: Worker
    surroundings: Surroundings
    inputs: Mapping[str, Artifact]
    preload: tuple[str, ...]
    preload_fingerprint: str
    slots: int
    since: int
    callbacks: Callbacks
    observer: Observer
    complain: Callable[[str], None]
    steps: tuple[StepState, ...] = ()
    on_queues: bool = False
    rerun: RerunPlan | None = None
    start_agent: Callable[[], bool] = bool
    starter: Callable[[], Starter] | None = None

    @property
    def hands_on(self) -> bool:
        """Whether what steps on queues leave behind goes to others, and no function of the user's is called before."""
        if not self.on_queues or self.callbacks.after or self.callbacks.changed or self.callbacks.make:
            return False
        steps = {step.name for step in self.pipeline.steps}
        found = (one for step in self.pipeline.steps for _, one in references(step, steps))
        return not all(isinstance(one, PipelineValue) for one in found)
