"""What the commands report that have carried out runs: how these ended, and what to type next."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from penstock.cli.invocation import Exit, Invocation

if TYPE_CHECKING:
    from penstock.core.run import Run, RunDetail


@contextmanager
def stdout_for(invocation: Invocation) -> Generator[None]:
    """With `--json`, send what the script and its steps print to standard error: the document comes alone."""
    if not invocation.json:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def details(ids: Sequence[str]) -> list[RunDetail]:
    """Return the runs of these ids, with their steps."""
    from penstock.ops.runs import GetRun
    from penstock.sdk import session

    return [session.open_backend(session.settings()).call(GetRun(id=id)) for id in ids]


def verdict(runs: Sequence[Run]) -> Exit:
    """Return the exit code for runs that have ended."""
    from penstock.core.task import Status

    good = {Status.COMPLETED, Status.PUBLISHED}
    return Exit.OK if all(run.task.status in good for run in runs) else Exit.FAILED


def what_next(details: Sequence[RunDetail]) -> list[str]:
    """Return what to type next."""
    from penstock.core.progress import StepStatus

    if not details:
        return []
    name = _shown(details[-1].run)
    commands = [f"penstock show {name}"] if len(details) == 1 else ["penstock runs", f"penstock show {name}"]
    failed = [step.name for step in details[-1].steps if step.status is StepStatus.FAILED and step.attempt]
    if failed:
        commands.append(f"penstock logs {name} {shlex.quote(failed[0])}")
    if verdict([details[-1].run]) and not any(step.callbacks for step in details[-1].definition.steps):
        commands.append(f"penstock resume {name}")
    return [f"next: {'   '.join(commands)}"]


def _shown(run: Run) -> str:
    """Return how to name a run on the command line: by its name, where that names no other."""
    from penstock.core.errors import PenstockError
    from penstock.ops.runs import FindRun
    from penstock.sdk import session

    name = run.task.name
    try:
        found = session.open_backend(session.settings()).call(FindRun(text=name))
    except PenstockError:
        return run.id[:12]
    return shlex.quote(name) if found.id == run.id and name.isprintable() else run.id[:12]
