"""`penstock launch`: a new run of what a run did, put into a queue for an agent to carry it out."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from penstock.cli import secret
from penstock.cli.invocation import Exit, Invocation, json_option, pass_invocation, run_argument
from penstock.cli.outcome import verdict

if TYPE_CHECKING:
    from penstock.core.overrides import StepOverride
    from penstock.core.run import Run

ON = {"on": True, "off": False}
EXAMPLE = """\
\b
Example:
  penstock launch 'iris #3' --param test_size=0.3 --queue services
  penstock launch last --from train --wait
"""


@click.command("launch", epilog=EXAMPLE)
@run_argument
@click.option("-p", "--param", "given", multiple=True, metavar="NAME=VALUE", help="Another value for a parameter.")
@secret.option
@click.option("--queue", default="services", show_default=True, metavar="QUEUE", help="Where it waits for an agent.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Its tags, instead of those of the run.")
@click.option("--name", metavar="TEXT", help="What it is called, instead of the pipeline's name with its number.")
@click.option("--step-queue", "queues", multiple=True, metavar="STEP=QUEUE", help="Another queue for a step.")
@click.option("--step-cache", "caches", multiple=True, metavar="STEP=on|off", help="Whether a step may be reused.")
@click.option("--no-cache", is_flag=True, help="Run every step, also where an earlier execution could be reused.")
@click.option("--reuse", is_flag=True, help="Reuse of the run what does not depend on a change, as rerun does.")
@click.option("--from", "from_step", metavar="STEP", help="Run this step anew, and all that build on it; reuse others.")
@click.option("--only", metavar="STEP", help="Run this step anew; of the others only those that it needs.")
@click.option("--wait", is_flag=True, help="Return when it has ended; the exit code says how.")
@json_option
@pass_invocation
def command(
    invocation: Invocation,
    run: str,
    given: Sequence[str],
    secrets: Sequence[str],
    queue: str,
    tags: Sequence[str],
    name: str | None,
    queues: Sequence[str],
    caches: Sequence[str],
    no_cache: bool,
    reuse: bool,
    from_step: str | None,
    only: str | None,
    wait: bool,
) -> int:
    """Start a new run of what a run did, on agents, with the parameters of that run but for those given here.

    The run itself stays as it is. The new one waits in a queue; an agent runs the recorded script, which builds the
    pipeline anew and sends each step where it belongs. To carry it out on this machine instead: penstock rerun
    """
    from penstock.cli.run import parameter
    from penstock.ops.launches import LaunchRun

    if from_step and only:
        raise click.UsageError(f"--from {from_step} and --only {only} exclude each other")
    op = LaunchRun(
        id=uuid.uuid4().hex,
        source=invocation.find(run).id,
        parameters=dict(map(parameter, given)),
        secrets=secret.read(secrets),
        queue=queue,
        tags=tuple(tags) or None,
        name=name,
        steps=_overrides(queues, caches),
        cache=not no_cache,
        reuse=reuse,
        from_step=from_step,
        only=only,
        user=invocation.settings.user,
    )
    return follow(invocation, invocation.backend.call(op), wait=wait)


def _overrides(queues: Sequence[str], caches: Sequence[str]) -> dict[str, StepOverride]:
    """Return what is asked of single steps."""
    from penstock.core.overrides import StepOverride

    by_queue = dict(_pair(one, "--step-queue", "QUEUE") for one in queues)
    by_cache = dict(_pair(one, "--step-cache", "on|off") for one in caches)
    for step, word in by_cache.items():
        if word not in ON:
            raise click.BadParameter(f"{step}={word} says neither on nor off", param_hint="--step-cache")
    return {
        step: StepOverride(queue=by_queue.get(step), cache=ON[by_cache[step]] if step in by_cache else None)
        for step in dict.fromkeys((*by_queue, *by_cache))
    }


def _pair(text: str, option: str, what: str) -> tuple[str, str]:
    step, equals, value = text.rpartition("=")
    if not (step and equals and value):
        raise click.BadParameter(f"{text} has to be STEP={what}", param_hint=option)
    return step, value


def follow(invocation: Invocation, made: Run, *, wait: bool) -> int:
    """See to it that somebody comes for a run that waits, and tell where it does; perhaps wait for its end."""
    from penstock.ops.runs import GetRun
    from penstock.sdk import local

    _see_to_it(invocation, made.task.queue or "")
    if not invocation.json:
        local.tell_where(made, made.task.queue)
    code: int = Exit.OK
    if wait:
        local.wait(invocation.backend, made.id, None)
        made = invocation.backend.call(GetRun(id=made.id)).run
        code = _tell_end(made)
    if invocation.json:
        from penstock.cli.document import emit

        emit({"exit_code": code, "runs": [made]})
    return code


def _see_to_it(invocation: Invocation, queue: str) -> None:
    """Start an agent where none lives; say what helps where none may be started, or those that live serve others."""
    from penstock.core.waiting import unserved
    from penstock.ops.agents import ListAgents
    from penstock.ops.queues import ListQueues
    from penstock.sdk.local_agent import LocalAgent

    comes = LocalAgent(invocation.backend, invocation.settings).start()
    if comes and not invocation.backend.call(ListAgents()):
        return  # it is on its way
    if any(not one.agents for one in invocation.backend.call(ListQueues(names=(queue,)))):
        click.echo(unserved(queue), err=True)


def _tell_end(run: Run) -> int:
    from penstock.sdk.wording import harmless

    click.echo(harmless(f"{run.task.name}: {run.task.status}"), err=True)
    return verdict([run])
