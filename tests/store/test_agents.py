from __future__ import annotations

from penstock.core.task import Worker
from penstock.ops.agents import Agent
from penstock.store.transaction import SqlTx

AGENT = Agent(
    name="é", process=Worker(host="h", pid=1, started="2", boot="3"), queues=("b", "a"), workers=4, draining=True,
    started=1.0, seen=2.0, usage={"cpu": 12.5}, why="new disk",
)  # fmt: skip


def test_an_agent_comes_back_as_it_was_for_as_long_as_it_is_believed_to_live(tx: SqlTx) -> None:
    tx.agents.put(AGENT, 10.0)
    assert tx.agents.find("é", 9.9) == AGENT
    assert tx.agents.list(9.9) == [AGENT]
    assert (tx.agents.find("é", 10.0), tx.agents.list(10.0)) == (None, [])


def test_an_agent_that_left_is_not_there(tx: SqlTx) -> None:
    tx.agents.put(AGENT, 10.0)
    tx.agents.remove("é")
    assert tx.agents.list(0.0) == []
