"""Carries out a claimed run: its script, by the command that a person would use, in a process of its own.

The run is held all the while. Its process shows with each write that it holds it; when that process leaves before the
run has ended, the run goes on in the next one.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable
from typing import NoReturn

from penstock.backend import Backend
from penstock.core.errors import NotFound
from penstock.core.lease import Held
from penstock.core.task import ENDED, EndReason, Status
from penstock.ops.outputs import AppendConsole
from penstock.ops.runs import EndRun, GetRun
from penstock.run.attempt import decode_outcome
from penstock.run.attempts import STREAMS, TICK
from penstock.run.console import Console
from penstock.run.contained.place import Place, start_run
from penstock.run.launch import Surroundings
from penstock.run.process import Exited, Launch, Message, Output
from penstock.run.processes import Processes

ENTRY = f"{__name__}:main"


def main(payload: bytes, connection: socket.socket) -> NoReturn:
    """Become the command that carries out the run whose id is the payload."""
    connection.close()
    command = [sys.executable, "-m", "penstock", "execute", "--plain", payload.decode()]
    os.execv(sys.executable, command)  # noqa: S606 - no shell is wanted


def is_run(backend: Backend, task: str) -> bool:
    """Return whether a task is a run of a pipeline."""
    try:
        backend.call(GetRun(id=task))
    except NotFound:
        return False
    return True


def carry_run(
    backend: Backend,
    processes: Processes,
    held: Held,
    place: Surroundings,
    must_stop: Callable[[], bool],
    container: Place | None = None,
) -> None:
    """Carry out a run until its process has left. A run whose script did not even begin it has failed.

    Args:
        must_stop: Asked whenever something happens, whether the process is to be killed.
        container: What it runs in; None for no container.

    Raises:
        LeaseLost: The run went to another.
    """
    environment = {**place.environment, "PENSTOCK_HOME": str(place.home), "PENSTOCK_HELD": f"{held.task}:{held.fence}"}
    launch = Launch(
        key=held.task,
        payload=held.task.encode(),
        cwd=place.working,
        environment=environment,
        path=place.path,
        entry=ENTRY,
    )
    processes.launch(launch if container is None else start_run(launch, place, container))
    exited, refusal = _watch(backend, processes, held.task, must_stop)
    run = backend.call(GetRun(id=held.task)).run
    if run.task.status not in ENDED and run.number == 0 and exited.cause == "exit":
        how = f"exit code {exited.code}" if exited.signal is None else f"signal {exited.signal}"
        why = f"its script ended with {how} before it began the run"
        reason = EndReason.LAUNCH if refusal else EndReason.EXIT_CODE
        backend.call(EndRun(id=held.task, status=Status.FAILED, reason=reason, message=refusal or why))


def _watch(backend: Backend, processes: Processes, task: str, must_stop: Callable[[], bool]) -> tuple[Exited, str]:
    """Record what the process prints until it has left; return how it did, and why its container did not start."""
    console = Console()
    exited: Exited | None = None
    refusal = ""
    while exited is None:
        if must_stop():
            processes.kill(task)
        for event in processes.poll(TICK if console.waiting else None):
            if isinstance(event, Output):
                console.feed(STREAMS[event.stream], event.data, event.at)
            elif isinstance(event, Message):
                refusal = decode_outcome(event.data).message
            elif isinstance(event, Exited):
                exited = event
                console.finish(time.time())
        if (console.due() or exited) and (lines := console.take()):
            backend.call(AppendConsole(task=task, lines=lines))
    return exited, refusal
