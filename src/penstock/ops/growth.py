"""Operations on runs that grow: a function adds their steps while it runs."""

from __future__ import annotations

from msgspec import Struct

from penstock.core.pipeline import Step
from penstock.core.run import StepState
from penstock.core.task import Script
from penstock.ops.base import Op


class AddedStep(Struct, frozen=True, kw_only=True):
    """A step that a run got.

    Args:
        step: Its definition, with the parents that its references imply.
        state: How it stands: of a run that goes on, as it was left.
        again: Why it runs anew although it ended before; empty when it does not.
    """

    step: Step
    state: StepState
    again: str = ""


class AddStep(Op[AddedStep], frozen=True, kw_only=True):
    """Give a run that grows one more step, behind steps that it has.

    In a run that goes on the step may be there, from before: when it is the same call it stands as it was left; else
    it is pending again, with its new definition.

    Raises Conflict unless the run is in progress and grows; BadPipeline or BadReference when the step names what is not
    there.

    Args:
        script: What the step runs.
        differs: Why it is another call than the one that the run had under its name, where its definition does not say
            so; empty when nothing else is known of it.
    """

    run: str
    step: Step
    script: Script
    differs: str = ""
