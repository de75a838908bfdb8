"""Ends what is in progress and whose process is gone: nobody else would, and it would be shown as running for ever."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress

from penstock.backend import Backend
from penstock.core.errors import Conflict, Forbidden, NotFound
from penstock.core.run import Run
from penstock.core.task import EndReason, Status, Task
from penstock.ops.agents import ForgetAgent, ListAgents
from penstock.ops.claims import EndLeases, ListHeld
from penstock.ops.runs import EndRun, ListRuns
from penstock.ops.tasks import EndTask, ListTasks
from penstock.run.liveness import is_alive

EVERY_RUN = EVERY_TASK = 1_000_000  # limits that no home reaches
MESSAGE = "the process that ran the pipeline is gone"
MESSAGE_OF_TASK = "the process that ran the task is gone"


def find_lost(backend: Backend) -> list[Run]:
    """Return the runs in progress whose process is known to be dead. Those of other machines cannot be seen.

    What agents carry out is not among them: leases decide about that.
    """
    lost = [run for run in _open_runs(backend) if _is_lost(run.task)]
    held = _held_or_unknown(backend, [run.id for run in lost])
    return [run for run in lost if run.id not in held]


def find_lost_tasks(backend: Backend) -> list[Task]:
    """Return the tasks in progress that belong to no run or agent, and whose process is known to be dead."""
    open_tasks = backend.call(ListTasks(statuses=(Status.IN_PROGRESS,), alone=True, limit=EVERY_TASK))
    lost = [task for task in open_tasks if _is_lost(task)]
    held = _held_or_unknown(backend, [task.id for task in lost])
    return [task for task in lost if task.id not in held]


def close_lost(backend: Backend) -> list[Run]:
    """End the runs, and the tasks of no run, whose process is dead, as stopped; return the runs as they ended."""
    end_dead(backend)
    closed: list[Run] = []
    for run in find_lost(backend):
        ending = EndRun(id=run.id, status=Status.STOPPED, reason=EndReason.CONTROLLER_LOST, message=MESSAGE)
        with suppress(Conflict, NotFound, Forbidden):  # it ended by itself, just before its process did
            closed.append(backend.call(ending))
    close_lost_tasks(backend)
    return closed


def end_dead(backend: Backend) -> None:
    """Have it decided about what agents held whose lease has run out, and forget agents that are dead.

    What a shim held that died is left to the agents of its home, which deliver what it had to say before they let go
    of it; where there is none, to the end of the lease. Who may not see to this leaves it to the server.
    """
    with suppress(Forbidden):
        _end_dead(backend)


def _end_dead(backend: Backend) -> None:
    if _held(backend) or _has_inner(backend):
        backend.call(EndLeases())
    _forget_dead(backend)


def _has_inner(backend: Backend) -> bool:
    """Return whether a run goes on that a task made, in its own process perhaps."""
    return any(run.task.parent for run in _open_runs(backend))


def _open_runs(backend: Backend) -> list[Run]:
    return backend.call(ListRuns(statuses=(Status.IN_PROGRESS,), limit=EVERY_RUN))


def forget_dead(backend: Backend) -> None:
    """Forget agents that are known to be dead, with what they claimed and did not begin.

    It is what a server, which ends leases itself, cannot see of its agents' machines.
    """
    with suppress(Forbidden):
        _forget_dead(backend)


def _forget_dead(backend: Backend) -> None:
    for agent in backend.call(ListAgents()):
        if is_alive(agent.process) is False:
            backend.call(ForgetAgent(name=agent.name))


def close_lost_tasks(backend: Backend) -> None:
    """End the tasks of no run whose process is dead, as stopped."""
    for task in find_lost_tasks(backend):
        reason = EndReason.CONTROLLER_LOST
        with suppress(Conflict, NotFound, Forbidden):  # it ended by itself, just before its process did
            backend.call(EndTask(id=task.id, status=Status.STOPPED, reason=reason, message=MESSAGE_OF_TASK))


def _held_or_unknown(backend: Backend, ids: Sequence[str]) -> Collection[str]:
    """Return which of these agents hold; all of them where that may not be known: then the server decides."""
    try:
        return _held(backend) if ids else ()
    except Forbidden:
        return ids


def _held(backend: Backend) -> set[str]:
    return {claim.task.id for claim in backend.call(ListHeld())}


def _is_lost(task: Task) -> bool:
    return task.worker is not None and is_alive(task.worker) is False
