"""`penstock logs`: what the steps of a run printed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
from msgspec import Struct

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
    from penstock.backend import Backend
    from penstock.core.outputs import Stream
    from penstock.core.run import RunDetail, StepState
    from penstock.ops.outputs import ConsoleChunk

PATIENCE = 0.3  # seconds after which new lines are looked for, when nothing else happened in the run
CHUNKS = 50  # that are read at once: each may hold a megabyte
WIDEST = 30  # columns of a step's name up to which the lines of others are aligned with its own
EXAMPLE = """\
\b
Example:
  penstock logs last train -f
"""


class Line(Struct, frozen=True, kw_only=True):
    """A line with where it came from."""

    step: str
    attempt: int
    at: float
    stream: Stream
    text: str


@click.command("logs", epilog=EXAMPLE)
@last_run_argument
@step_argument
@click.option("-f", "--follow", is_flag=True, help="Go on until the run has ended.")
@json_option
@pass_invocation
def command(invocation: Invocation, run: str, step: str | None, follow: bool) -> Exit:
    """Print what the steps of a run printed, in the order in which it came; or one step, all its attempts."""
    invocation.close_lost()
    detail = invocation.detail(run)
    if step is not None and step != OF_THE_RUN:
        _say_if_reused(step_named(detail, step))
    reader = Reader(invocation.backend, detail, step)
    pieces = _follow(invocation, reader, detail.run.id) if follow else reader.read()
    if invocation.json:
        from penstock.cli.document import emit

        emit({"run": detail.run, "lines": [line for piece in pieces for line in piece]})
        return Exit.OK
    writer = _Writer(detail, step)
    for piece in pieces:
        sys.stdout.write("".join(map(writer.written, piece)))
        sys.stdout.flush()
    return Exit.OK


def _say_if_reused(state: StepState) -> None:
    """Say why a step printed nothing that did not have to run."""
    from penstock.core.progress import StepStatus
    from penstock.sdk.wording import harmless

    if state.status is StepStatus.CACHED:
        click.echo(harmless(f"{state.name} did not run: {state.reason}"), err=True)


class Reader:
    """Reads the console of a run, or of one step of it, on from where it stopped."""

    def __init__(self, backend: Backend, detail: RunDetail, step: str | None) -> None:
        self._backend = backend
        self._run = detail.run.id
        self._step = step
        self._read: dict[str, int] = {}  # the last chunk that was read, by task
        self._sources: dict[str, tuple[str, int]] = {self._run: (OF_THE_RUN, 1)}  # step and attempt, by task

    def read(self) -> Iterator[list[Line]]:
        """Return the lines that were not read yet, as they came together."""
        if self._step is None:
            return self._lines(self._run, whole_run=True)
        self._look_for_attempts()
        attempts = sorted((source, task) for task, source in self._sources.items() if source[0] == self._step)
        return (piece for _, task in attempts for piece in self._lines(task, whole_run=False))

    def _lines(self, task: str, *, whole_run: bool) -> Iterator[list[Line]]:
        for chunk in self._chunks(task, whole_run=whole_run):
            step, attempt = self._source(chunk.task)
            yield [
                Line(step=step, attempt=attempt, at=line.at, stream=line.stream, text=line.text) for line in chunk.lines
            ]

    def _chunks(self, task: str, *, whole_run: bool) -> Iterator[ConsoleChunk]:
        from penstock.ops.outputs import ReadConsole

        while True:
            after = self._read.get(task, 0)
            found = self._backend.call(ReadConsole(task=task, whole_run=whole_run, after=after, limit=CHUNKS))
            for chunk in found:
                self._read[task] = chunk.id
                yield chunk
            if len(found) < CHUNKS:
                return

    def _source(self, task: str) -> tuple[str, int]:
        if task not in self._sources:
            self._look_for_attempts()
        return self._sources.get(task, ("?", 1))

    def _look_for_attempts(self) -> None:
        from penstock.ops.tasks import ListTasks

        for task in self._backend.call(ListTasks(run=self._run, step=self._step, limit=1_000_000)):
            self._sources[task.id] = (task.step or task.name, task.attempt)


def _follow(invocation: Invocation, reader: Reader, run: str) -> Iterator[list[Line]]:
    """Yield lines as they come, until the run has ended or its process is gone."""
    from penstock.core.task import ENDED
    from penstock.ops.changes import LastChange, ListChanges
    from penstock.ops.tasks import GetTask

    backend = invocation.backend
    seen = backend.call(LastChange())
    while True:
        ended = backend.call(GetTask(id=run)).status in ENDED
        yield from reader.read()
        if ended:
            return
        changes = backend.call(ListChanges(after=seen, run=run, wait=PATIENCE))
        seen = changes[-1].seq if changes else seen
        if not changes:
            invocation.close_lost()


class _Writer:
    """Writes lines down, each with its step before it, unless there is but one. A file gets them as they were."""

    def __init__(self, detail: RunDetail, step: str | None) -> None:
        from penstock.sdk.wording import columns, harmless

        self._harmless = harmless if sys.stdout.isatty() else str
        self._step = step
        self._attempt = 0
        names = {OF_THE_RUN: OF_THE_RUN, **{one.name: harmless(one.name) for one in detail.steps}}
        width = min(max(columns(name) for one, name in names.items() if one != OF_THE_RUN or not detail.steps), WIDEST)
        self._before = {one: f"{name}{' ' * (width - columns(name))} │ " for one, name in names.items()}

    def written(self, line: Line) -> str:
        """Return the line as it is printed, with its line break."""
        text = f"{self._harmless(line.text)}\n"
        if self._step is None:
            return self._before.get(line.step, f"{line.step} │ ") + text
        first = self._attempt in {0, line.attempt}
        self._attempt = line.attempt
        return text if first else f"--- attempt {line.attempt} ---\n{text}"
