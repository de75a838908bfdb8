"""What the operations on agents do."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from msgspec.structs import replace

from penstock.core.errors import Conflict, NotFound
from penstock.core.lease import FORGOTTEN
from penstock.core.run import ChangeKind
from penstock.ops.agents import Agent, DrainAgent, ForgetAgent, ListAgents, ReportAgent
from penstock.service.base import handles

if TYPE_CHECKING:
    from penstock.ports import Tx

LONGEST = 500  # characters of a reason
LONGEST_NAME = 32  # characters of what a machine uses
MOST_SHOWN = 16  # things that a machine uses
EVER = 10 * 365 * 86_400.0  # seconds: an agent that is drained is looked up whatever its lease says


@handles(ReportAgent)
def report_agent(tx: Tx, op: ReportAgent, now: float) -> Agent:
    """Record that an agent lives."""
    there = tx.agents.find(op.agent.name, now)
    if there is not None and there.process != op.agent.process:
        raise Conflict(
            f"an agent {op.agent.name!r} lives already, as process {there.process.pid} on {there.process.host}",
            hint="give this one another name: penstock agent --name NAME",
        )
    started = now if there is None else there.started
    draining, why = (False, "") if there is None else (there.draining, there.why)
    usage = _percentages(op.agent.usage)
    agent = replace(op.agent, started=started, seen=now, draining=draining, why=why, usage=usage)
    tx.agents.put(agent, now + op.seconds)
    if there is None:
        tx.changes.note(ChangeKind.AGENT, op.agent.name, now)
    return _with_tasks(tx, [_living(tx, op.agent.name, now)])[0]


@handles(ListAgents)
def list_agents(tx: Tx, op: ListAgents, now: float) -> list[Agent]:
    """Return the agents that live."""
    return _with_tasks(tx, tx.agents.list(now))


@handles(DrainAgent)
def drain_agent(tx: Tx, op: DrainAgent, now: float) -> Agent:
    """Have an agent leave when it has nothing to do any more."""
    there = _living(tx, op.name, now)
    why = (there.why or op.why[:LONGEST]) if op.draining else ""
    agent = replace(there, draining=op.draining, why=why)
    tx.agents.put(agent, now + EVER)
    tx.changes.note(ChangeKind.AGENT, op.name, now)
    return _with_tasks(tx, [agent])[0]


@handles(ForgetAgent)
def forget_agent(tx: Tx, op: ForgetAgent, now: float) -> None:
    """Forget an agent that has left. What it claimed is left for a moment to those whom it may have told to begin."""
    tx.leases.shorten(op.name, now + FORGOTTEN)
    tx.agents.remove(op.name)
    tx.changes.note(ChangeKind.AGENT, op.name, now)


def _percentages(usage: dict[str, float]) -> dict[str, float]:
    """Return what an agent says that its machine uses, as far as it can be shown."""
    shown = [(name, percent) for name, percent in usage.items() if len(name) <= LONGEST_NAME and isfinite(percent)]
    return {name: min(max(percent, 0.0), 100.0) for name, percent in shown[:MOST_SHOWN]}


def _living(tx: Tx, name: str, now: float) -> Agent:
    found = tx.agents.find(name, now)
    if found is None:
        known = ", ".join(one.name for one in tx.agents.list(now)) or "none lives"
        raise NotFound(f"there is no agent {name!r}", hint=f"those that live: {known}")
    return found


def _with_tasks(tx: Tx, agents: list[Agent]) -> list[Agent]:
    return [replace(agent, tasks=tuple(one.held.task for one in tx.leases.list(agent=agent.name))) for agent in agents]
