from __future__ import annotations

import pytest

from penstock.core.decision import Decision, DecisionKind
from penstock.store.sqlite import SqliteStore

FIRST = Decision(kind=DecisionKind.EXECUTE, reason="é", step="a", attempt=1, details=("b", ""), related="t", at=1.5)
SECOND = Decision(kind=DecisionKind.RESUME, reason="by ann", at=2.0)
THIRD = Decision(kind=DecisionKind.RETRY, reason="again", step="a", attempt=2, at=0.5)


def test_decisions_come_back_as_they_were_in_the_order_in_which_they_were_made(store: SqliteStore) -> None:
    """Whatever their times say: clocks are set back."""
    with store.transaction() as tx:
        for one in (FIRST, SECOND, THIRD):
            tx.decisions.add("r", one)
        tx.decisions.add("other", FIRST)
    with store.transaction(writes=False) as tx:
        assert tx.decisions.list("r", None) == [FIRST, SECOND, THIRD]
        assert tx.decisions.list("nobody", None) == []


@pytest.mark.parametrize(("step", "found"), [("a", [FIRST, THIRD]), ("", [SECOND]), ("b", [])])
def test_decisions_on_a_step_or_on_the_run_as_a_whole_can_be_had_alone(store: SqliteStore, step, found) -> None:
    with store.transaction() as tx:
        for one in (FIRST, SECOND, THIRD):
            tx.decisions.add("r", one)
        assert tx.decisions.list("r", step) == found


@pytest.mark.parametrize("kind", list(DecisionKind))
def test_every_kind_of_decision_can_be_recorded(store: SqliteStore, kind) -> None:
    with store.transaction() as tx:
        tx.decisions.add("r", Decision(kind=kind, reason="because"))
        assert [one.kind for one in tx.decisions.list("r", None)] == [kind]
