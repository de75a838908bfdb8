"""`penstock task`: one recorded task, with what it was asked to do and what it left."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from penstock.cli.invocation import Exit, Invocation, json_option, pass_invocation

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from penstock.core.outputs import Artifact, Model
    from penstock.core.task import Script, Task

CHUNKS = 50  # of console that are read at once
EXAMPLE = """\
\b
Example:
  penstock task train
  penstock task 4f2a --logs
"""


@click.command("task", epilog=EXAMPLE)
@click.argument("task", metavar="[TASK]", default="last")
@click.option("--logs", is_flag=True, help="Print what it printed, and nothing else.")
@json_option
@pass_invocation
def command(invocation: Invocation, task: str, logs: bool) -> Exit:
    """Show a task: status, script, parameters, artifacts, models and numbers. Without TASK, the last one.

    TASK is an id or its beginning, or a name: of several tasks of one name the newest is meant.
    """
    invocation.close_lost()
    found = invocation.find_task(task)
    if logs and not invocation.json:
        _print_logs(invocation, found)
        return Exit.OK
    _show(invocation, found)
    return Exit.OK


def _show(invocation: Invocation, task: Task) -> None:
    from penstock.cli.metrics import table_of
    from penstock.cli.show import parameters_table
    from penstock.ops.models import ListModels
    from penstock.ops.outputs import ListArtifacts, SummarizeScalars
    from penstock.ops.tasks import GetConfigurations, GetParameters

    call = invocation.backend.call
    parameters = call(GetParameters(task=task.id))
    artifacts, models = call(ListArtifacts(task=task.id)), call(ListModels(task=task.id))
    metrics = call(SummarizeScalars(task=task.id))
    if invocation.json:
        from penstock.cli.document import emit

        configurations = call(GetConfigurations(task=task.id))
        found = {"parameters": parameters, "configurations": configurations, "artifacts": artifacts, "models": models}
        emit({"task": task, **found, "metrics": metrics})
        return
    from penstock.cli.terminal import console

    out = console()
    out.print(_facts(task, time.time()))
    parts = [
        parameters_table(parameters) if parameters else None,
        _outputs(artifacts, models) if artifacts or models else None,
        table_of([("", one) for one in metrics]) if metrics else None,
    ]
    for part in filter(None, parts):
        out.print()
        out.print(part)


def _facts(task: Task, now: float) -> Table:
    from penstock.cli.show import standing, times
    from penstock.cli.terminal import facts

    pairs: list[tuple[str, str | Text]] = [("task", task.name), ("status", standing(task)), ("type", task.type)]
    pairs += times(task, now)
    pairs += [("script", _script(task.script)), ("packages", ", ".join(task.script.packages or ()))]
    pairs += [(name, task.runtime.get(name, "")) for name in ("container", "environment")]
    pairs += [("project", task.project), ("tags", ", ".join(task.tags)), ("user", task.user)]
    pairs += [("comment", task.comment), ("id", task.id)]
    return facts(pairs)


def _script(script: Script) -> str:
    """Return in one line what runs, and where it is from."""
    if not script.repository:
        return script.entry_point
    changed = ", with changes that are not committed" if script.diff else ""
    at = f" at {(script.commit or script.branch or '')[:12]}" if script.commit or script.branch else ""
    return f"{script.entry_point} in {script.repository}{at}{changed}"


def _outputs(artifacts: list[Artifact], models: list[Model]) -> Table:
    from penstock.cli.terminal import plain, table
    from penstock.sdk.wording import size

    made = table("~OUTPUT", "~KIND", ">SIZE", "~PREVIEW")
    for one in artifacts:
        made.add_row(plain(one.name), plain(one.type), size(one.size), plain(one.preview.partition("\n")[0][:60]))
    for model in models:
        kind = f"{model.framework or 'model'}, {model.direction}".strip()
        made.add_row(plain(model.name), plain(kind), size(model.size), plain(model.comment.partition("\n")[0][:60]))
    return made


def _print_logs(invocation: Invocation, task: Task) -> None:
    from penstock.ops.outputs import ReadConsole
    from penstock.sdk.wording import harmless

    after = 0
    while chunks := invocation.backend.call(ReadConsole(task=task.id, after=after, limit=CHUNKS)):
        after = chunks[-1].id
        lines = [harmless(line.text) for chunk in chunks for line in chunk.lines]
        sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
