"""Carries out one recorded task that belongs to no run, in a process of its own on this machine."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from penstock.backend import Backend
from penstock.core.errors import PenstockError
from penstock.core.pipeline import Pipeline, Step
from penstock.core.task import EndReason, ScriptKind, Status, Task
from penstock.ops.lifecycle import BeginTask
from penstock.ops.tasks import EndTask, GetParameters, GetTask, NewTask
from penstock.run import bases, liveness, preload
from penstock.run.attempts import Attempts
from penstock.run.launch import Prepared, Surroundings, process
from penstock.run.processes import Processes


def carry_out(backend: Backend, id: str, place: Surroundings, printed: Callable[[list[str]], None]) -> Task:
    """Carry out a draft, or a task that waits in a queue; return it as it ended.

    Args:
        place: Where and how its process starts.
        printed: Called with the lines that it prints.

    Raises:
        Conflict: It is neither a draft nor queued, or it belongs to a run.
        KeyboardInterrupt: The keyboard interrupted it; it is recorded as stopped.
    """
    task = backend.call(BeginTask(id=id, worker=liveness.here()))
    warm = preload.plan([task.script.source], place.path)
    modules = (*warm.modules, place.entry.partition(":")[0])
    with Processes(modules, warm.fingerprint) as processes:
        attempts = Attempts(backend, processes, lambda _, lines: printed(lines), place.clear)
        try:
            prepared = _prepared(backend, task)
            one = Step(name=task.name, code="")
            attempts.start(task, process(Pipeline(name="", project=""), one, task, prepared, place, {}))
            while attempts.running:
                attempts.wait(None)
            attempts.drain()
        except PenstockError as error:
            backend.call(EndTask(id=id, status=Status.FAILED, reason=EndReason.LAUNCH, message=str(error)))
        except BaseException:
            attempts.abandon()
            why = "interrupted from the keyboard"
            backend.call(EndTask(id=id, status=Status.STOPPED, reason=EndReason.ABORTED, message=why))
            raise
    return backend.call(GetTask(id=id))


def _prepared(backend: Backend, task: Task) -> Prepared:
    new = NewTask(id=task.id, name=task.name, project=task.project, script=task.script)
    if task.script.kind is not ScriptKind.FUNCTION:
        return Prepared(new=new, arguments={}, references={}, by_path=True)
    parameters = tuple(backend.call(GetParameters(task=task.id)))
    return bases.call_of(replace(new, parameters=parameters, runtime=task.runtime), bases.stored_artifact(backend))
