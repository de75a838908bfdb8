"""`penstock agent`: claims tasks from queues and carries them out, until it is told to leave."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import click

from penstock.cli.invocation import Exit, Invocation, json_option, pass_invocation

if TYPE_CHECKING:
    from types import FrameType

    from penstock.agent.agent import Agent, Options

IDLE = 10.0  # seconds without a task after which `--until-idle` leaves
EXAMPLE = """\
\b
Examples:
  penstock agent                               serve every queue
  penstock agent --queue gpu --queue default   these two, the first one first
  penstock agent --workers 4                   four tasks at once
"""


@click.command("agent", epilog=EXAMPLE)
@click.option("--queue", "queues", multiple=True, metavar="NAME", help="A queue to serve; may be repeated.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Tasks at once; by default PENSTOCK_WORKERS.")
@click.option("--fair", is_flag=True, help="Look at the queues in turn, not always at the first one first.")
@click.option("--name", metavar="NAME", help="The agent's name; by default that of the machine and the process.")
@click.option(
    "--lease",
    type=click.FloatRange(min=1.0),
    default=60.0,
    show_default=True,
    help="Seconds after which what it holds goes to others when nothing is heard of it.",
)
@click.option("--same-env", is_flag=True, help="Run tasks with the packages that are here, whatever they recorded.")
@click.option("--no-containers", is_flag=True, help="Run tasks without the containers that they ask for.")
@click.option("--once", is_flag=True, help="Leave after one task.")
@click.option("--until-idle", is_flag=True, help=f"Leave when nothing has waited for {IDLE:g} seconds.")
@json_option
@pass_invocation
def command(
    invocation: Invocation,
    queues: tuple[str, ...],
    workers: int | None,
    fair: bool,
    name: str | None,
    lease: float,
    same_env: bool,
    no_containers: bool,
    once: bool,
    until_idle: bool,
) -> int:
    """Claim tasks from queues and carry them out on this machine.

    Without --queue it serves all queues. Runs of pipelines take no worker.

    SIGTERM or Ctrl-C lets it finish what runs and leave; the second one stops what runs: attempts of steps are tried
    again elsewhere, runs wait in their queue and go on from where they stand.
    """
    from penstock.agent.agent import Agent, Options, default_name
    from penstock.backend import open_home
    from penstock.settings import environment, forget_key

    settings = invocation.settings
    forget_key()
    options = Options(
        name=name or default_name(),
        queues=queues,
        workers=workers or settings.workers,
        fair=fair,
        once=once,
        idle=IDLE if until_idle else None,
        lease=lease,
        same_env=same_env,
        no_containers=no_containers,
        working=os.getcwd(),  # noqa: PTH109 - a text is wanted
        path=tuple(dict.fromkeys(one for one in sys.path[1:] if one)),
        environment=environment(),
    )
    home = open_home(settings)
    try:
        _serve(invocation, Agent(home, settings, options, _say), options)
    finally:
        home.close()
    return Exit.OK


def _serve(invocation: Invocation, agent: Agent, options: Options) -> None:
    """Let the agent work until it leaves."""
    served = ", ".join(options.queues) or "every queue"
    _say(f"agent {options.name} serves {served} with {options.workers} workers; Ctrl-C to leave")
    _leave_on_signals(agent)
    agent.run()
    if invocation.json:
        from penstock.cli.document import emit

        emit({"agent": options.name, "claimed": agent.claimed})


def _leave_on_signals(agent: Agent) -> None:
    """Let the first signal make the agent leave, and the second stop what it carries out."""
    count = 0

    def leave(number: int, frame: FrameType | None) -> None:
        nonlocal count
        _ = frame
        count += 1
        if count == 1:
            agent.leave(f"it was told to by {signal.Signals(number).name}")
        else:
            agent.stop()

    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, leave)


def _say(text: str) -> None:
    from penstock.sdk.wording import harmless

    click.echo(harmless(text), err=True)
