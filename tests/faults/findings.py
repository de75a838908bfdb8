"""What a run left behind, and whether that is as it must be: nothing lost, nothing done twice, nobody left over."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from penstock.backend import Backend
from penstock.core.run import RunDetail
from penstock.core.task import OPEN, Status, Task
from penstock.ops.outputs import GetScalars, ListArtifacts, ReadConsole
from penstock.ops.tasks import GetParameters
from penstock.run.resources import TITLE

MARK = "CHAOS_MARK"


class Broken(Exception):
    """Something was lost, or done twice."""


class Made(Struct, frozen=True):
    """What a run made: everything that has to be the same however often it was killed."""

    artifacts: dict[str, dict[str, str]]
    returned: dict[str, list[tuple[str, object]]]
    scalars: dict[str, list[tuple[str, str, list[tuple[int | None, float]]]]]
    printed: dict[str, list[str]]


def made(backend: Backend, detail: RunDetail) -> Made:
    """Return what the run made."""
    call = backend.call
    tasks = {state.name: str(state.task) for state in detail.steps} | {"": detail.run.id}
    return Made(
        artifacts={name: {one.name: one.hash for one in call(ListArtifacts(task=id))} for name, id in tasks.items()},
        returned={
            name: sorted((one.path, one.value) for one in call(GetParameters(task=id)) if one.section == "return")
            for name, id in tasks.items()
        },
        scalars={
            name: [
                (one.title, one.series, [(point.iteration, point.value) for point in one.points])
                for one in call(GetScalars(task=id))
                if one.title != TITLE  # what a task used is another matter each time
            ]
            for name, id in tasks.items()
        },
        printed={
            name: [line.text for chunk in call(ReadConsole(task=id)) for line in chunk.lines]
            for name, id in tasks.items()
            if name
        },
    )


def compare(run: str, found: Made, expected: Made) -> None:
    """Look whether a run made what an undisturbed one makes."""
    for what in expected.__struct_fields__:
        if getattr(found, what) != getattr(expected, what):
            raise Broken(f"{what} of run {run} are {getattr(found, what)}, not {getattr(expected, what)}")


def check_attempts(name: str, attempts: list[Task], executed: Counter[str]) -> None:
    """Look whether a step completed once, and was not tried again afterwards."""
    numbers = [task.attempt for task in attempts]
    if numbers != list(range(1, len(attempts) + 1)):
        raise Broken(f"the attempts of {name} are {numbers}")
    good = [task.attempt for task in attempts if task.status is Status.COMPLETED]
    if good != numbers[-1:]:
        raise Broken(f"of the attempts {numbers} of {name}, {good} completed")
    if still := [task.attempt for task in attempts if task.status in OPEN]:
        raise Broken(f"attempts {still} of {name} are open")
    for number in numbers:
        if executed[f"{name} {number} started"] > 1:
            raise Broken(f"attempt {number} of {name} was executed twice")
    late = [line for line in executed if line.startswith(f"{name} ") and int(line.split()[1]) > numbers[-1]]
    if late or not executed[f"{name} {numbers[-1]} started"]:
        raise Broken(f"{name} has {numbers} attempts, and executed {sorted(executed)}")


def marked(mark: str) -> list[int]:
    """Return the processes that live and were started with this mark in their environment."""
    wanted = f"{MARK}={mark}".encode()
    found: list[int] = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def children(pid: int) -> list[int]:
    """Return the processes that a process has started, by whichever of its threads."""
    found: list[int] = []
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += [int(one) for one in (thread / "children").read_text().split()]
    return found


def parent(pid: int) -> int:
    """Return the process that started a process, 0 when it is gone."""
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0
