"""Ends runs and tasks whose process is gone: nobody else would, and they would be shown as running for ever."""

from __future__ import annotations

from contextlib import suppress

from penstock.backend import Backend
from penstock.core.errors import Conflict, NotFound
from penstock.core.run import Run
from penstock.core.task import EndReason, Status, Task
from penstock.ops.runs import EndRun, ListRuns
from penstock.ops.tasks import EndTask, ListTasks
from penstock.run.liveness import is_alive

EVERY_RUN = EVERY_TASK = 1_000_000  # limits that no home reaches
MESSAGE = "the process that ran the pipeline is gone"
MESSAGE_OF_TASK = "the process that ran the task is gone"


def find_lost(backend: Backend) -> list[Run]:
    """Return the runs in progress whose process is known to be dead. Those of other machines cannot be seen."""
    open_runs = backend.call(ListRuns(statuses=(Status.IN_PROGRESS,), limit=EVERY_RUN))
    return [run for run in open_runs if _is_lost(run.task)]


def find_lost_tasks(backend: Backend) -> list[Task]:
    """Return the tasks in progress that belong to no run, and whose process is known to be dead."""
    open_tasks = backend.call(ListTasks(statuses=(Status.IN_PROGRESS,), alone=True, limit=EVERY_TASK))
    return [task for task in open_tasks if _is_lost(task)]


def close_lost(backend: Backend) -> list[Run]:
    """End the runs, and the tasks of no run, whose process is dead, as stopped; return the runs as they ended."""
    closed: list[Run] = []
    for run in find_lost(backend):
        ending = EndRun(id=run.id, status=Status.STOPPED, reason=EndReason.CONTROLLER_LOST, message=MESSAGE)
        with suppress(Conflict, NotFound):  # it ended by itself, just before its process did
            closed.append(backend.call(ending))
    close_lost_tasks(backend)
    return closed


def close_lost_tasks(backend: Backend) -> None:
    """End the tasks of no run whose process is dead, as stopped."""
    for task in find_lost_tasks(backend):
        reason = EndReason.CONTROLLER_LOST
        with suppress(Conflict, NotFound):  # it ended by itself, just before its process did
            backend.call(EndTask(id=task.id, status=Status.STOPPED, reason=reason, message=MESSAGE_OF_TASK))


def _is_lost(task: Task) -> bool:
    return task.worker is not None and is_alive(task.worker) is False
