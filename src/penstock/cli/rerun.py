"""`penstock rerun`: a new run of what a run did, which reuses of it what does not depend on a change."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from penstock.cli import secret
from penstock.cli.invocation import Exit, Invocation, json_option, pass_invocation, run_argument
from penstock.cli.outcome import stdout_for

if TYPE_CHECKING:
    from rich.text import Text

    from penstock.core.rerun import PlannedStep, RerunPlan
    from penstock.ops.reruns import DraftRerun

EXAMPLE = """\
\b
Example:
  penstock rerun 'iris #3' --param test_size=0.3
  penstock rerun last --from train --dry-run
"""


@click.command("rerun", epilog=EXAMPLE)
@run_argument
@click.option("-p", "--param", "given", multiple=True, metavar="NAME=VALUE", help="Another value for a parameter.")
@secret.option
@click.option("--from", "from_step", metavar="STEP", help="Run this step anew, and all that build on it.")
@click.option("--only", metavar="STEP", help="Run this step anew; of the others only those that it needs.")
@click.option("--dry-run", is_flag=True, help="Show what would be done with each step, and do nothing.")
@click.option("--plain", is_flag=True, help="Print plain lines, also in a terminal.")
@json_option
@pass_invocation
def command(
    invocation: Invocation,
    run: str,
    given: Sequence[str],
    secrets: Sequence[str],
    from_step: str | None,
    only: str | None,
    dry_run: bool,
    plain: bool,
) -> int:
    """Do anew what a run did, as a new run; what does not depend on a change is reused.

    First it prints what it does with each step, and why; then it does it on this machine. A step depends on the
    parameters that it refers to and on the steps that it builds on. Steps that did not complete run again, as do those
    whose own code, or code of the project that they use, is another one by now. The run itself stays as it is; its
    script runs as it was recorded, so for changed code of the script use: penstock run SCRIPT
    """
    from penstock.cli.run import parameter
    from penstock.ops.reruns import DraftRerun, PlanRerun

    if from_step and only:
        raise click.UsageError(f"--from {from_step} and --only {only} exclude each other")
    invocation.close_lost()
    source = invocation.find(run)
    values, own = dict(map(parameter, given)), secret.read(secrets)
    if dry_run:
        op = PlanRerun(source=source.id, parameters=dict(values), secrets=own, from_step=from_step, only=only)
        _show(invocation, invocation.backend.call(op))
        return Exit.OK
    draft = DraftRerun(
        id=uuid.uuid4().hex,
        source=source.id,
        parameters=dict(values),
        secrets=own,
        from_step=from_step,
        only=only,
        user=invocation.settings.user,
    )
    return _carry_out(invocation, draft, plain=plain)


def _carry_out(invocation: Invocation, op: DraftRerun, *, plain: bool) -> int:
    """Record the draft, show its plan, carry it out; a draft that did not begin goes again."""
    from penstock.cli.execute import carry_out_run
    from penstock.ops.runs import DeleteRun, GetRun

    made = invocation.backend.call(op)
    try:
        with stdout_for(invocation):
            _print(made.plan)
            click.echo()
        code, found = carry_out_run(invocation, made.run, plain=plain)
    finally:
        if not invocation.backend.call(GetRun(id=op.id)).run.number:
            invocation.backend.call(DeleteRun(id=op.id))
    if invocation.json:
        from penstock.cli.document import emit

        emit({"exit_code": code, "plan": made.plan, "runs": [detail.run for detail in found]})
    return code


def _show(invocation: Invocation, plan: RerunPlan) -> None:
    if invocation.json:
        from penstock.cli.document import emit

        emit({"plan": plan})
        return
    _print(plan)


def _print(plan: RerunPlan) -> None:
    """Print what is done with each step, and why."""
    from penstock.cli.terminal import console, plain, table
    from penstock.sdk.wording import harmless

    out = console()
    for line in _head(plan):
        out.print(harmless(line), soft_wrap=True)
    if not plan.steps:
        return
    out.print()
    made = table("~STEP", "", "~WHY")
    for one in plan.steps:
        made.add_row(plain(one.step), _treatment(one), plain(one.why, "" if one.treatment == "run" else "dim"))
    out.print(made)


def _head(plan: RerunPlan) -> list[str]:
    from penstock.core.rerun import Treatment
    from penstock.sdk.wording import count

    found = Counter(one.treatment for one in plan.steps)
    said = [
        f"{count(found[Treatment.RUN], 'step')} to run" if found[Treatment.RUN] else "no step to run",
        f"{found[Treatment.REUSE]:,} reused" if found[Treatment.REUSE] else "",
        f"{found[Treatment.SKIP]:,} left out" if found[Treatment.SKIP] else "",
    ]
    return [f"rerun of {plan.request.name}: {', '.join(filter(None, said))}", *(f"  {one}" for one in plan.changes)]


def _treatment(one: PlannedStep) -> Text:
    from rich.text import Text

    from penstock.sdk.wording import GLYPHS, STYLES

    status = {"reuse": "cached", "run": "running", "skip": "skipped"}[one.treatment]
    return Text(f"{GLYPHS[status]} {one.treatment}", style=STYLES[status], no_wrap=True)
