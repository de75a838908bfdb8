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
    from penstock.cli.script import Ending
    from penstock.core.run import Run, RunDetail
    from penstock.core.task import Task

EXAMPLE = """\
\b
Example:
  penstock execute 4f2a
"""


@click.command("execute", epilog=EXAMPLE)
@click.argument("task", metavar="TASK")
@click.option(
    "--same-env/--own-env",
    default=None,
    help="Run a task with what is installed here, or in an environment with the packages that were recorded. "
    "By default the latter, if these are not what is installed here.",
)
@click.option("--plain", is_flag=True, help="Print plain lines, also in a terminal.")
@json_option
@pass_invocation
def command(invocation: Invocation, task: str, same_env: bool | None, plain: bool) -> int:
    """Carry out a draft on this machine, with the parameters that it has now.

    TASK is the id of a task, or of a run, the beginning of one with four digits or more, `last`, or a name: of several
    tasks of one name the newest is meant. A task's script runs from its repository, at the commit and with the changes
    that were recorded, or from its recorded text; a run's script builds its pipeline anew, with what is installed here.
    """
    from penstock.core.errors import Conflict, Invalid
    from penstock.core.task import Status

    held = invocation.settings.held
    if held is None:
        invocation.close_lost()
    found = invocation.find_task(task)
    if found.status not in {Status.CREATED, Status.QUEUED} and (held is None or held.task != found.id):
        hint = "clone it, and carry out the clone"
        raise Conflict(f"task {found.name!r} is {found.status}; only a draft can be carried out", hint=hint)
    run = _run_of(invocation, found)
    if run is None:
        return _carry_out_task(invocation, found, same_env)
    if same_env is False:
        hint = "leave --own-env out: its steps run here"
        raise Invalid(f"{found.name!r} is a run of a pipeline, and has no environment of its own", hint=hint)
    code, details = carry_out_run(invocation, run, plain=plain)
    _emit(invocation, code, {"runs": [detail.run for detail in details]})
    return code


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


def _carry_out_task(invocation: Invocation, task: Task, same_env: bool | None) -> int:
    from msgspec.structs import replace

    from penstock.core.task import Status
    from penstock.ops.tasks import GetTask
    from penstock.run.carry import carry_out
    from penstock.sdk.begin import surroundings
    from penstock.sdk.wording import harmless

    place = surroundings(invocation.settings, local_imports=False)
    place = replace(place, same_env=same_env, environments=invocation.settings.environments)
    code = Exit.FAILED
    with stdout_for(invocation):
        try:
            if carry_out(invocation.backend, task.id, place, _print).status is Status.COMPLETED:
                code = Exit.OK
        except KeyboardInterrupt:
            code = Exit.INTERRUPTED
        ended = invocation.backend.call(GetTask(id=task.id))
        why = f": {ended.message.partition(chr(10))[0]}" if ended.message else ""
        click.echo(harmless(f"{ended.name} ({ended.id[:12]}): {ended.status}{why}"), err=True)
    _emit(invocation, code, {"task": ended})
    return code


def _print(lines: list[str]) -> None:
    """Pass on what the task printed; a reader who is gone does not end it."""
    from penstock.sdk.wording import harmless

    shown = [harmless(line) for line in lines] if sys.stdout.isatty() else lines
    with suppress(OSError, ValueError):
        click.echo("\n".join(shown))


def carry_out_run(invocation: Invocation, run: Run, *, plain: bool) -> tuple[int, list[RunDetail]]:
    """Run the script of a draft run in this process; its pipeline finds the draft.

    Returns the exit code, and the runs that the script carried out.

    Raises:
        Conflict: The script cannot be had, or did not carry the draft out.
    """
    from penstock.cli.run import conclude
    from penstock.cli.script import Interrupts
    from penstock.core.errors import Conflict
    from penstock.core.task import Status
    from penstock.ops.lifecycle import DequeueTask
    from penstock.sdk.display import PlainLines
    from penstock.sdk.launched import Launched, put

    if run.task.status is Status.QUEUED:
        invocation.backend.call(DequeueTask(id=run.id))
    going_on = run.id if run.number else None  # it was lost with its agent, and begins again where it stood
    shown = PlainLines() if plain else None
    values = _values(invocation, run) if going_on else {}
    draft = None if going_on else run.id
    launched = Launched({}, shown, draft=draft, resume=going_on, carries=True, values=values)
    put(launched)
    interrupts = Interrupts()
    with stdout_for(invocation), interrupts.watched():
        ending = _run_its_script(invocation, run)
        code, found = conclude(launched, ending, interrupted=bool(interrupts.count))
        if not code and run.id not in launched.runs:
            raise Conflict(
                f"the script of run {run.task.name!r} did not carry it out",
                hint=f"it has to build and start a pipeline {run.pipeline!r} in project {run.project!r}",
            )
    return code, found


def _values(invocation: Invocation, run: Run) -> dict[str, object]:
    """Return the values that the parameters of a run have that goes on."""
    from penstock.ops.runs import GetRun

    return {one.name: one.value for one in invocation.backend.call(GetRun(id=run.id)).definition.parameters}


def _run_its_script(invocation: Invocation, run: Run) -> Ending:
    """Run the script of a run and return how it ended.

    Raises:
        Conflict: Its code cannot be had.
    """
    from penstock.cli.script import ending_of
    from penstock.core.errors import Conflict, Invalid, NotFound
    from penstock.run.checkout import checkout
    from penstock.run.scripts import run_code

    try:
        code = checkout(run.task.script, invocation.settings.home / "cache")
    except (Invalid, NotFound) as error:
        raise Conflict(f"run {run.task.name!r}: {error.message}", hint=error.hint) from None
    with code:
        _go_where_it_was(run, str(code.folder))
        return ending_of(lambda: run_code(code))


def _go_where_it_was(run: Run, checked_out: str) -> None:
    """Work in the folder of the repository, else in the one that the run it comes from was started in."""
    from penstock.core.run import FOLDER, WORKING

    known = run.task.runtime
    with suppress(OSError):
        os.chdir(checked_out if run.task.script.repository else known.get(WORKING) or ".")
    if known.get(FOLDER):
        sys.path.append(known[FOLDER])


def _emit(invocation: Invocation, code: int, facts: dict[str, object]) -> None:
    if invocation.json:
        from penstock.cli.document import emit

        emit({"exit_code": code, **facts})
