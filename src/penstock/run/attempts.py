"""The attempts that run on this machine just now: their processes, their console, and how they end."""

from __future__ import annotations

import signal as signals
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import msgspec
from msgspec import Struct

from penstock.backend import Backend
from penstock.blobs.stamps import Stamp
from penstock.core.errors import BadTransition, DiskFull, LeaseLost, StoreError, Unreachable
from penstock.core.outputs import Stream
from penstock.core.secret import Secrets, hidden
from penstock.core.task import EndReason, ScriptKind, Status, Task
from penstock.ops.outputs import AppendConsole
from penstock.ops.tasks import EndTask, GetTask
from penstock.run.attempt import TRANSFER, Outcome, decode_from_step
from penstock.run.console import Console
from penstock.run.process import Exited, Launch, Message, Output, Starter
from penstock.run.reconcile import close_lost
from penstock.run.serve import serve
from penstock.run.transfers import Transfers
from penstock.run.wire import Spawned

TICK = 0.2  # seconds after which lines of console are recorded at the latest
GRACE = 5.0  # seconds that the process of an attempt gets to leave by itself which somebody aborted
LINGER = 5.0  # seconds that processes get to leave once their outcome is known
STREAMS = {"out": Stream.OUT, "err": Stream.ERR}


class Ending(Struct, frozen=True, kw_only=True):
    """An attempt has ended, and it is recorded how."""

    step: str
    attempt: int
    status: Status
    message: str
    reason: EndReason | None = None


class _Attempt:
    """One attempt while its process lives."""

    def __init__(self, task: Task, launch: Launch, secrets: Secrets) -> None:
        self.task = task
        self.secrets = secrets
        self.step = task.step or ""
        self.time_limit = launch.time_limit
        self.tidies = launch.tidies
        self.console = Console(secrets)
        self.ended = False


