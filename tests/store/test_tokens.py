from __future__ import annotations

import pytest

from penstock.core.access import AttemptToken
from penstock.core.task import Task
from penstock.ports.queues import Waiting
from penstock.store.transaction import SqlTx

LONG_AGO, NOW = 10.0, 1_000.0


def token(fence: int) -> AttemptToken:
    return AttemptToken(task=f"task {fence}", fence=fence, key="k")


def test_a_token_is_found_by_its_number_and_by_its_digest(tx: SqlTx) -> None:
    tx.tokens.add(token(1), "first", NOW)
    tx.tokens.add(token(2), "second", NOW)
    assert tx.tokens.find(1) == tx.tokens.of_digest("first") == token(1)
    assert tx.tokens.find(3) is tx.tokens.of_digest("third") is None


@pytest.mark.parametrize(
    ("made", "held", "stays"), [(LONG_AGO, False, False), (LONG_AGO, True, True), (NOW, False, True)]
)
def test_a_token_is_forgotten_a_while_after_nothing_is_held_by_it(
    tx: SqlTx, made: float, held: bool, stays: bool
) -> None:
    lease = tx.leases.add(Waiting(task="a", queue="default", rank=0.0), "agent", "r", 10.0)
    tx.tokens.add(token(lease.held.fence), "digest", made)
    if not held:
        tx.leases.end("a")
    tx.tokens.forget(NOW - 1.0)
    assert (tx.tokens.find(lease.held.fence) is not None) == stays


def test_the_first_who_made_something_stays_its_maker_until_it_is_gone(tx: SqlTx) -> None:
    tx.tasks.add(Task(id="there", name="n", project="P"))
    for task in ("there", "gone"):
        tx.tokens.made(task, "one")
        tx.tokens.made(task, "other")
        assert tx.tokens.maker(task) == "one"
    tx.tokens.forget(NOW)
    assert (tx.tokens.maker("there"), tx.tokens.maker("gone"), tx.tokens.maker("unknown")) == ("one", None, None)
