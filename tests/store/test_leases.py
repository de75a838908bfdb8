from __future__ import annotations

import math

import pytest

from penstock.core.assignment import Assignment, Resolved
from penstock.core.errors import LeaseLost
from penstock.core.lease import Held
from penstock.core.pipeline import Argument
from penstock.ports.queues import Waiting
from penstock.store.transaction import SqlTx


def leased(tx: SqlTx, task: str, agent: str = "agent", ends: float = 10.0):
    return tx.leases.add(Waiting(task=task, queue="default", rank=0.0, lost=1, resumed=True), agent, f"r{task}", ends)


def test_no_two_leases_ever_have_one_number(tx: SqlTx) -> None:
    numbers = []
    for _ in range(3):
        numbers.append(leased(tx, "a").held.fence)
        tx.leases.end("a")
    assert numbers == sorted(set(numbers))


def test_a_lease_is_found_by_its_task_its_request_its_agent_and_its_end(tx: SqlTx) -> None:
    first, second = leased(tx, "a", ends=10.0), leased(tx, "b", agent="other", ends=20.0)
    assert tx.leases.find("a") == tx.leases.of_request("ra") == first
    assert tx.leases.list(agent="other") == tx.leases.list(tasks=["b"]) == [second]
    assert (tx.leases.list(ended=9.9), tx.leases.list(ended=10.0), tx.leases.list()) == ([], [first], [first, second])
    assert tx.leases.find("c") is None


def test_renewing_makes_no_lease_shorter(tx: SqlTx) -> None:
    lease = leased(tx, "a")
    for ends, expected in ((30.0, 30.0), (20.0, 30.0)):
        tx.leases.renew(lease.held.fence, ends)
        assert tx.leases.hold(lease.held).ends == expected


def test_only_what_an_agent_has_not_begun_is_held_for_a_shorter_time(tx: SqlTx) -> None:
    begun, short, long, other = (
        leased(tx, task, agent, ends)
        for task, agent, ends in (("a", "one", 9.0), ("b", "one", 4.0), ("c", "one", 9.0), ("d", "two", 9.0))
    )
    tx.leases.begin(begun.held.fence, 9.0)
    tx.leases.shorten("one", 5.0)
    assert [one.ends for one in tx.leases.list()] == [9.0, 4.0, 5.0, 9.0]
    assert [one.held for one in tx.leases.list()] == [one.held for one in (begun, short, long, other)]


def test_beginning_is_remembered(tx: SqlTx) -> None:
    lease = leased(tx, "a")
    assert not lease.begun
    tx.leases.begin(lease.held.fence, lease.ends)
    assert tx.leases.hold(lease.held).begun


@pytest.mark.parametrize(("more", "expected"), [(5.0, 5.0), (-5.0, 0.0)])
def test_a_lease_lasts_longer_from_its_beginning_on_and_never_shorter(tx: SqlTx, more: float, expected: float) -> None:
    lease = leased(tx, "a")
    tx.leases.begin(lease.held.fence, lease.ends + more)
    assert tx.leases.hold(lease.held).ends == lease.ends + expected


@pytest.mark.parametrize("held", [Held("a", 99), Held("b", 1)])
def test_a_number_or_a_task_that_is_not_the_one_holds_nothing(tx: SqlTx, held: Held) -> None:
    leased(tx, "a")
    with pytest.raises(LeaseLost, match=f"task {held.task} is not held under number {held.fence}"):
        tx.leases.hold(held)


def test_what_an_attempt_is_given_comes_back_with_numbers_that_json_does_not_know(tx: SqlTx) -> None:
    given = Assignment(arguments={"x": Argument(value=[2**63 - 1])}, references={"r": Resolved(value=math.inf)})
    tx.assignments.set("a", Assignment())
    tx.assignments.set("a", given)
    assert tx.assignments.find("a") == given
    tx.assignments.remove("a")
    assert tx.assignments.find("a") is None