class Attempts:
    """Starts attempts, serves what they ask, records what they print and how they end.

    Args:
        backend: Where all of it is recorded.
        processes: What starts them and tells of them: the processes of this machine.
        printed: Called with a step's name and the lines that it printed.
        left: Called with the id of an attempt whose process is gone.
        came: Called with the id of each attempt that runs now, and that of its process.
    """

    def __init__(
        self,
        backend: Backend,
        processes: Starter,
        printed: Callable[[str, list[str]], None],
        left: Callable[[str], None] | None = None,
        came: Callable[[str, int], None] | None = None,
    ) -> None:
        self._backend = backend
        self._processes = processes
        self._printed = printed
        self._left = left
        self._came = came
        self._transfers = Transfers(processes.wake)
        self._open: dict[str, _Attempt] = {}
        self.stamps: dict[str, Stamp] = {}  # of the blobs that attempts of this run have written
        self._running = 0

    @property
    def running(self) -> int:
        """How many attempts have not ended yet."""
        return self._running

    def start(self, task: Task, launch: Launch, secrets: Secrets | None = None) -> None:
        """Start the process of an attempt that is recorded as in progress.

        Args:
            secrets: What it was given of these: a mask stands for them in what it prints, and in how it failed.
        """
        self._processes.launch(launch)
        self._open[task.id] = _Attempt(task, launch, secrets or {})
        self._running += 1

    def goes_on(self, id: str) -> bool:
        """Return whether the attempt has not said how it ended. May be called from any thread."""
        attempt = self._open.get(id)
        return attempt is not None and not attempt.ended

    def kill(self, id: str) -> None:
        """Kill the attempt's process with all its children; it ends as stopped."""
        if id in self._open:
            self._processes.kill(id, "aborted")

    def end(self, id: str) -> None:
        """End the process of an attempt that goes on: it may leave by itself, and is killed when it does not."""
        if self.goes_on(id):
            self._processes.kill(id, "aborted", 0.0 if self._open[id].tidies else GRACE)

    def wait(self, timeout: float | None) -> list[Ending]:
        """Wait until something happens or the time is over; return the attempts that ended."""
        endings: list[Ending] = []
        for event in sorted(self._processes.poll(timeout), key=lambda one: not isinstance(one, Output)):
            attempt = self._open.get(event.key)
            if attempt is None:
                continue
            match event:
                case Output(stream=stream, data=data, at=at):
                    self._show(attempt, attempt.console.feed(STREAMS[stream], data, at))
                case Message(data=data):
                    endings += self._hear(attempt, data)
                case Exited():
                    endings += self._leave(attempt, event)
                case Spawned(pid=pid) if self._came is not None:
                    self._came(attempt.task.id, pid)
                case _:
                    pass
        for id, reply in self._transfers.take():
            self._processes.reply(id, reply)
        for attempt in self._open.values():
            if attempt.console.due():
                self._record_console(attempt)
        return endings

    @property
    def patience(self) -> float | None:
        """For how many seconds nothing is due: lines that were printed are recorded soon; None for ever."""
        return TICK if any(attempt.console.waiting for attempt in self._open.values()) else None

    def drain(self) -> None:
        """Wait until every process has left; those that linger are killed. Their last lines are recorded."""
        deadline = time.monotonic() + LINGER
        while self._open and (left := deadline - time.monotonic()) > 0:
            self.wait(left)
        self.abandon()

    def abandon(self) -> None:
        """Kill every process that is left and forget it; record of its last lines what can be recorded."""
        with suppress(StoreError, LeaseLost, Unreachable):
            for attempt in self._open.values():
                self._listen(attempt)
        for id in self._open:
            self._processes.kill(id, "aborted")
        self._open.clear()
        self._running = 0

    def _hear(self, attempt: _Attempt, data: bytes) -> list[Ending]:
        """Take one frame from the step: a request is served, an outcome ends the attempt."""
        try:
            said = decode_from_step(data)
        except msgspec.DecodeError as error:
            self._processes.kill(attempt.task.id, "aborted")
            broken = Outcome(status=Status.FAILED, reason=EndReason.EXIT_CODE, message=f"its channel broke: {error}")
            return self._end(attempt, broken)
        if isinstance(said, Outcome):
            self._listen(attempt)
            return self._end(attempt, said)
        answer = partial(serve, self._backend, attempt.task, said)
        if said.op == TRANSFER:
            self._transfers.start(attempt.task.id, answer)
        else:
            self._processes.reply(attempt.task.id, answer())
        return []

    def _listen(self, attempt: _Attempt) -> None:
        """Record all that a step printed before its end is: whatever is killed then, nothing of it is missing."""
        for event in self._processes.printed(attempt.task.id):
            if isinstance(event, Output):
                self._show(attempt, attempt.console.feed(STREAMS[event.stream], event.data, event.at))
        self._show(attempt, attempt.console.finish(time.time()))
        self._record_console(attempt)

    def _leave(self, attempt: _Attempt, event: Exited) -> list[Ending]:
        """The process is gone: record its last lines and, unless it said so itself, how it ended."""
        self._show(attempt, attempt.console.finish(time.time()))
        self._record_console(attempt)
        endings = self._end(attempt, _outcome(event, attempt.time_limit, attempt.task.script.kind))
        if endings:
            close_lost(self._backend)  # the run of a pipeline that it carried out, which nobody else would end
        del self._open[attempt.task.id]
        if self._left is not None:
            self._left(attempt.task.id)
        return endings

    def _end(self, attempt: _Attempt, outcome: Outcome) -> list[Ending]:
        if attempt.ended:
            return []
        attempt.ended = True
        self._running -= 1
        self.stamps |= outcome.stamps
        task = attempt.task
        op = EndTask(
            id=task.id,
            status=outcome.status,
            reason=outcome.reason,
            message=hidden(outcome.message, attempt.secrets),
            artifacts=outcome.artifacts,
            parameters=outcome.parameters,
        )
        try:
            ended = self._backend.call(op)
        except BadTransition:  # somebody marked it while it ran, and what ended stays so
            ended = self._backend.call(GetTask(id=task.id))
        summary = ended.message.partition("\n")[0]
        return [
            Ending(step=attempt.step, attempt=task.attempt, status=ended.status, message=summary, reason=ended.reason)
        ]

    def _show(self, attempt: _Attempt, lines: list[str]) -> None:
        if lines:
            self._printed(attempt.step, lines)

    def _record_console(self, attempt: _Attempt) -> None:
        """Record what an attempt printed. Output for which the disk has no room is dropped, and the run goes on."""
        if lines := attempt.console.take():
            try:
                self._backend.call(AppendConsole(task=attempt.task.id, lines=lines))
            except DiskFull as error:
                self._printed(attempt.step, [f"penstock: {len(lines)} lines are not recorded: {error.message}"])


def _outcome(event: Exited, time_limit: float | None, kind: ScriptKind = ScriptKind.FUNCTION) -> Outcome:
    """Return how an attempt ended whose process left without saying so."""
    match event.cause:
        case "time_limit":
            message = f"stopped: it ran longer than its time limit of {time_limit:g} s"
            return Outcome(status=Status.STOPPED, reason=EndReason.TIME_LIMIT, message=message)
        case "aborted":
            return Outcome(status=Status.STOPPED, reason=EndReason.ABORTED, message="stopped: the run was stopped")
        case "zygote_died":
            message = f"the process that steps are forked from died{f': {event.reason}' if event.reason else ''}"
            return Outcome(status=Status.FAILED, reason=EndReason.SIGNAL, message=message)
        case "not_started":
            message = f"the process could not be started: {event.reason}"
            return Outcome(status=Status.FAILED, reason=EndReason.LAUNCH, message=message)
        case _ if event.signal is not None:
            return Outcome(status=Status.FAILED, reason=EndReason.SIGNAL, message=_killed(event.signal))
        case _:
            before = "the function returned" if kind is ScriptKind.FUNCTION else "the script came to its end"
            message = f"the process ended with exit code {event.code} before {before}"
            return Outcome(status=Status.FAILED, reason=EndReason.EXIT_CODE, message=message)


def _killed(number: int) -> str:
    try:
        name = signals.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    note = "; that is what the system does when memory runs out" if name == "SIGKILL" else ""
    return f"the process was killed by {name}{note}"
