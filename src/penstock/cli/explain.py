"""`penstock explain`: why a run and its steps went as they did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from penstock.cli.invocation import (
    OF_THE_RUN,
    Exit,
    Invocation,
    json_option,
    last_run_argument,
    pass_invocation,
    step_argument,
    step_named,
)

if TYPE_CHECKING:
    from rich.text import Text

    from penstock.core.explain import Explanation

EVERY_ATTEMPT = 1_000_000_000  # a limit that no run reaches
INDENT = 2  # columns before a line below the headline
EXAMPLE = """\
\b
Example:
  penstock explain last train
"""


@click.command("explain", epilog=EXAMPLE)
@last_run_argument
@step_argument
@json_option
@pass_invocation
def command(invocation: Invocation, run: str, step: str | None) -> Exit:
    """Say why a run went as it did, and each of its steps in a line; or all about one step. Without RUN, the last one.

    Why a step ran and was not reused, or what it was reused from; why it failed, was skipped, or waits. The STEP
    called pipeline is the run itself.
    """
    from penstock.core.explain import Explanations
    from penstock.ops.decisions import ListDecisions
    from penstock.ops.tasks import ListTasks
    from penstock.sdk.wording import duration

    invocation.close_lost()
    detail = invocation.detail(run)
    if step is not None and step != OF_THE_RUN:
        step_named(detail, step)
    one = None if step == OF_THE_RUN else step
    call = invocation.backend.call
    attempts = call(ListTasks(run=detail.run.id, step=one, limit=EVERY_ATTEMPT))
    decisions = call(ListDecisions(run=detail.run.id))
    found = Explanations(detail, attempts, decisions, duration)
    whole = found.run()
    steps = [] if step == OF_THE_RUN else found.steps() if one is None else [found.step(one)]
    if invocation.json:
        from penstock.cli.document import emit

        theirs = [decision for decision in decisions if step is None or decision.step == (one or "")]
        emit({"run": detail.run, "explanation": whole, "steps": steps, "decisions": theirs})
    elif one is None:
        _print(whole, steps)
    else:
        _print(steps[0], [])
    return Exit.OK


def _print(first: Explanation, steps: Sequence[Explanation]) -> None:
    """Print an explanation with its lines, and of others the headlines."""
    from rich.text import Text

    from penstock.cli.terminal import console
    from penstock.sdk.wording import harmless

    out = console()
    out.print(_headline(first))
    for line in first.lines:
        said = Text(harmless(line), style="dim" if steps else "")
        for number, piece in enumerate(said.wrap(out, max(out.width - INDENT * 2, 1))):
            out.print(Text(" " * INDENT * (2 if number else 1)).append_text(piece))
    if steps:
        out.print()
        out.print(Text("\n").join(map(_headline, steps)), no_wrap=True, overflow="ellipsis")


def _headline(one: Explanation) -> Text:
    """Return the mark of the status, in its colour, and the headline with the step's name in bold."""
    from rich.text import Text

    from penstock.sdk.wording import GLYPHS, STYLES, harmless

    name = harmless(one.step)
    said = harmless(one.headline).removeprefix(name)
    mark = (GLYPHS.get(one.status, "?"), STYLES.get(one.status, ""))
    return Text.assemble(mark, " ", (name, "bold"), said)
