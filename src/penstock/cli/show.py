"""`penstock show`: one run with its parameters and steps."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from penstock.cli.invocation import Exit, Invocation, json_option, last_run_argument, pass_invocation

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from penstock.core.run import Run, RunDetail
    from penstock.core.task import Parameter, Task

LONGEST_MESSAGE = 30  # lines of a failed step's message
MOST_MESSAGES = 3  # failed steps whose message is printed
EXAMPLE = """\
\b
Example:
  penstock show 'iris #3'
"""


@click.command("show", epilog=EXAMPLE)
@last_run_argument
@json_option
@pass_invocation
def command(invocation: Invocation, run: str) -> Exit:
    """Show a run: status, parameters, and each of its steps. Without RUN, the last one."""
    from penstock.ops.tasks import GetParameters

    invocation.close_lost()
    detail = invocation.detail(run)
    parameters = invocation.backend.call(GetParameters(task=detail.run.id))
    if invocation.json:
        from penstock.cli.document import emit

        emit({"run": detail.run, "parameters": parameters, "steps": detail.steps, "definition": detail.definition})
        return Exit.OK
    from penstock.cli.terminal import console

    out, now = console(), time.time()
    out.print(_header(detail.run, now))
    if parameters:
        out.print()
        out.print(parameters_table(parameters))
    if detail.steps:
        out.print()
        out.print(_steps(detail, now))
    for task in _failed(invocation, detail):
        out.print()
        out.print(_message(task), soft_wrap=True)
    return Exit.OK


def _header(run: Run, now: float) -> Table:
    from penstock.cli.terminal import facts

    task = run.task
    asked = f"asked to stop: {run.stop_asked}" if run.stop_asked and task.ended is None else ""
    pairs: list[tuple[str, str | Text]] = [("run", task.name), ("status", standing(task, asked))]
    pairs += [("version", run.version), *times(task, now)]
    pairs += [("project", run.project), ("tags", ", ".join(task.tags)), ("user", task.user), ("id", run.id)]
    return facts(pairs)


def standing(task: Task, asked: str = "") -> Text:
    """Return the status of a task or run, why it is so, what it was `asked` since, and whether it is archived."""
    from penstock.cli.terminal import status
    from penstock.core.run import ARCHIVED
    from penstock.sdk.wording import harmless

    word = status(task.status)
    why = ": ".join(filter(None, [task.reason or "", task.message.partition("\n")[0]]))
    for said in filter(None, [why, asked]):
        word.append(f"  {harmless(said)}", style="default")
    if ARCHIVED in task.system_tags:
        word.append(f"  {ARCHIVED}", style="dim")
    word.no_wrap = False
    return word


def times(task: Task, now: float) -> list[tuple[str, str | Text]]:
    """Return when a task or run started and how long it took, once it did."""
    from penstock.cli.runs import length
    from penstock.sdk.wording import age

    if task.started is None:
        return []
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(task.started))
    return [("started", f"{at} ({age(now - task.started)})"), ("duration", length(task.started, task.ended, now))]


def parameters_table(parameters: Sequence[Parameter]) -> Table:
    """Return the table of parameters."""
    from penstock.cli.terminal import plain, table

    described = any(parameter.description for parameter in parameters)
    made = table("~PARAMETER", "~VALUE", *(["~DESCRIPTION"] if described else []))
    for parameter in parameters:
        name = parameter.name if parameter.section == "Args" else parameter.path
        row = [plain(name), plain(str(parameter.value))]
        made.add_row(*row, *([plain(parameter.description, "dim")] if described else []))
    return made


def _steps(detail: RunDetail, now: float) -> Table:
    from penstock.cli.runs import length
    from penstock.cli.terminal import plain, status, table
    from penstock.sdk.wording import first_line

    retried = any(step.attempt > 1 for step in detail.steps)
    explained = any(step.reason for step in detail.steps)
    made = table(
        "~STEP", "STATUS", ">DURATION", *([">ATTEMPT"] if retried else []), *(["~REASON"] if explained else [])
    )
    for step in detail.steps:
        made.add_row(
            plain(step.name),
            status(step.status),
            length(step.started, step.ended, now),
            *([str(step.attempt or "")] if retried else []),
            *([plain(first_line(step.reason))] if explained else []),
        )
    return made


def _failed(invocation: Invocation, detail: RunDetail) -> list[Task]:
    """Return the tasks of the first failed steps that have more to say than fits in the table."""
    from penstock.core.progress import StepStatus
    from penstock.ops.tasks import GetTask

    ids = [step.task for step in detail.steps if step.status is StepStatus.FAILED and step.task is not None]
    tasks = [invocation.backend.call(GetTask(id=id)) for id in ids[:MOST_MESSAGES]]
    return [task for task in tasks if "\n" in task.message.strip()]


def _message(task: Task) -> Text:
    from rich.text import Text

    from penstock.sdk.wording import harmless, harmless_lines

    _, _, details = task.message.strip().partition("\n")
    lines = harmless_lines(details.strip("\n"))
    left_out = len(lines) - LONGEST_MESSAGE
    if left_out > 0:
        lines = [f"... {left_out} lines, see penstock logs ...", *lines[-LONGEST_MESSAGE:]]
    made = Text(f"{harmless(task.step or task.name)} failed:\n", style="bold")
    made.append("\n".join(f"  {line}" for line in lines), style="not bold")
    return made
