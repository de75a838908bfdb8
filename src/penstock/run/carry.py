"""Carries out one recorded task that belongs to no run, in a process of its own on this machine.

In the environment that is here, or in one of its own: which, and why, is recorded with the task.

It must never know who asked for it, a person or an agent.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress

from msgspec.structs import replace

from penstock.backend import Backend
from penstock.core.assignment import Assignment
from penstock.core.errors import BadTransition, PenstockError
from penstock.core.outputs import ConsoleLine, Stream
from penstock.core.secret import Secret, seals
from penstock.core.task import EndReason, ScriptKind, Status, Task
from penstock.ops.lifecycle import BeginTask
from penstock.ops.outputs import AppendConsole
from penstock.ops.secrets import OpenSecrets
from penstock.ops.tasks import DescribeTask, EndTask, GetParameters, GetTask, NewTask
from penstock.run import bases, interpreters, liveness, preload
from penstock.run.attempt import printable
from penstock.run.attempts import Attempts
from penstock.run.environments import environment_for
from penstock.run.heed import Heed
from penstock.run.launch import Surroundings, start
from penstock.run.monitors import ResourceMonitors
from penstock.run.needs import ENVIRONMENT, Choice, choose
from penstock.run.processes import Processes


def carry_out(backend: Backend, id: str, place: Surroundings, printed: Callable[[list[str]], None]) -> Task:
    """Carry out a draft, or a task that waits in a queue; return it as it ended.

    Args:
        place: Where and how its process starts, and whether in an environment of its own.
        printed: Called with the lines that it prints.

    Raises:
        NotFound: There is no such task.
        Conflict: It is neither a draft nor queued, or it belongs to a run.
        KeyboardInterrupt: The keyboard interrupted it; it is recorded as stopped.
    """
    task = backend.call(BeginTask(id=id, worker=liveness.here()))
    try:
        _run(backend, task, place, printed)
    except PenstockError as error:
        _end(backend, EndTask(id=id, status=Status.FAILED, reason=EndReason.LAUNCH, message=str(error)))
    except BaseException as error:
        _end(backend, _breakdown(id, error))
        raise
    return backend.call(GetTask(id=id))


def _run(backend: Backend, task: Task, place: Surroundings, printed: Callable[[list[str]], None]) -> None:
    """Run the task's process to its end; it ends the task, unless it cannot be started."""
    with ExitStack() as until_ended:
        place, due = placed(backend, task, place, printed, until_ended)
        processes = until_ended.enter_context(processes_of(task, place))
        monitors = until_ended.enter_context(ResourceMonitors(backend))
        attempts = Attempts(monitors, processes, lambda _, lines: printed(lines), place.clear, monitors.begin)
        aborted = threading.Event()

        def hear(_task: Task) -> None:
            aborted.set()
            processes.wake()

        heed = Heed(backend, task.id, hear)
        until_ended.callback(heed.stop)
        try:
            secrets = secrets_of(backend, task.id)
            attempts.start(task, start(task, given_alone(backend, task), place, secrets=secrets), secrets)
            for op in due:
                backend.call(op)
            heed.start()
            while attempts.running:
                attempts.wait(attempts.patience)
                if aborted.is_set():
                    aborted.clear()
                    attempts.end(task.id)
            attempts.drain()
        except BaseException:
            attempts.abandon()
            raise


def placed(
    backend: Backend,
    task: Task,
    place: Surroundings,
    printed: Callable[[list[str]], None],
    until_ended: ExitStack,
    recorded: Choice | None = None,
) -> tuple[Surroundings, tuple[DescribeTask, ...]]:
    """Return where the task runs: where it is, or in an environment of its own, which is built if need be.

    Args:
        printed: Called with the lines that tell of it.
        until_ended: Keeps the environment until the task has ended.
        recorded: Which it is, where that was found and recorded before.

    Returns:
        That, and what is to be recorded of it once the task's process was started: it need not wait for that.
    """
    cache = place.home / "cache"
    choice = recorded or choose(task.script, cache, same_env=place.same_env)
    due = () if recorded else (DescribeTask(id=task.id, runtime={ENVIRONMENT: choice.recorded}),)
    if not choice.own:
        return place, due
    for op in due:
        backend.call(op)

    def say(text: str) -> None:
        line = ConsoleLine(time.time(), Stream.ERR, f"penstock: {printable(text)}")
        backend.call(AppendConsole(task=task.id, lines=(line,)))
        printed([line.text])

    say(f"in an environment of its own: {choice.reason}")
    python = interpreters.find(choice.python)
    environment = until_ended.enter_context(
        environment_for(choice.requirements, python, cache, place.environments, say)
    )
    own = replace(
        place,
        path=environment.path,
        environment=environment.variables(place.environment),
        interpreter=environment.interpreter,
    )
    return own, ()


def processes_of(task: Task, place: Surroundings) -> Processes:
    """Return the processes of the task's Python, whose warm one imports what the task will."""
    if not place.interpreter:
        warm = preload.plan([task.script.source], place.path)
        return Processes((*warm.modules, place.entry.partition(":")[0]), warm.fingerprint)
    warm = preload.plan([task.script.source], place.path, [os.path.realpath(one) for one in place.path])
    return Processes(
        (*warm.modules, place.entry.partition(":")[0]),
        warm.fingerprint,
        environment=place.environment,
        path=place.path,
        interpreter=place.interpreter,
    )


def secrets_of(backend: Backend, task: str) -> dict[str, Secret]:
    """Return the secrets of a task that is in progress; one that has none is not asked about them."""
    has_any = seals([one.value for one in backend.call(GetParameters(task=task))])
    return backend.call(OpenSecrets(task=task)) if has_any else {}


def given_alone(backend: Backend, task: Task) -> Assignment:
    """Return what a task is given that no run assigned: what its own record says.

    Raises:
        NotFound: An artifact that its function is to be called with is not there any more.
    """
    if task.script.kind is not ScriptKind.FUNCTION:
        return Assignment()
    new = NewTask(
        id=task.id,
        name=task.name,
        project=task.project,
        script=task.script,
        parameters=tuple(backend.call(GetParameters(task=task.id))),
        runtime=task.runtime,
    )
    prepared = bases.call_of(new, bases.stored_artifact(backend))
    return Assignment(arguments=prepared.arguments, inputs=prepared.inputs, returns=prepared.returns)


def _breakdown(id: str, error: BaseException) -> EndTask:
    """Return how a task ends that an exception keeps from going on."""
    if isinstance(error, KeyboardInterrupt):
        why = "interrupted from the keyboard"
        return EndTask(id=id, status=Status.STOPPED, reason=EndReason.ABORTED, message=why)
    why = printable(f"what carried it out failed: {type(error).__name__}: {error}")
    return EndTask(id=id, status=Status.FAILED, reason=EndReason.EXCEPTION, message=why)


def _end(backend: Backend, ending: EndTask) -> None:
    with suppress(BadTransition):  # it had ended already, and what ended stays so
        backend.call(ending)
