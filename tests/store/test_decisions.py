from __future__ import annotations

from collections.abc import Iterator

import pytest

from penstock.core.decision import Decision, DecisionKind
from penstock.core.errors import Invalid
from penstock.store.sqlite import SqliteStore
from penstock.store.transaction import SqlTx


@pytest.fixture
def tx(store: SqliteStore) -> Iterator[SqlTx]:
    with store.transaction(durable=False) as tx:
        yield tx


@pytest.mark.parametrize("kind", DecisionKind)
def test_a_decision_comes_back_with_every_field_as_it_was(tx: SqlTx, kind: DecisionKind) -> None:
    full = Decision(
        kind=kind,
        reason="argument 'n' is 2, was 1\nin iris #3 é",
        step="fit'; DROP TABLE decisions; --",
        attempt=3,
        details=("the code of 'fit' changed", ""),
        related="0" * 32,
        at=1e9 + 0.123456,
    )
    tx.decisions.add("r", full)
    tx.decisions.add("r", Decision(kind=kind, reason=""))
    assert tx.decisions.list("r", None) == [full, Decision(kind=kind, reason="")]


def test_decisions_come_in_the_order_in_which_they_were_recorded_whatever_their_time(tx: SqlTx) -> None:
    for at in (3.0, 1.0, 2.0):
        tx.decisions.add("r", Decision(kind=DecisionKind.WAIT, reason=str(at), step="a", at=at))
    assert [one.at for one in tx.decisions.list("r", "a")] == [3.0, 1.0, 2.0]


def test_decisions_are_those_of_one_run_and_of_one_step_or_of_none(tx: SqlTx) -> None:
    for run, step in (("r1", ""), ("r1", "a"), ("r1", "A"), ("r2", "a"), ("r1", "a")):
        tx.decisions.add(run, Decision(kind=DecisionKind.SKIP, reason=f"{run} {step}", step=step))
    assert [one.reason for one in tx.decisions.list("r1", None)] == ["r1 ", "r1 a", "r1 A", "r1 a"]
    assert [one.reason for one in tx.decisions.list("r1", "a")] == ["r1 a", "r1 a"]
    assert [one.reason for one in tx.decisions.list("r1", "")] == ["r1 "]
    assert tx.decisions.list("r1", "none") == tx.decisions.list("none", None) == []


def test_half_a_character_in_a_reason_is_refused(tx: SqlTx) -> None:
    for decision in (
        Decision(kind=DecisionKind.SKIP, reason="\ud800"),
        Decision(kind=DecisionKind.SKIP, reason="", details=("\ud800",)),
    ):
        with pytest.raises(Invalid, match="surrogate"):
            tx.decisions.add("r", decision)
    assert tx.decisions.list("r", None) == []


def test_the_decisions_of_a_run_are_found_without_reading_the_others(tx: SqlTx, scans) -> None:
    found = scans(tx, "SELECT * FROM decisions WHERE run = 'r' AND step = 's'")
    assert found
    assert all("decisions_of_run" in line for line in found)
