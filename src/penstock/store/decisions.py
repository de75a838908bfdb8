"""What was decided of runs and their steps, and why."""

from __future__ import annotations

from penstock.core.decision import Decision, DecisionKind
from penstock.store.sql import Session, Where, reader, text

_sentences = reader(tuple[str, ...])


class SqlDecisions:
    """The decisions."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, run: str, decision: Decision) -> None:
        """Add a decision on a run."""
        self._session.run(
            """INSERT INTO decisions (run, step, attempt, at, kind, related, reason, details)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
            run,
            decision.step,
            decision.attempt,
            decision.at,
            decision.kind.value,
            decision.related,
            decision.reason,
            text(decision.details),
        )

    def list(self, run: str, step: str | None) -> list[Decision]:
        """Return the decisions on a run, or on one of its steps, oldest first."""
        where = Where()
        where.equal("run", run)
        where.equal("step", step)
        rows = self._session.rows(
            f"SELECT step, attempt, at, kind, related, reason, details FROM decisions {where} ORDER BY id",
            *where.values,
        )
        return [
            Decision(
                step=row[0],
                attempt=row[1],
                at=row[2],
                kind=DecisionKind(row[3]),
                related=row[4],
                reason=row[5],
                details=_sentences(row[6]),
            )
            for row in rows
        ]
