"""What the operation on the graph of a run does: joins what is recorded of its steps with why they stand so.

It must never know how a graph is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from penstock.core.causes import first_line
from penstock.core.decision import Decision, DecisionKind
from penstock.core.explain import Explanations
from penstock.core.pipeline import Pipeline, Step, checked
from penstock.core.progress import StepStatus
from penstock.core.run import Run, RunDetail, StepState
from penstock.core.task import Script, Status, Task
from penstock.core.waiting import paused, unserved
from penstock.ops.graphs import GetGraph, GraphStep, RunGraph, Try, Why
from penstock.ops.queues import ListQueues, Queue
from penstock.service.base import handles
from penstock.service.drafts import asked_definition, states_of
from penstock.service.queues import list_queues

if TYPE_CHECKING:
    from penstock.ports import Tx
    from penstock.ports.overview import Held, Origin

NAMED = 5  # steps that are named as what a step waits for


@handles(GetGraph)
def get_graph(tx: Tx, op: GetGraph, now: float) -> RunGraph:
    """Return the graph."""
    seq = tx.changes.last()  # before all the rest: what comes while this reads is told again, and not left out
    run = tx.runs.get(op.id)
    definition = tx.runs.definition(op.id) if run.number else checked(asked_definition(tx, run))
    states = states_of(tx, run)
    attempts, decisions = tx.overview.attempts(op.id), tx.decisions.list(op.id, None)
    told = Explanations(RunDetail(run=run, definition=definition, steps=tuple(states)), attempts, decisions, str)
    reused = {one.step: one.related for one in decisions if one.kind is DecisionKind.REUSE and one.related}
    facts = _Facts(
        told=told,
        attempts=_by_step(attempts),
        held=tx.overview.held(op.id),
        queues={queue.name: queue for queue in list_queues(tx, ListQueues(), now)},
        reused=reused,
        origins=tx.overview.origins(list(reused.values())),
    )
    return RunGraph(
        run=_without_script(run),
        why=_why_run(facts, run, decisions),
        steps=tuple(_steps(facts, run, definition, states)),
        seq=seq,
    )


class _Facts(Struct, frozen=True):
    """What is known of the run.

    Args:
        held: Where tasks wait, or who holds them.
        reused: By step, the task that stands for it.
        origins: The runs that these belong to.
    """

    told: Explanations
    attempts: Mapping[str, Sequence[Task]]
    held: Mapping[str, Held]
    queues: Mapping[str, Queue]
    reused: Mapping[str, str]
    origins: Mapping[str, Origin]


def _steps(facts: _Facts, run: Run, definition: Pipeline, states: Sequence[StepState]) -> Iterator[GraphStep]:
    place = {state.name: number for number, state in enumerate(states)}
    codes: dict[str, int] = {}
    steps = {step.name: step for step in definition.steps}
    for state in states:
        step = steps[state.name]
        tries = facts.attempts.get(state.name, ())
        held = facts.held.get(state.task or "")
        latest = next((one for one in reversed(tries) if one.id == state.task), None)
        yield GraphStep(
            name=state.name,
            status=state.status,
            parents=tuple(place[parent] for parent in step.parents),
            code=codes.setdefault(_code(step), len(codes)),
            stage=state.stage,
            attempt=state.attempt,
            task=state.task,
            started=state.started,
            ended=state.ended,
            queue=held.queue if held else latest.queue if latest else None,
            since=held.since if held else None,
            agent=held.agent if held else None,
            why=_why(facts, run, state, held),
            tries=tuple(_try(one) for one in tries if one is not latest),
        )


def _code(step: Step) -> str:
    return step.base.task if step.base is not None and step.base.task else step.code


def _why(facts: _Facts, run: Run, state: StepState, held: Held | None) -> Why:
    name = state.name
    if not run.number:
        return Why()  # it has not begun: what it waits for stands in the graph
    said = facts.told.headline(name).removeprefix(f"{name} ")
    match state.status:
        case StepStatus.PENDING:
            return Why(text=said, steps=tuple(facts.told.unsettled(name)[:NAMED]))
        case StepStatus.QUEUED if held is not None and held.queue:
            return _in_queue(facts, held.queue)
        case StepStatus.CACHED:
            origin = facts.origins.get(facts.reused.get(name, ""))
            return Why(text=said, run=origin.run if origin else "", name=origin.name if origin else "")
        case StepStatus.SKIPPED:
            root = facts.told.root(name)
            return Why(text=said, steps=() if root == name else (root,))
        case _:
            return Why(text=said)


def _in_queue(facts: _Facts, name: str) -> Why:
    """Say of what waits in a queue whether anybody comes."""
    text, queue = f"waits in queue {name!r}", facts.queues.get(name)
    why = "" if queue is None else paused(name) if queue.paused else "" if queue.agents else unserved(name)
    return Why(text=f"{text}: {why}" if why else text, help=why.partition(" with: ")[2])


def _why_run(facts: _Facts, run: Run, decisions: Sequence[Decision]) -> Why:
    held = facts.held.get(run.id)
    if run.task.status is Status.QUEUED and held is not None:
        return _in_queue(facts, held.queue)
    text = facts.told.verdict().removeprefix(f"{run.task.name} ")
    asked = next((one.related for one in decisions if one.kind is DecisionKind.RERUN and one.related), "")
    return Why(text=text, run=asked)


def _try(task: Task) -> Try:
    return Try(
        attempt=task.attempt,
        task=task.id,
        status=task.status.value,
        started=task.started,
        ended=task.ended,
        message=first_line(task.message),
    )


def _by_step(attempts: Sequence[Task]) -> dict[str, list[Task]]:
    found: dict[str, list[Task]] = {}
    for one in attempts:
        found.setdefault(one.step or "", []).append(one)
    return found


def _without_script(run: Run) -> Run:
    return replace(run, task=replace(run.task, script=Script()))
