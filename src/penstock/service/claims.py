"""What the operations of those do who carry tasks out for others; the rules for what is lost stand in `core.lease`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from penstock.core.access import AttemptToken, is_digest
from penstock.core.decision import DecisionKind
from penstock.core.errors import Conflict, Invalid
from penstock.core.lease import Fate, fate
from penstock.core.run import ChangeKind
from penstock.core.task import ENDED, EndReason, Status, Task, TaskType
from penstock.core.topics import ANY, LIMITS, RELEASED, Topics, of_agent, of_queue, of_task, queued_in
from penstock.ops.claims import (
    BeginClaimed,
    Claim,
    ClaimTask,
    EndLeases,
    HandBack,
    ListHeld,
    ReleaseLease,
    RenewLease,
    SpareLeases,
)
from penstock.ops.runs import EndRun
from penstock.service.base import handles, waits_until
from penstock.service.runs import end_run
from penstock.service.tasks import move

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.ports import Tx
    from penstock.ports.queues import Lease


@handles(ClaimTask)
def claim_task(tx: Tx, op: ClaimTask, now: float) -> Claim | None:
    """Take the next task out of the first queue that has one, and hold it."""
    held = tx.leases.of_request(op.request)
    if held is not None:
        return _claim(tx, held)
    if op.proof and not is_digest(op.proof):
        raise Invalid("the proof of a claim is a SHA-256 in hexadecimal", hint="leave it out where there is no server")
    if _is_leaving(tx, op, now):
        raise Conflict(f"agent {op.agent} is to leave, and gets nothing more")
    slots = len(_slots_taken(tx, op)) < op.workers
    taken = next(filter(None, (tx.entries.take(queue, slots=slots) for queue in _queues(tx, op))), None)
    if taken is None:
        return None
    lease = tx.leases.add(taken, op.agent, op.request, now + op.seconds)
    if op.proof:
        key = tx.who.key if tx.who is not None else ""
        tx.tokens.add(AttemptToken(task=taken.task, fence=lease.held.fence, key=key), op.proof, now)
    task = tx.tasks.get(taken.task)
    move(tx, task, Status.IN_PROGRESS, now, message=f"claimed by {op.agent}")
    if task.run is not None and task.step is not None:
        tx.steps.begin(task.run, task.step, task.id, now)
    return _claim(tx, lease)


@waits_until(ClaimTask)
def nothing_to_claim(tx: Tx, op: ClaimTask, now: float) -> Topics | None:
    """Return what a claim waits for: that something comes which this agent can take, or that it is to leave."""
    if _is_leaving(tx, op, now) or tx.leases.of_request(op.request) is not None:
        return None
    queues, own = _queues(tx, op), _slots_taken(tx, op)
    slots = len(own) < op.workers
    if tx.entries.has_next(queues, slots=slots):
        return None
    names = op.queues or (ANY,)
    topics = {of_agent(op.agent), *map(of_queue, names), *(queued_in(name, runs=True) for name in names)}
    if slots:
        topics.update(queued_in(name, runs=False) for name in names)
    else:
        topics.update(map(of_task, own))
    if tx.entries.has_any(queues, slots=slots):  # a limit keeps it from us
        topics.update((RELEASED, LIMITS))
    return frozenset(topics)


def _queues(tx: Tx, op: ClaimTask) -> Sequence[str]:
    return op.queues or [queue.name for queue in tx.queues.list()]


def _slots_taken(tx: Tx, op: ClaimTask) -> list[str]:
    """Return the tasks that take a slot of the agent each."""
    return [lease.held.task for lease in tx.leases.list(agent=op.agent) if lease.waited.takes_slot]


def _is_leaving(tx: Tx, op: ClaimTask, now: float) -> bool:
    agent = tx.agents.find(op.agent, now)
    return agent is not None and agent.draining


@handles(BeginClaimed)
def begin_claimed(tx: Tx, op: BeginClaimed, now: float) -> Task:
    """Record which process begins."""
    lease = tx.leases.hold(op.held)
    tx.leases.begin(lease.held.fence, now + op.seconds)
    tx.tasks.claim(op.held.task, op.worker)
    task = tx.tasks.get(op.held.task)
    if not op.runtime:
        return task
    runtime = {**task.runtime, **op.runtime}
    tx.tasks.note(task.id, runtime)
    return replace(task, runtime=runtime)


@handles(RenewLease)
def renew_lease(tx: Tx, op: RenewLease, now: float) -> None:
    """Let the lease last longer."""
    tx.leases.renew(tx.leases.hold(op.held).held.fence, now + op.seconds)


@waits_until(RenewLease)
def still_held(tx: Tx, op: RenewLease, now: float) -> Topics | None:
    """Return what may end the lease; None when it is gone."""
    lease = tx.leases.find(op.held.task)
    return frozenset({of_task(op.held.task)}) if lease is not None and lease.held == op.held else None


@handles(HandBack)
def hand_back(tx: Tx, op: HandBack, now: float) -> None:
    """Let the task wait again."""
    lease = tx.leases.find(op.held.task)
    if lease is None or lease.held != op.held:
        return
    task = tx.tasks.get(op.held.task)
    if task.status in ENDED:
        tx.leases.end(task.id)
        return
    if lease.begun and not _is_run(tx, task):
        raise Conflict(f"task {task.id} has begun, and cannot be handed back", hint="end it: its run may try it again")
    _wait_again(tx, task, lease, now, lost=lease.waited.lost, why=f"handed back by {lease.agent}")


@handles(ReleaseLease)
def release_lease(tx: Tx, op: ReleaseLease, now: float) -> None:
    """Let go of a task."""
    lease = tx.leases.find(op.held.task)
    if lease is not None and lease.held == op.held:
        _lose(tx, lease, now)


@handles(EndLeases)
def end_leases(tx: Tx, op: EndLeases, now: float) -> list[str]:
    """Decide about what was lost."""
    lost = tx.leases.list(ended=now)
    if op.tasks:
        lost += tx.leases.list(tasks=op.tasks)
    leases = {one.held.task: one for one in lost}
    for lease in leases.values():
        _lose(tx, lease, now)
    for run in tx.leases.left_behind():
        _end_left_behind(tx, run, now)
    return list(leases)


@handles(SpareLeases)
def spare_leases(tx: Tx, op: SpareLeases, now: float) -> None:
    """Put off the end of every lease."""
    for lease in tx.leases.list(ended=now + op.seconds):
        tx.leases.renew(lease.held.fence, now + op.seconds)


@handles(ListHeld)
def list_held(tx: Tx, op: ListHeld, now: float) -> list[Claim]:
    """Return the claims that are held."""
    return [
        Claim(task=tx.tasks.get(one.held.task), held=one.held, queue=one.waited.queue, resumed=one.waited.resumed)
        for one in tx.leases.list(agent=op.agent)
    ]


def _claim(tx: Tx, lease: Lease) -> Claim:
    task = tx.tasks.get(lease.held.task)
    return Claim(
        task=task,
        held=lease.held,
        queue=lease.waited.queue,
        assignment=tx.assignments.find(task.id),
        resumed=lease.waited.resumed,
        secrets=any(tx.secrets.has_any(one) for one in (task.run, task.id) if one),
    )


def _lose(tx: Tx, lease: Lease, now: float) -> None:
    """Decide about one task whose agent is not heard of any more."""
    task = tx.tasks.get(lease.held.task)
    if task.status in ENDED:
        tx.leases.end(task.id)
        return
    is_run = _is_run(tx, task)
    lost = lease.waited.lost
    silent = f"agent {lease.agent} was not heard of any more"
    match fate(begun=lease.begun, is_run=is_run, lost=lost):
        case Fate.WAITS_AGAIN:
            _wait_again(tx, task, lease, now, lost=lost + 1, why=silent)
        case Fate.GIVEN_UP:
            _fail(tx, task, f"given up: lost with its agent {lost + 1} times; the last, {lease.agent}", now)
        case Fate.LOST:
            _fail(tx, task, f"{silent} while it ran", now)


def _end_left_behind(tx: Tx, run: str, now: float) -> None:
    """Stop a run that nobody carries out any more: its process was that of the task that made it.

    One that somebody resumed later has another process.
    """
    maker = tx.tasks.get(tx.tasks.get(run).parent or "")
    resumed = [one.at for one in tx.decisions.list(run, None) if one.kind is DecisionKind.RESUME]
    if maker.ended is not None and max(resumed, default=0.0) <= maker.ended:
        why = f"task {maker.name!r}, whose process carried it out, has ended"
        end_run(tx, EndRun(id=run, status=Status.STOPPED, reason=EndReason.CONTROLLER_LOST, message=why), now)


def _wait_again(tx: Tx, task: Task, lease: Lease, now: float, *, lost: int, why: str) -> None:
    tx.leases.end(task.id)
    tx.tasks.wait_again(task.id)
    waited = lease.waited
    rank = tx.entries.before(waited.queue, waited.urgency)
    resumed = waited.resumed or (lease.begun and _is_run(tx, task))
    tx.entries.add(replace(waited, rank=rank, lost=lost, resumed=resumed, since=now))
    if task.run is not None and task.step is not None:
        tx.steps.wait_again(task.run, task.step, task.id)
    tx.changes.append(replace(task, queue=waited.queue), ChangeKind.STATUS, Status.QUEUED, now, message=why)


def _fail(tx: Tx, task: Task, why: str, now: float) -> None:
    if _is_run(tx, task):
        ending = EndRun(id=task.id, status=Status.STOPPED, reason=EndReason.CONTROLLER_LOST, message=why)
        end_run(tx, ending, now)
        tx.leases.end(task.id)  # unlike that of a run whose process ended it, which still prints
    else:
        move(tx, task, Status.FAILED, now, reason=EndReason.AGENT_LOST, message=why)


def _is_run(tx: Tx, task: Task) -> bool:
    return task.type is TaskType.CONTROLLER and tx.runs.has(task.id)
