from __future__ import annotations

import pytest

from penstock.core.decision import Decision, DecisionKind
from penstock.core.errors import NotFound
from penstock.ops.decisions import ListDecisions, RecordDecision
from penstock.ops.runs import DeleteRun

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


def test_decisions_are_those_of_one_run_and_of_one_step_or_of_none(desk):
    run, other = desk.run("a", "b"), desk.run("a")
    seen = desk.last()
    for one, step in ((run, "a"), (run, ""), (other, "a"), (run, "b"), (run, "a")):
        decision = Decision(kind=DecisionKind.SKIP, reason=f"{one.number} {step}", step=step)
        desk.backend.call(RecordDecision(run=one.id, decision=decision))

    def reasons(step=None):
        return [one.reason for one in desk.backend.call(ListDecisions(run=run.id, step=step))]

    assert reasons() == ["1 a", "1 ", "1 b", "1 a"]
    assert reasons("a") == ["1 a", "1 a"]
    assert reasons("") == ["1 "]
    assert reasons("x") == []
    assert desk.last() == seen, "a decision says why, and changes nothing"


def test_decisions_are_there_after_the_end_of_the_run_until_it_is_deleted(desk):
    run = desk.run("a")
    desk.backend.call(RecordDecision(run=run.id, decision=WHY))
    desk.end_run(run)
    assert desk.backend.call(ListDecisions(run=run.id))[0].reason == WHY.reason
    desk.backend.call(DeleteRun(id=run.id))
    with pytest.raises(NotFound, match=run.id):
        desk.backend.call(ListDecisions(run=run.id))


@pytest.mark.parametrize("op", [RecordDecision(run="nobody", decision=WHY), ListDecisions(run="nobody")])
def test_a_run_that_is_not_there_is_named(desk, op):
    with pytest.raises(NotFound, match="there is no task nobody"):
        desk.backend.call(op)
