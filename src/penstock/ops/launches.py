"""Operations on new runs as people ask for them: what there is to fill in, and the launch itself."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct, field

from penstock.core.form import Field
from penstock.core.overrides import StepOverride
from penstock.core.run import Run
from penstock.core.secret import Secret
from penstock.core.task import Json
from penstock.ops.base import Op


class LaunchedStep(Struct, frozen=True, kw_only=True):
    """What a new run can be told of a step.

    Args:
        queue: The queue that it goes to where steps go to queues; None for none.
        cache: Whether an equal execution may stand for it.
    """

    name: str
    queue: str | None = None
    cache: bool = False


class LaunchForm(Struct, frozen=True, kw_only=True):
    """What there is to fill in for a new run, with the values of the run that it is taken from.

    Args:
        source: Id of that run.
        name: Its name.
        fields: The parameters of the pipeline.
        queue: The queue that is offered.
        steps: The steps of that run.
        why_not: Why no new run can be made of it; empty when one can.
    """

    source: str
    name: str
    pipeline: str
    project: str
    number: int
    version: str
    fields: tuple[Field, ...]
    queue: str
    tags: tuple[str, ...] = ()
    steps: tuple[LaunchedStep, ...] = ()
    why_not: str = ""


class GetLaunchForm(Op[LaunchForm], frozen=True, kw_only=True):
    """Return what there is to fill in for a new run of a pipeline.

    Raises NotFound when there is no such run, or the pipeline has none; Invalid when nothing says what is meant.

    Args:
        source: The run that values are taken from; None for the pipeline's newest.
        pipeline, project: The pipeline, where no run is named.
    """

    source: str | None = None
    pipeline: str | None = None
    project: str | None = None
    reads: ClassVar[bool] = True


class LaunchRun(Op[Run], frozen=True, kw_only=True):
    """Record a new run of what another run did, and put it into a queue, for an agent to carry it out.

    The run before stays as it is. All of it happens in one transaction: what is refused leaves nothing behind.

    Raises NotFound when there is no such run, pipeline, step or queue; BadParameter when the pipeline has no such
    parameter, or the value does not fit it; Conflict when nothing is recorded by which it could be carried out. With
    `reuse`, `from_step` or `only`, also what `PlanRerun` raises.

    Args:
        source: The run that is done anew; None for the pipeline's newest.
        pipeline, project: The pipeline, where no run is named.
        id: The id that the new run is to have; empty for one that is made up.
        parameters: Values for parameters of the pipeline, by name; texts are read in the parameter's type. Others are
            as in the run before.
        secrets: Values for those of its parameters that are secrets, by name; others are as in the run before. They
            do not stand among `parameters`, where a mask leaves one as it is.
        queue: Where it waits for an agent. Its steps go where its script sends them, but for `steps`.
        priority: The higher, the sooner it is claimed.
        tags: Its tags; None for those of the run before.
        name: What it is called; None for the name of the pipeline, with its number.
        steps: What is other for single steps, by name; what the run before was asked for stays where nothing is said.
        cache: Whether equal executions may stand for steps that allow it.
        reuse: Whether to reuse of the run before what does not depend on a change, as a rerun does.
        from_step, only: As in `PlanRerun`; each implies `reuse`.
        user: Who asks for it; empty for whoever calls.
    """

    source: str | None = None
    pipeline: str | None = None
    project: str | None = None
    id: str = ""
    parameters: dict[str, Json] = field(default_factory=dict[str, Json])
    secrets: dict[str, Secret] = field(default_factory=dict[str, Secret])
    queue: str = "services"
    priority: int = 0
    tags: tuple[str, ...] | None = None
    name: str | None = None
    steps: dict[str, StepOverride] = field(default_factory=dict[str, StepOverride])
    cache: bool = True
    reuse: bool = False
    from_step: str | None = None
    only: str | None = None
    user: str = ""
