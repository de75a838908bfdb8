"""`penstock doctor`: looks at this installation and its home, and says what is wrong and what to do about it."""

from __future__ import annotations

import os
import platform
import select
import shutil
import stat
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
from msgspec import Struct

from penstock.cli.invocation import Exit, Invocation, json_option, pass_invocation

if TYPE_CHECKING:
    from penstock.core.task import Task
    from penstock.ops.health import Health
    from penstock.run.warm import Warm
    from penstock.run.wire import Ready
    from penstock.settings import Settings

LIBRARIES = ("click", "cloudpickle", "msgspec", "platformdirs", "rich")
USED_BY_STEPS = ("numpy", "pandas", "polars", "pyarrow", "scikit-learn", "torch")
SCARCE = 1_000_000_000  # bytes of free disk below which there is a warning
TOO_SCARCE = 100_000_000  # and below which there is a problem
PATIENCE = 15.0  # seconds that the process that steps are forked from gets to start
EVERY_RUN = 1_000_000

Verdict = Literal["ok", "warning", "problem"]
MARKS: dict[Verdict, tuple[str, str]] = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("✗", "red")}


class Check(Struct, frozen=True, kw_only=True):
    """What was looked at, and what was found."""

    name: str
    verdict: Verdict = "ok"
    found: str
    hint: str = ""


EXAMPLE = """\
\b
Example:
  penstock doctor --fix
"""


@click.command("doctor", epilog=EXAMPLE)
@click.option("--fix", is_flag=True, help="End what lost its process; remove environments long unused.")
@json_option
@pass_invocation
def command(invocation: Invocation, fix: bool) -> Exit:
    """Check this installation and its home: permissions, database, disk, versions, whether steps can be started."""
    checks = [*_installation(), *_home(invocation.settings), *_records(invocation, fix=fix), _steps()]
    checks.append(_environments(invocation.settings, fix=fix))
    if invocation.json:
        from penstock.cli.document import emit

        emit({"checks": checks})
    else:
        _print(checks)
    return Exit.FAILED if any(check.verdict == "problem" for check in checks) else Exit.OK


def _installation() -> Iterator[Check]:
    import penstock

    yield Check(name="penstock", found=f"{penstock.__version__} in {Path(penstock.__file__).parent}")
    yield Check(name="python", found=f"{platform.python_version()}, {sys.executable}, {platform.platform()}")
    yield Check(name="libraries", found=_versions(LIBRARIES))
    yield Check(name="for steps", found=_versions(USED_BY_STEPS) or "none of " + ", ".join(USED_BY_STEPS))


def _versions(names: Iterable[str]) -> str:
    found: list[str] = []
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def _home(settings: Settings) -> Iterator[Check]:
    """Look at the files of the home, without opening any."""
    home = settings.home
    if not home.exists():
        yield Check(name="home", found=f"{home} is not there yet: the first run makes it")
        yield _disk(next(folder for folder in home.parents if folder.exists()))
        return
    yield _private(home, 0o700, "home")
    if settings.database.exists():
        yield _private(settings.database, 0o600, "database file")
    yield _disk(home)


def _private(path: Path, wanted: int, name: str) -> Check:
    """Say whether a file or folder is ours, and nobody else may enter or read it."""
    facts = path.stat()
    mode = stat.S_IMODE(facts.st_mode)
    if facts.st_uid != os.getuid():
        found = f"{path} belongs to another user (uid {facts.st_uid})"
        return Check(name=name, verdict="problem", found=found, hint="set PENSTOCK_HOME to a folder of your own")
    if mode & 0o077:
        found = f"{path} is open to others (mode {mode:04o})"
        return Check(name=name, verdict="problem", found=found, hint=f"chmod {wanted:o} {path}")
    return Check(name=name, found=f"{path} (mode {mode:04o})")


def _disk(folder: Path) -> Check:
    from penstock.sdk.wording import size

    free = shutil.disk_usage(folder).free
    verdict: Verdict = "problem" if free < TOO_SCARCE else "warning" if free < SCARCE else "ok"
    hint = "" if verdict == "ok" else "delete runs with penstock rm, or set PENSTOCK_HOME to another disk"
    return Check(name="free disk", verdict=verdict, found=size(free), hint=hint)


