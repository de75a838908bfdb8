"""What a run would do next if something happened to one of its steps now, by the planner's own rules.

For people who are shown what an action does before they do it. It must never know what the action is called.
"""

from __future__ import annotations

from collections.abc import Iterable

from penstock.core.pipeline import Pipeline, plan
from penstock.core.progress import OPEN, SETTLED, Action, Begun, Progress, StepEvent
from penstock.core.run import StepState


def foreseen(definition: Pipeline, states: Iterable[StepState], event: StepEvent) -> list[Action]:
    """Return what the planner asks for because of an event, in a run of this definition whose steps stand so.

    Raises:
        BadTransition: It cannot happen now.
    """
    progress = Progress(plan(definition.steps), abort_on_failure=definition.abort_on_failure)
    standing = {state.name: state.status for state in states}
    settled = {name: status for name, status in standing.items() if status in SETTLED}
    going_on = {name: status for name, status in standing.items() if status in OPEN}
    progress.handle(Begun(settled=settled, open=going_on))
    return progress.handle(event)
