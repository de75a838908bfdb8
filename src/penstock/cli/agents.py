"""`penstock agents`: the agents that live, what each carries out, and how one is told to leave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from penstock.cli.invocation import Exit, Invocation, json_option, pass_invocation

if TYPE_CHECKING:
    from penstock.ops.agents import Agent

USAGE = {"cpu": "CPU", "memory": "MEMORY", "disk": "DISK", "gpu": "GPU", "gpu_memory": "GPU MEM"}
"""The columns for what an agent's machine uses; one is there if an agent says something of it."""

EXAMPLE = """\
\b
Examples:
  penstock agents                 list the agents that live
  penstock agents --drain NAME    let one finish what it carries out, and leave
  penstock agents --drain NAME --reason "new disk"
"""


@click.command("agents", epilog=EXAMPLE)
@click.option(
    "--drain", metavar="NAME", help="Let this agent finish what it carries out, claim nothing more, and leave."
)
@click.option("--reason", metavar="TEXT", default="", help="Why it is drained; it is shown while the agent leaves.")
@json_option
@pass_invocation
def command(invocation: Invocation, drain: str | None, reason: str) -> Exit:
    """List the agents that live. An agent is started with `penstock agent`."""
    from penstock.ops.agents import DrainAgent, ListAgents

    invocation.close_lost()
    if drain is not None:
        invocation.backend.call(DrainAgent(name=drain, why=reason or _asked_by(invocation.settings.user)))
    agents = invocation.backend.call(ListAgents())
    return invocation.show_list("agents", agents, _print, "no agent lives; start one with: penstock agent")


def _print(agents: Sequence[Agent], now: float) -> None:
    from penstock.cli.terminal import console, plain, table
    from penstock.sdk.wording import age

    measured = [name for name in USAGE if any(name in agent.usage for agent in agents)]
    columns = [f">{USAGE[name]}" for name in measured]
    made = table("~AGENT", "~QUEUES", ">BUSY", ">WORKERS", *columns, "STARTED", "STATE")
    for agent in agents:
        served = ", ".join(agent.queues) or "all"
        state = "" if not agent.draining else f"leaving: {agent.why}" if agent.why else "leaving"
        numbers = [f"{len(agent.tasks):,}", f"{agent.workers:,}"]
        numbers += [f"{agent.usage[name]:.0f}%" if name in agent.usage else "" for name in measured]
        made.add_row(plain(agent.name), plain(served), *numbers, age(now - agent.started), plain(state))
    console().print(made)


def _asked_by(user: str) -> str:
    return f"{user} asked for it" if user else "somebody asked for it"
