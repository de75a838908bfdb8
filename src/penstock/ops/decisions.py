"""Operations on decisions: why a run and its steps went as they did."""

from __future__ import annotations

from typing import ClassVar

from penstock.core.decision import Decision
from penstock.ops.base import Op


class RecordDecision(Op[None], frozen=True, kw_only=True):
    """Record a decision on a run; raise NotFound when there is none of this id."""

    run: str
    decision: Decision


class ListDecisions(Op[list[Decision]], frozen=True, kw_only=True):
    """Return the decisions on a run, oldest first.

    Args:
        step: Only those on this step; empty for those on the run as a whole; None for all.
    """

    run: str
    step: str | None = None
    reads: ClassVar[bool] = True