def _records(invocation: Invocation, *, fix: bool) -> Iterator[Check]:
    """Open the database and look at the runs in it."""
    from penstock.core.errors import PenstockError
    from penstock.core.task import Status
    from penstock.ops.health import CheckHealth
    from penstock.ops.runs import ListRuns
    from penstock.run.reconcile import find_lost, find_lost_tasks
    from penstock.sdk.wording import count

    if not invocation.settings.home.exists():
        return
    try:
        yield _database(invocation.backend.call(CheckHealth()))
        runs = invocation.backend.call(ListRuns(limit=EVERY_RUN))
        lost, tasks = find_lost(invocation.backend), find_lost_tasks(invocation.backend)
        if fix:
            invocation.close_lost()
        left, tasks_left = find_lost(invocation.backend), find_lost_tasks(invocation.backend)
    except PenstockError as error:
        yield Check(name="database", verdict="problem", found=error.message, hint=error.hint or "")
        return
    drafts = sum(run.task.status is Status.CREATED for run in runs)
    yield Check(name="runs", found=f"{count(len(runs) - drafts, 'run')}, {count(drafts, 'draft')}")
    yield _lost("run", [run.task for run in lost], len(left))
    yield _lost("task", tasks, len(tasks_left))


def _database(health: Health) -> Check:
    if not health.problems:
        return Check(name="database", found=f"version {health.version}, whole")
    found = f"version {health.version}, damaged: {'; '.join(health.problems[:3])}"
    hint = "move the home away, or bring back a copy of it; what it recorded up to now may be unreadable"
    return Check(name="database", verdict="problem", found=found, hint=hint)


def _lost(word: str, lost: Sequence[Task], left: int) -> Check:
    """Say which runs, or tasks, were found whose process is gone.

    Args:
        word: What they are.
        lost: Those that were found.
        left: How many of them are still in progress.
    """
    from penstock.sdk.wording import count

    if not lost:
        return Check(name=f"lost {word}s", found="none")
    names = ", ".join(f"{task.name} ({task.id[:12]})" for task in lost[:5])
    if not left:
        return Check(name=f"lost {word}s", found=f"ended {count(len(lost), word)} whose process was gone: {names}")
    found = f"{count(len(lost), word)} in progress whose process is gone: {names}"
    return Check(name=f"lost {word}s", verdict="problem", found=found, hint="penstock doctor --fix")


def _steps() -> Check:
    """Start the process that steps are forked from, as a run does, and ask whether it can."""
    from penstock.core.errors import PenstockError
    from penstock.run.warm import Kind, Warm
    from penstock.sdk.wording import duration

    began = time.monotonic()
    try:
        warm = Warm(Kind(interpreter=sys.executable, path=(), modules=(), fingerprint="", environment=None))
    except PenstockError as error:
        return Check(name="steps", verdict="problem", found=error.message, hint=error.hint or "")
    try:
        ready = _wait_until_ready(warm, began + PATIENCE)
    finally:
        warm.dismiss()
    if ready is None:
        found = warm.last_words or "the process that steps are started from did not start"
        return Check(
            name="steps", verdict="problem", found=found, hint="see whether this Python starts: python -c pass"
        )
    if not ready.forkable:
        return Check(name="steps", verdict="warning", found=f"start slowly: forking is not safe ({ready.reason})")
    return Check(
        name="steps", found=f"start by forking a process that was ready after {duration(time.monotonic() - began)}"
    )


def _environments(settings: Settings, *, fix: bool) -> Check:
    """Say what the environments take that were built for tasks, and whether uv is there to build more."""
    from penstock.core.errors import NotFound
    from penstock.run import environments, uv
    from penstock.sdk.wording import count, size

    cache = settings.home / "cache"
    removed = environments.prune(cache, settings.environments) if fix and cache.exists() else 0
    there = environments.kept(cache)
    found = f"{count(len(there), 'environment')} for tasks, {size(sum(one.facts.size for one in there))}"
    found += f", removed {removed}" if removed else ""
    try:
        return Check(name="environments", found=f"{found}; built by {uv.find()}")
    except NotFound as error:
        return Check(name="environments", verdict="warning", found=f"{found}; {error.message}", hint=error.hint or "")


def _wait_until_ready(warm: Warm, deadline: float) -> Ready | None:
    """Return the report of the process that it is ready; None when it died or the time is over."""
    while warm.ready is None and not warm.connection.ended and (left := deadline - time.monotonic()) > 0:
        poll = select.poll()  # `select.select` refuses descriptors from 1024
        poll.register(warm.connection.endpoint, select.POLLIN | (select.POLLOUT if warm.connection.pending else 0))
        poll.poll(left * 1000)
        warm.hear()
    return warm.ready


def _print(checks: Sequence[Check]) -> None:
    from rich.text import Text

    from penstock.cli.terminal import console
    from penstock.sdk.wording import harmless

    width = max(len(check.name) for check in checks)
    out = console()
    for check in checks:
        mark, style = MARKS[check.verdict]
        line = Text(f"{mark} ", style=style).append(f"{check.name:{width}}  ", style="bold default")
        line.append(harmless(check.found), style="default")
        out.print(line, soft_wrap=True)
        if check.hint:
            out.print(Text(f"  {'':{width}}  hint: {harmless(check.hint)}"), soft_wrap=True)
