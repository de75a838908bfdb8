"""`penstock execute`: carries out what is recorded as a draft: a task, or a run of a pipeline."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from penstock.cli.invocation import Exit, Invocation, json_option, pass_invocation
from penstock.cli.outcome import stdout_for

if TYPE_CHECKING:
    from penstock.core.run import Run
    from penstock.core.task import Task

EXAMPLE = """\
\b
Example:
  penstock execute 4f2a
"""


@click.command("execute", epilog=EXAMPLE)
@click.argument("task", metavar="TASK")
@click.option("--plain", is_flag=True, help="Print plain lines, also in a terminal.")
@json_option
@pass_invocation
def command(invocation: Invocation, task: str, plain: bool) -> int:
    """Carry out a draft on this machine, with the parameters that it has now.

    TASK is the id of a task, or of a run, or the beginning of one. A task's script runs from its repository, at the
    commit and with the changes that were recorded, or from its recorded text; a run's script builds its pipeline anew.
    """
    from penstock.core.errors import Conflict
    from penstock.core.task import Status

    found = _find(invocation, task)
    if found.status not in {Status.CREATED, Status.QUEUED}:
        hint = "clone it, and carry out the clone"
        raise Conflict(f"task {found.name!r} is {found.status}; only a draft can be carried out", hint=hint)
    with stdout_for(invocation):
        run = _run_of(invocation, found)
        if run is not None:
            return _carry_out_run(invocation, run, plain=plain)
        return _carry_out_task(invocation, found)


def _run_of(invocation: Invocation, task: Task) -> Run | None:
    """Return the run that the task stands for; None for any other task."""
    from penstock.core.errors import NotFound
    from penstock.core.task import TaskType
    from penstock.ops.runs import GetRun

    if task.type is not TaskType.CONTROLLER:
        return None
    try:
        return invocation.backend.call(GetRun(id=task.id)).run
    except NotFound:
        return None


def _find(invocation: Invocation, text: str) -> Task:
    """Return the task that a person means.

    Raises:
        NotFound: There is none.
        Invalid: The text may mean several.
    """
    from penstock.core.errors import Invalid, NotFound
    from penstock.ops.tasks import ListTasks

    found = [task for task in invocation.backend.call(ListTasks(limit=1_000_000)) if task.id.startswith(text)]
    if not found:
        raise NotFound(f"there is no task {text!r}", hint="give the id of a draft, or its beginning")
    if len(found) > 1:
        raise Invalid(f"{text!r} is the beginning of {len(found)} ids", hint="give more of it")
    return found[0]


def _carry_out_task(invocation: Invocation, task: Task) -> int:
    from penstock.core.task import Status
    from penstock.run.carry import carry_out
    from penstock.sdk.begin import surroundings

    place = surroundings(invocation.settings, local_imports=False)
    try:
        ended = carry_out(invocation.backend, task.id, place, lambda lines: click.echo("\n".join(lines)))
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    click.echo(f"task {ended.name!r} {ended.status}: {ended.id}", err=True)
    if invocation.json:
        from penstock.cli.document import emit

        emit({"task": ended.id, "status": ended.status})
    return Exit.OK if ended.status is Status.COMPLETED else Exit.FAILED


def _carry_out_run(invocation: Invocation, run: Run, *, plain: bool) -> int:
    """Run the script of a draft run in this process; its pipeline finds the draft."""
    from penstock.cli.run import conclude
    from penstock.cli.script import Interrupts, run_script
    from penstock.run.checkout import checkout
    from penstock.sdk.display import PlainLines
    from penstock.sdk.launched import Launched, put

    launched = Launched({}, PlainLines() if plain else None, draft=run.id)
    put(launched)
    interrupts = Interrupts()
    with checkout(run.task.script, invocation.settings.home / "cache") as code, interrupts.watched():
        _go_where_it_was(run, str(code.folder))
        ending = run_script(code.entry[-1], ())
    exit_code, found = conclude(launched, ending, interrupted=bool(interrupts.count))
    if invocation.json:
        from penstock.cli.document import emit

        emit({"exit_code": exit_code, "runs": [detail.run for detail in found]})
    return exit_code


def _go_where_it_was(run: Run, checked_out: str) -> None:
    """Work in the folder of the repository, else in the one that the run it comes from was started in."""
    from penstock.sdk.begin import FOLDER, WORKING

    known = run.task.runtime
    with suppress(OSError):
        os.chdir(checked_out if run.task.script.repository else known.get(WORKING) or ".")
    if known.get(FOLDER):
        sys.path.append(known[FOLDER])
