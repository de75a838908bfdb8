"""`penstock abort`: stops a run, some of its steps, or a task that belongs to no run, and tells what came of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from penstock.cli.invocation import Exit, Invocation, json_option, pass_invocation

if TYPE_CHECKING:
    from penstock.core.run import Run
    from penstock.core.task import Task

EXAMPLE = """\
\b
Example:
  penstock abort 'iris #3'
  penstock abort 'iris #3' train
  penstock abort 4f2a
"""


@click.command("abort", epilog=EXAMPLE)
@click.argument("run", metavar="RUN|TASK")
@click.argument("steps", metavar="[STEP]...", nargs=-1)
@click.option(
    "--wait", type=click.FloatRange(min=0), default=15.0, show_default=True, help="Seconds to wait for a run's end."
)
@json_option
@pass_invocation
def command(invocation: Invocation, run: str, steps: Sequence[str], wait: float) -> Exit:
    """Stop a run: what runs is killed, what waits is skipped. Then wait for its end.

    With STEP, only these steps that run are aborted, and the rest of the run goes on: their processes are asked to
    leave, and killed after a few seconds. With a TASK that belongs to no run, that task is aborted in the same way, or
    taken out of its queue.
    """
    lost = {one.id: one for one in invocation.close_lost()}
    found = _meant(invocation, run, run_only=bool(steps) or run == "last")
    if not isinstance(found, str):
        return _abort_task(invocation, found)
    if steps:
        return _abort_steps(invocation, found, steps)
    return _stop(invocation, found, lost, wait)


def _meant(invocation: Invocation, text: str, *, run_only: bool) -> str | Task:
    """Return the id of the run that a person means, else the task, where that may be one."""
    from penstock.core.errors import NotFound

    try:
        return invocation.find(text).id
    except NotFound as error:
        if run_only:
            raise
        try:
            return invocation.find_task(text)
        except NotFound:
            raise error from None


def _abort_task(invocation: Invocation, task: Task) -> Exit:
    from penstock.ops.steering import AbortTask

    ended = invocation.backend.call(AbortTask(id=task.id, by=invocation.settings.user))
    if invocation.json:
        from penstock.cli.document import emit

        emit({"task": ended})
    else:
        from penstock.sdk.wording import harmless

        click.echo(harmless(f"{ended.name}: {ended.message}"))
    return Exit.OK


def _abort_steps(invocation: Invocation, run: str, steps: Sequence[str]) -> Exit:
    from penstock.ops.steering import AbortStep

    by = invocation.settings.user
    return invocation.steer("aborted", steps, lambda step: AbortStep(run=run, step=step, by=by))


def _stop(invocation: Invocation, run: str, lost: dict[str, Run], wait: float) -> Exit:
    from penstock.core.task import ENDED
    from penstock.ops.runs import StopRun

    if run in lost:
        ended, told = lost[run], "was not running any more: its process is gone"
    else:
        invocation.backend.call(StopRun(id=run, why=f"penstock abort by {invocation.settings.user or 'a user'}"))
        _wait(invocation, run, wait)
        ended = invocation.find(run)
        told = "has ended" if ended.task.status in ENDED else f"was asked to stop, and has not ended within {wait:g} s"
    if invocation.json:
        from penstock.cli.document import emit

        emit({"run": ended})
    else:
        from penstock.sdk.wording import harmless, labelled

        why = f": {ended.task.message}" if ended.task.message else ""
        click.echo(harmless(f"{ended.task.name} {told}"), err=True)
        click.echo(harmless(f"{labelled(ended.task.status)}{why}"))
    return Exit.OK if ended.task.status in ENDED else Exit.FAILED


def _wait(invocation: Invocation, run: str, seconds: float) -> None:
    """Wait until the run has ended, at most so long; what its dead process leaves open is ended here."""
    from penstock.core.task import ENDED
    from penstock.ops.changes import LastChange, ListChanges
    from penstock.ops.tasks import GetTask

    call = invocation.backend.call
    deadline = time.monotonic() + seconds
    seen = call(LastChange())
    while call(GetTask(id=run)).status not in ENDED and (left := deadline - time.monotonic()) > 0:
        changes = call(ListChanges(after=seen, run=run, wait=min(left, 1.0)))
        seen = changes[-1].seq if changes else seen
        if not changes:
            invocation.close_lost()
