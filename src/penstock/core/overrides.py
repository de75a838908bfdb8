"""What a launch asks of single steps of the new run: another queue, or whether an equal execution may stand for them.

It is recorded in the runtime of the run, and laid over its steps where they are recorded. It must never know who asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from penstock.core.errors import Invalid, NotFound
from penstock.core.names import did_you_mean
from penstock.core.pipeline import Step

OVERRIDES: Final = "step_overrides"
"""In the runtime of a run: what its launch asked of single steps, as JSON."""


class StepOverride(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is other for a step; None leaves it as its script says.

    Args:
        queue: The queue that it goes to, where steps go to queues.
        cache: Whether an equal execution may stand for it.
    """

    queue: str | None = None
    cache: bool | None = None


def recorded_overrides(runtime: Mapping[str, str]) -> dict[str, StepOverride]:
    """Return what is recorded with a run, by step.

    Raises:
        Invalid: What stands there is none of it.
    """
    try:
        return msgspec.json.decode(runtime.get(OVERRIDES, "{}"), type=dict[str, StepOverride])
    except msgspec.MsgspecError as error:
        raise Invalid(f"the fact {OVERRIDES!r} of the run says nothing of its steps: {error}") from None


def with_overrides(runtime: Mapping[str, str], overrides: Mapping[str, StepOverride]) -> dict[str, str]:
    """Return the runtime of a run with more of them: what is said of a step anew holds, what is not said stays."""
    found = recorded_overrides(runtime)
    for name, one in overrides.items():
        before = found.get(name, StepOverride())
        found[name] = StepOverride(
            queue=before.queue if one.queue is None else one.queue,
            cache=before.cache if one.cache is None else one.cache,
        )
    return {**runtime, OVERRIDES: msgspec.json.encode(found).decode()} if found else dict(runtime)


def overridden(steps: Iterable[Step], runtime: Mapping[str, str]) -> tuple[Step, ...]:
    """Return steps as the launch of their run wants them."""
    found = recorded_overrides(runtime)
    return tuple(_overridden(step, found[step.name]) if step.name in found else step for step in steps)


def check_overrides(overrides: Mapping[str, StepOverride], steps: Iterable[str]) -> None:
    """Refuse what is said of a step that is none of these.

    Raises:
        NotFound: There is no such step.
    """
    known = list(steps)
    for name in overrides:
        if name not in known:
            raise NotFound(f"the pipeline has no step {name!r}", hint=did_you_mean(name, known, "see its steps"))


def _overridden(step: Step, one: StepOverride) -> Step:
    return replace(
        step,
        queue=step.queue if one.queue is None else one.queue,
        cache=step.cache if one.cache is None else one.cache,
    )
