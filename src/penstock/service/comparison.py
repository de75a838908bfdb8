"""What the operations that put several runs beside each other do.

It must never know how they are drawn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING

from msgspec.structs import replace

from penstock.core.errors import Invalid
from penstock.core.pipeline import Pipeline, script_key
from penstock.core.run import DEFINITION, Run, StepState
from penstock.core.task import Configuration, Json, Script
from penstock.ops.comparison import (
    Aspect,
    Cell,
    CompareRuns,
    Comparison,
    Difference,
    GetGrid,
    Grid,
    GridRow,
    StepTimes,
)
from penstock.service.base import handles
from penstock.service.drafts import asked_definition

if TYPE_CHECKING:
    from penstock.ports import Tx

FEWEST, MOST = 2, 20
TOLD = 2_000  # differences that are told
WIDEST = 100
SHOWN = 12  # letters of a hash
OF_THE_MACHINE = ":monitor:"  # titles of what tasks and machines use, which is never the same twice
LONGEST = 500  # characters of a line of a configuration

Facts = dict[tuple[Aspect, str], Json]


@handles(CompareRuns)
def compare_runs(tx: Tx, op: CompareRuns, now: float) -> Comparison:
    """Gather what is known of each run, and keep what is not the same in all."""
    if len(set(op.ids)) != len(op.ids) or not FEWEST <= len(op.ids) <= MOST:
        raise Invalid(f"{len(op.ids)} runs cannot be compared", hint=f"name {FEWEST} to {MOST} different ones")
    runs = [tx.runs.get(id) for id in op.ids]
    states = [{state.name: state for state in tx.steps.list(run.id)} for run in runs]
    known = [_facts(tx, run, own) for run, own in zip(runs, states, strict=True)]
    configurations = [{one.name: one for one in tx.settings.configurations(run.id)} for run in runs]
    found: list[Difference] = []
    alike: Counter[str] = Counter()
    for aspect, name, values in (*_side_by_side(known), *_of_configurations(configurations)):
        if all(one == values[0] and type(one) is type(values[0]) for one in values):
            alike[aspect.value] += 1
        else:
            found.append(Difference(aspect=aspect, name=name, values=values))
    return Comparison(
        runs=tuple(replace(run, task=replace(run.task, script=Script())) for run in runs),
        differences=tuple(found[:TOLD]),
        alike=dict(alike),
        steps=tuple(_times(states)),
        cut=len(found) > TOLD,
    )


@handles(GetGrid)
def get_grid(tx: Tx, op: GetGrid, now: float) -> Grid:
    """Return the runs and their steps."""
    if not 1 <= op.limit <= WIDEST:
        raise Invalid(f"limit must be 1 to {WIDEST}, not {op.limit}")
    runs = tx.overview.bars(op.pipeline, op.project, op.limit)
    states = [{state.name: state for state in tx.steps.list(run.id)} for run in runs]
    names = dict.fromkeys(name for one in states for name in one)
    rows = (GridRow(step=name, cells=tuple(_cell(one.get(name)) for one in states)) for name in names)
    return Grid(runs=tuple(runs), rows=tuple(rows))


def _facts(tx: Tx, run: Run, states: Mapping[str, StepState]) -> Facts:
    definition = tx.runs.definition(run.id) if run.number else asked_definition(tx, run)
    found = dict(_of_record(run))
    for one in tx.settings.parameters(run.id):
        found[Aspect.PARAMETER, one.path] = one.value
    found.update(_of_steps(definition))
    steps = {state.task: f"{name}: " for name, state in states.items() if state.task} | {run.id: ""}
    for task, metric in tx.overview.metrics(list(steps)):
        if not metric.title.startswith(OF_THE_MACHINE):
            value = metric.last if isfinite(metric.last) else str(metric.last)
            found[Aspect.METRIC, f"{steps[task]}{metric.title}/{metric.series}"] = value
    for name, version in tx.overview.packages(run.id).items():
        found[Aspect.PACKAGE, name] = version
    return found


def _of_record(run: Run) -> Iterator[tuple[tuple[Aspect, str], Json]]:
    task, script = run.task, run.task.script
    facts: dict[str, Json] = {
        "version": run.version,
        "status": task.status.value,
        "user": task.user,
        "tags": ", ".join(task.tags),
        "queue": task.queue,
        "repository": script.repository,
        "branch": script.branch,
        "commit": script.commit,
        "python": script.interpreter,
        "container": task.container.image if task.container else None,
    }
    for name, value in facts.items():
        yield (Aspect.FACT, name), value
    yield (Aspect.CODE, "script"), script_key(_decisive(script))[:SHOWN]


def _of_steps(definition: Pipeline) -> Iterator[tuple[tuple[Aspect, str], Json]]:
    for step in definition.steps:
        script = definition.code.get(step.code)
        if script is not None:
            yield (Aspect.CODE, step.name), script_key(_decisive(script))[:SHOWN]
        yield (Aspect.PARENTS, step.name), ", ".join(sorted(step.parents))


def _decisive(script: Script) -> Script:
    """Return what of a script says what it does."""
    return Script(source=script.source, entry_point=script.entry_point, diff=script.diff, files=script.files)


def _side_by_side(known: Sequence[Facts]) -> Iterator[tuple[Aspect, str, tuple[Json, ...]]]:
    order = {aspect: number for number, aspect in enumerate(Aspect)}
    for aspect, name in sorted({key for one in known for key in one}, key=lambda key: (order[key[0]], key[1])):
        yield aspect, name, tuple(one.get((aspect, name)) for one in known)


def _of_configurations(
    known: Sequence[Mapping[str, Configuration]],
) -> Iterator[tuple[Aspect, str, tuple[Json, ...]]]:
    """Yield the configurations by the first line in which they differ; the definition of a draft is none of these."""
    for name in sorted({name for one in known for name in one} - {DEFINITION}):
        texts = [one[name].text.splitlines() if name in one else None for one in known]
        longest = max(len(lines or ()) for lines in texts)
        rows = [tuple(_line(lines, number) for lines in texts) for number in range(longest)]
        yield Aspect.CONFIGURATION, name, next((row for row in rows if len(set(row)) > 1), rows[0] if rows else ("",))


def _line(lines: Sequence[str] | None, number: int) -> str | None:
    if lines is None:
        return None
    return lines[number][:LONGEST] if number < len(lines) else ""


def _times(states: Sequence[Mapping[str, StepState]]) -> Iterator[StepTimes]:
    for name in dict.fromkeys(name for one in states for name in one):
        found = [one.get(name) for one in states]
        yield StepTimes(
            name=name,
            statuses=tuple(state.status if state else None for state in found),
            seconds=tuple(_seconds(state) for state in found),
        )


def _cell(state: StepState | None) -> Cell | None:
    return None if state is None else Cell(state.status, _seconds(state), state.attempt, state.task)


def _seconds(state: StepState | None) -> float | None:
    return None if state is None or state.started is None or state.ended is None else state.ended - state.started
