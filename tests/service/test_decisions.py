from __future__ import annotations

import pytest

from penstock.core.decision import Decision, DecisionKind
from penstock.core.errors import NotFound
from penstock.ops.decisions import ListDecisions, RecordDecision

WHY = Decision(kind=DecisionKind.GIVE_UP, reason="its 2 retries are used up", step="a", attempt=3)


def test_a_decision_gets_the_time_at_which_it_is_recorded_unless_it_has_one(desk):
    run = desk.run("a")
    for decision in (WHY, Decision(kind=DecisionKind.CALL, reason="called", at=1.0)):
        desk.backend.call(RecordDecision(run=run.id, decision=decision))
    first, second = desk.backend.call(ListDecisions(run=run.id))
    assert (first.kind, first.reason, first.step, first.attempt) == (WHY.kind, WHY.reason, "a", 3)
    assert first.at > 1.0
    assert second.at == 1.0
    assert desk.backend.call(ListDecisions(run=run.id, step="a")) == [first]


@pytest.mark.parametrize("op", [RecordDecision(run="nobody", decision=WHY), ListDecisions(run="nobody")])
def test_a_run_that_is_not_there_is_named(desk, op):
    with pytest.raises(NotFound, match="there is no task nobody"):
        desk.backend.call(op)
