"""What the operations on decisions do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from penstock.core.decision import Decision
from penstock.ops.decisions import ListDecisions, RecordDecision
from penstock.service.base import handles

if TYPE_CHECKING:
    from penstock.ports import Tx


@handles(RecordDecision)
def record_decision(tx: Tx, op: RecordDecision, now: float) -> None:
    """Record a decision."""
    tx.tasks.status(op.run)
    tx.decisions.add(op.run, replace(op.decision, at=op.decision.at or now))


@handles(ListDecisions)
def list_decisions(tx: Tx, op: ListDecisions, now: float) -> list[Decision]:
    """Return the decisions on a run."""
    tx.tasks.status(op.run)
    return tx.decisions.list(op.run, op.step)
