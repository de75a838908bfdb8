"""`penstock graph`: the steps of a run and how they depend on each other, as text or as a picture."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock.cli.invocation import Exit, Invocation, json_option, last_run_argument, pass_invocation

if TYPE_CHECKING:
    from rich.text import Text

    from penstock.core.run import RunDetail

FORMATS = ("text", "mermaid", "svg")
SUFFIXES = {".svg": "svg", ".mmd": "mermaid", ".mermaid": "mermaid"}
MOST_BOXES = 40  # steps; beyond, a list is easier to read than boxes
LONGEST = 32  # columns of a name in a box
PLAIN_WIDTH = 120  # columns of a drawing that goes to a file
EXAMPLE = """\
\b
Example:
  penstock graph last -o graph.svg
"""


@click.command("graph", epilog=EXAMPLE)
@last_run_argument
@click.option("--format", "wanted", type=click.Choice(FORMATS), help="Default: text, or what the file's name says.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@json_option
@pass_invocation
def command(invocation: Invocation, run: str, wanted: str | None, output: Path | None) -> Exit:
    """Draw the steps of a run, parents above their children, with their status."""
    invocation.close_lost()
    detail = invocation.detail(run)
    if invocation.json:
        from penstock.cli.document import emit

        emit(_graph(detail))
        return Exit.OK
    form = wanted or (SUFFIXES.get(output.suffix.lower(), "text") if output is not None else "text")
    if form == "text" and output is None:
        from penstock.cli.terminal import console

        out = console()
        out.print(_text(detail, out.width if sys.stdout.isatty() else PLAIN_WIDTH), soft_wrap=True)
        return Exit.OK
    content = _text(detail, PLAIN_WIDTH).plain + "\n" if form == "text" else _picture(detail, form)
    if output is None:
        click.echo(content, nl=False)
    else:
        _write(output, content)
    return Exit.OK


def _graph(detail: RunDetail) -> dict[str, object]:
    states = {step.name: step for step in detail.steps}
    steps = [
        {"name": step.name, "parents": step.parents, "status": states[step.name].status}
        for step in detail.definition.steps
    ]
    return {"run": detail.run, "steps": steps}


def _parents(detail: RunDetail) -> dict[str, tuple[str, ...]]:
    return {step.name: step.parents for step in detail.definition.steps}


def _text(detail: RunDetail, width: int) -> Text:
    """Return boxes where they fit, else a list; below, what the marks mean."""
    from rich.text import Text

    from penstock.cli.boxes import draw
    from penstock.sdk.wording import GLYPHS, STYLES, cut, harmless, labelled

    parents = _parents(detail)
    status = {step.name: str(step.status) for step in detail.steps}
    labels = {name: f"{GLYPHS[status[name]]} {cut(harmless(name), LONGEST)}" for name in parents}
    drawing = draw(parents, labels, width) if len(parents) <= MOST_BOXES else None
    if drawing is None:
        made = _list(parents, status)
    else:
        made = Text("\n".join(drawing.lines))
        starts = [0]
        for line in drawing.lines:
            starts.append(starts[-1] + len(line) + 1)
        for name, (row, start) in drawing.labels.items():
            made.stylize(STYLES[status[name]], starts[row] + start, starts[row] + start + len(labels[name]))
    legend = [labelled(one) for one in GLYPHS if one in set(status.values())]
    return made.append("\n\n" + "   ".join(legend) if legend else "the run has no steps", style="dim")


def _list(parents: dict[str, tuple[str, ...]], status: dict[str, str]) -> Text:
    from rich.text import Text

    from penstock.cli.outline import outline
    from penstock.sdk.wording import GLYPHS, STYLES, harmless

    made = Text()
    for entry in outline(parents):
        made.append("\n" if made else "").append(entry.prefix)
        made.append(f"{GLYPHS[status[entry.node]]} {harmless(entry.node)}", style=STYLES[status[entry.node]])
        made.append(f"    {harmless(entry.after)}" if entry.after else "", style="dim")
    return made


def _picture(detail: RunDetail, form: str) -> str:
    from penstock.cli.mermaid import mermaid
    from penstock.cli.svg import svg

    statuses = {step.name: str(step.status) for step in detail.steps}
    if form == "mermaid":
        return mermaid(_parents(detail), statuses)
    tooltips = {step.name: ": ".join(filter(None, [step.name, step.status, step.reason])) for step in detail.steps}
    run = detail.run
    return svg(_parents(detail), statuses, tooltips, f"{run.task.name}  v{run.version}  {run.task.status}")


def _write(output: Path, content: str) -> None:
    try:
        output.write_text(content, "utf-8")
    except OSError as error:
        raise click.ClickException(f"cannot write {output}: {error.strerror}") from None
    click.echo(f"wrote {output}", err=True)
