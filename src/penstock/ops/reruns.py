"""Operations on reruns: new runs of what another run did, which reuse of it what did not change."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct, field

from penstock.core.rerun import RerunPlan
from penstock.core.run import Run
from penstock.core.secret import Secret
from penstock.core.task import Json
from penstock.ops.base import Op


class PlanRerun(Op[RerunPlan], frozen=True, kw_only=True):
    """Return what a rerun of a run would do with each step; nothing is recorded.

    Raises Conflict when the run was never started, goes on still, or is archived; NotFound when there is no such step;
    BadParameter when it has no such parameter, or the value does not fit its type.

    Args:
        source: The run to run anew.
        parameters: Other values for parameters of its pipeline, by name; texts are read in the parameter's type.
        secrets: Other values for those of them that are secrets, by name.
        from_step: A step that runs anew whatever has changed, with all that build on it.
        only: A step that runs anew whatever has changed; of the others only those run that it needs.
    """

    source: str
    parameters: dict[str, Json] = field(default_factory=dict[str, Json])
    secrets: dict[str, Secret] = field(default_factory=dict[str, Secret])
    from_step: str | None = None
    only: str | None = None
    reads: ClassVar[bool] = True


class RerunDraft(Struct, frozen=True, kw_only=True):
    """A draft run that will reuse what another run left, and what it will do."""

    run: Run
    plan: RerunPlan


class DraftRerun(Op[RerunDraft], frozen=True, kw_only=True):
    """Record a rerun as a draft, to be carried out by whoever carries out runs; the run before stays as it is.

    The fields are those of `PlanRerun`, and so are the errors.

    Args:
        id: The id that the new run is to have.
        user: Who asks for it.
    """

    id: str
    source: str
    parameters: dict[str, Json] = field(default_factory=dict[str, Json])
    secrets: dict[str, Secret] = field(default_factory=dict[str, Secret])
    from_step: str | None = None
    only: str | None = None
    user: str = ""


class GetRerun(Op[RerunPlan | None], frozen=True, kw_only=True):
    """Return what a recorded run does with each step, when it is a rerun; None when it is none.

    Of a draft, by the definition and the values that it has by now.
    """

    run: str
    reads: ClassVar[bool] = True
