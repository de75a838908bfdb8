"""Ends what goes on no longer: runs whose controller is gone, and tasks of scripts whose process is gone.

Nobody else would, and they would be shown as running for ever.
"""

from __future__ import annotations

from contextlib import suppress

from penstock.backend import Backend
from penstock.core.errors import Conflict
from penstock.core.run import Run
from penstock.core.task import EndReason, Status, Task
from penstock.ops.runs import EndRun, ListRuns
from penstock.ops.tasks import EndTask, ListTasks
from penstock.run.liveness import is_alive

EVERY = 1_000_000  # a limit that no home reaches
MESSAGE = "the process that ran the pipeline is gone"
TASK_MESSAGE = "the process of the task is gone"


def find_lost(backend: Backend) -> list[Run]:
    """Return the runs in progress whose process is known to be dead. Those of other machines cannot be seen."""
    open_runs = backend.call(ListRuns(statuses=(Status.IN_PROGRESS,), limit=EVERY))
    return [run for run in open_runs if run.task.worker is not None and is_alive(run.task.worker) is False]


def close_lost(backend: Backend) -> list[Run]:
    """End the runs whose process is dead, as stopped; return them as they ended."""
    closed: list[Run] = []
    for run in find_lost(backend):
        ending = EndRun(id=run.id, status=Status.STOPPED, reason=EndReason.CONTROLLER_LOST, message=MESSAGE)
        with suppress(Conflict):  # it ended by itself, just before its process did
            closed.append(backend.call(ending))
    return closed


def find_lost_tasks(backend: Backend) -> list[Task]:
    """Return the tasks in progress that belong to no run, and whose process is known to be dead."""
    open_tasks = backend.call(ListTasks(statuses=(Status.IN_PROGRESS,), alone=True, limit=EVERY))
    return [task for task in open_tasks if task.worker is not None and is_alive(task.worker) is False]


def close_lost_tasks(backend: Backend) -> list[Task]:
    """End the tasks of no run whose process is dead, as stopped; return them as they ended."""
    closed: list[Task] = []
    for task in find_lost_tasks(backend):
        ending = EndTask(id=task.id, status=Status.STOPPED, reason=EndReason.CONTROLLER_LOST, message=TASK_MESSAGE)
        with suppress(Conflict):  # it ended by itself, just before its process did
            closed.append(backend.call(ending))
    return closed
