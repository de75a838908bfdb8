"""Runs as large as the page has to show: recorded by operations, with no process that would carry them out."""

from __future__ import annotations

import random
from uuid import uuid4

from penstock.backend import Backend
from penstock.core.outputs import ConsoleLine, ScalarPoint, Stream
from penstock.core.pipeline import Pipeline, Step
from penstock.core.progress import StepStatus
from penstock.core.task import Script, Status, Worker
from penstock.ops.outputs import AppendConsole, NewPoints, ReportScalars
from penstock.ops.runs import CreateRun, StartRun
from penstock.ops.steps import DecideSteps, LaunchStep, StepDecision
from penstock.ops.tasks import EndTask, NewTask

WIDE = 40
WORKER = Worker(host="there", pid=1, started="1", boot="1")
CODE = {"c": Script(source="def work(data):\n    return data\n", entry_point="work")}
NOW = 1_790_000_000.0


def layered(count: int) -> tuple[Step, ...]:
    """Return steps in rows of 40, each with up to two parents in the row above."""
    dice = random.Random(7)  # noqa: S311 - the same graph each time
    steps: list[Step] = []
    for number in range(count):
        row = number // WIDE * WIDE
        above = {f"layered_step_{row - WIDE + dice.randrange(WIDE)}" for _ in range(2)} if row else set[str]()
        steps.append(Step(name=f"layered_step_{number}", code="c", parents=tuple(sorted(above))))
    return tuple(steps)


def graph(backend: Backend, count: int) -> str:
    """Record a run of so many steps, of which every status has some; return its id."""
    steps = layered(count)
    run = _begun(backend, f"layered {count}", steps)
    due = steps[: count * 9 // 10]
    for number, step in enumerate(due):
        if number % 4 == 0:
            task = NewTask(id=uuid4().hex, name=step.name, project="bench", parent=run)
            found = backend.call(LaunchStep(run=run, step=step.name, attempt=1, task=task, worker=WORKER))
            if number % 40:
                status = Status.FAILED if number % 100 == 8 else Status.COMPLETED
                backend.call(EndTask(id=found.id, status=status))
    others = [StepStatus.ABORTED, StepStatus.QUEUED, StepStatus.SKIPPED]
    decisions = [
        StepDecision(step=step.name, status=others[number % 4 - 1], reason="as it was measured")
        for number, step in enumerate(due)
        if number % 4
    ]
    for first in range(0, len(decisions), 500):
        backend.call(DecideSteps(run=run, decisions=tuple(decisions[first : first + 500])))
    return run


def runs(backend: Backend, count: int) -> None:
    """Record so many runs that have not begun."""
    for number in range(count):
        new = NewTask(id=uuid4().hex, name=f"run {number}", project="bench", tags=("nightly",) * (number % 2))
        backend.call(CreateRun(pipeline=f"flow {number % 20}", project="bench", task=new))


def console(backend: Backend, lines: int) -> str:
    """Record a run with a step that printed so many lines; return its id."""
    run, task = _with_step(backend, "talks")
    for first in range(0, lines, 2_000):
        texts = (
            f"{number:>9} epoch loss \x1b[32m0.{number % 1000:03}\x1b[0m of a line"
            for number in range(first, first + 2_000)
        )
        told = tuple(ConsoleLine(NOW + first, Stream.OUT, text) for text in texts)
        backend.call(AppendConsole(task=task, lines=told))
    return run


def scalars(backend: Backend, points: int) -> str:
    """Record a run with a step that reported so many points in ten series; return its id."""
    run, task = _with_step(backend, "measures")
    dice = random.Random(7)  # noqa: S311 - the same series each time
    each = points // 10
    for series in range(10):
        for first in range(0, each, 20_000):
            some = tuple(
                ScalarPoint(number, 1 / (1 + number / 5_000) + dice.random() / 10 + series / 20, NOW)
                for number in range(first, min(each, first + 20_000))
            )
            new = NewPoints(title="loss", series=f"series {series}", points=some)
            backend.call(ReportScalars(task=task, series=(new,)))
    return run


def _with_step(backend: Backend, name: str) -> tuple[str, str]:
    run = _begun(backend, name, (Step(name=name, code="c"),))
    task = NewTask(id=uuid4().hex, name=name, project="bench", parent=run)
    return run, backend.call(LaunchStep(run=run, step=name, attempt=1, task=task, worker=WORKER)).id


def _begun(backend: Backend, name: str, steps: tuple[Step, ...]) -> str:
    run = uuid4().hex
    definition = Pipeline(name=name, project="bench", steps=steps, code=CODE)
    backend.call(CreateRun(pipeline=name, project="bench", task=NewTask(id=run, name=name, project="bench")))
    backend.call(StartRun(id=run, definition=definition, worker=WORKER))
    return run
