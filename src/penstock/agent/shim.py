"""The shim: a small process that carries claimed tasks out, one after the other, and outlives its agent.

It owns the task's process: its pipes, its channel, its deadline and its lease. Nothing of the user's runs in it. When
it is gone, so is the task's process, and the lease runs out; when its agent is gone, it goes on and ends its task.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import ExitStack, closing, nullcontext, suppress
from types import FrameType

from penstock.agent import order
from penstock.agent.delivery import Journaled
from penstock.agent.journal import Journal, Opening
from penstock.agent.keeper import Keeper
from penstock.agent.monitored import Monitored
from penstock.agent.recovery import folder_of, place_of
from penstock.agent.runs import carry_run, is_run
from penstock.backend import Home, open_home
from penstock.backend.protocol import blobs_address
from penstock.core.assignment import Assignment
from penstock.core.errors import BadTransition, LeaseLost, PenstockError
from penstock.core.outputs import ConsoleLine, Stream
from penstock.core.secret import Secret
from penstock.core.task import EndReason, Status, Task, TaskType
from penstock.ops.claims import BeginClaimed, Claim, HandBack, ReleaseLease
from penstock.ops.outputs import AppendConsole
from penstock.ops.runs import EndRun
from penstock.ops.secrets import OpenSecrets
from penstock.ops.tasks import DescribeTask, EndTask, GetTask
from penstock.run import liveness, warm, wire
from penstock.run.attempt import printable
from penstock.run.attempts import Attempts
from penstock.run.branch import branch
from penstock.run.carry import given_alone, placed, processes_of
from penstock.run.contained.place import CONTAINER, Place, place_for, start_task
from penstock.run.heed import was_aborted
from penstock.run.launch import Surroundings, start
from penstock.run.needs import ENVIRONMENT, Choice, choose
from penstock.run.process import Launch
from penstock.run.processes import Processes
from penstock.sdk import assigned
from penstock.settings import Settings

ENTRY = f"{__name__}:main"
SHUTDOWN = "stopped: its agent was told to leave at once"


def main(payload: bytes, connection: socket.socket) -> int:
    """Stand by for orders, and carry each out.

    Args:
        payload: A `Standby`, encoded.
        connection: The channel to the agent. An `Order` comes over it; `order.DONE` goes back when that is carried out,
            and the next one may come. It ends when the agent has left.
    """
    _be_silent()
    given = order.decode_standby(payload)
    warm_one = branch(warm.kind(given.modules, given.fingerprint))
    said = b""
    settings = given.settings
    with Processes.around(warm_one) as processes, connection, ExitStack() as until_left:
        server = until_left.enter_context(closing(open_home(settings))) if settings.url else None
        while frame := _next_order(connection, said):
            told = order.decode(frame)
            processes.poll(0.0)  # the warm process is ready by now: the task's is forked as soon as it is asked for
            opening = Opening(held=told.claim.held, writer=liveness.here(), place=place_of(settings))
            journal = Journal.create(folder_of(settings), opening)
            opened = (
                nullcontext(server) if server else closing(open_home(settings))
            )  # who is idle keeps no database open
            with opened as home:
                shim = Shim(home.known_by(Secret(told.token)), settings, told, processes, journal)
                shim.run()
            if not (shim.may_go_on and warm_one.is_running()):
                break
            said = order.DONE
    return 0


def _next_order(connection: socket.socket, said: bytes) -> bytes:
    """Say what there is to say and return the next order; nothing when there is none, or the agent has left."""
    with suppress(EOFError, ConnectionError):
        if said:
            wire.send_frame(connection, said)
        return wire.receive_frame(connection)
    return b""


def needs(settings: Settings) -> tuple[str, ...]:
    """Return the modules that a shim imports by and by, for the process that it is forked from to have them."""
    return ("penstock.backend.remote", "encodings.idna") if settings.url else ("penstock.backend.local",)


def _be_silent() -> None:
    """Let nothing that is printed here depend on the agent: it may be gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(nowhere, number)
    os.close(nowhere)


class Shim:
    """Carries one claimed task out. What it says of it goes through the journal.

    Args:
        home: Where the task is, for who is known by its token.
    """

    def __init__(
        self, home: Home, settings: Settings, given: order.Order, processes: Processes, journal: Journal
    ) -> None:
        self._settings = settings
        self._given = given
        self._home = home
        self._claim: Claim = given.claim
        self._held = given.claim.held
        self._backend = Journaled(home.holding(self._held), journal, self._wake)
        self._processes = processes
        self._keeper = Keeper(home, self._held, given.lease, self._wake)
        self._leaving = False
        self._had_to_stop = False
        self._secrets: dict[str, Secret] = {}

    @property
    def may_go_on(self) -> bool:
        """Whether its process may carry another task out: all went well, and nothing is left here of this one.

        That the lease is over means nothing once the task has ended by itself: so it is then, and its keeper may hear
        of that before it is told to stop.
        """
        is_lost = self._had_to_stop or self._backend.is_lost or self._leaving
        return not (is_lost or self._keeper.goes_on) and self._claim.task.container is None

    def run(self) -> None:
        """Carry the task out; whatever happens, it is ended or let go."""
        signal.signal(signal.SIGTERM, self._leave)
        with suppress(LeaseLost), self._backend:  # whoever has it now, or ended it, is right
            place = surroundings(self._settings, self._given)
            choice = self._choice(place)
            begin = BeginClaimed(
                held=self._held,
                worker=liveness.here(),
                seconds=self._given.lease,
                runtime={ENVIRONMENT: choice.recorded} if choice else {},
            )
            task = begun(self._backend, self._given, begin)
            if choice is None or choice.own:
                self._keeper.start()
            try:
                self._carry_out(task, place, choice)
            except LeaseLost:
                raise
            except PenstockError as error:
                self._give_up(task, printable(str(error)))
        self._keeper.stop()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def _choice(self, place: Surroundings) -> Choice | None:
        """Return the environment of a step, where finding it takes no look into a repository."""
        task = self._claim.task
        if self._claim.assignment is None or task.container is not None or task.script.repository:
            return None
        with suppress(PenstockError):  # it is met again, and recorded, once the task has begun
            return choose(task.script, place.home / "cache", same_env=place.same_env)
        return None

    def _carry_out(self, task: Task, place: Surroundings, choice: Choice | None) -> None:
        container = self._container(task)
        if task.type is TaskType.CONTROLLER and is_run(self._backend, task.id):
            with container or nullcontext():
                carry_run(self._backend, self._processes, self._held, place, self._must_stop, container)
            self._had_to_stop = self._must_stop()
            place.clear(task.id)  # what it worked in, in a container
            self._backend.call(HandBack(held=self._held) if self._leaving else ReleaseLease(held=self._held))
            return
        given = self._claim.assignment or given_alone(self._backend, task)
        with ExitStack() as until_ended:
            if self._claim.secrets:
                self._secrets = self._backend.call(OpenSecrets(task=task.id))
            launch, due = self._launch(task, given, place, container or choice, until_ended)
            monitored = Monitored(self._backend, task, container.first_process if container else None)
            until_ended.callback(monitored.end)
            attempts = Attempts(monitored, self._processes, lambda _name, _lines: None, place.clear, monitored.begin)
            attempts.start(task, launch, self._secrets)
            for op in due:
                self._backend.note(op)
            self._backend.deliver()
            self._keeper.start()  # at the latest: beginning that takes time which a small step feels
            while attempts.running and not self._must_stop():
                attempts.wait(attempts.patience)
            if attempts.running:
                self._had_to_stop = True
                monitored.end()
                self._let_leave(attempts, task)
                attempts.abandon()
                if self._leaving:
                    self._end(
                        EndTask(id=task.id, status=Status.STOPPED, reason=EndReason.AGENT_SHUTDOWN, message=SHUTDOWN)
                    )
            attempts.drain()

    def _give_up(self, task: Task, why: str) -> None:
        """End what cannot be carried out here."""
        line = ConsoleLine(time.time(), Stream.ERR, f"penstock: {why}")
        self._backend.call(AppendConsole(task=task.id, lines=(line,)))
        if is_run(self._backend, task.id):
            with suppress(BadTransition):
                self._backend.call(EndRun(id=task.id, status=Status.FAILED, reason=EndReason.LAUNCH, message=why))
            self._backend.call(ReleaseLease(held=self._held))
            return
        self._end(EndTask(id=task.id, status=Status.FAILED, reason=EndReason.LAUNCH, message=why))

    def _container(self, task: Task) -> Place | None:
        """Return the container that the task is to run in; what becomes of what it asks for is recorded with it.

        Raises:
            PenstockError: It cannot have it here.
        """
        if task.container is None or not task.container.image:
            return None
        place = None
        if not self._given.no_containers:
            place = place_for(task.container, self._settings.containers, self._held, self._settings.home)
        recorded = place.recorded if place else f"none: the agent runs tasks without, as {task.container.image}"
        self._backend.call(DescribeTask(id=task.id, runtime={CONTAINER: recorded}))
        return place

    def _launch(
        self, task: Task, given: Assignment, place: Surroundings, within: Place | Choice | None, until_ended: ExitStack
    ) -> tuple[Launch, tuple[DescribeTask, ...]]:
        """Return what starts the task's process, and what is to be recorded once it was started."""
        if isinstance(within, Place):
            until_ended.enter_context(within)
            return start_task(task, given, place, within, self._secrets), ()
        place, due = placed(self._backend, task, place, lambda _lines: None, until_ended, within)
        if place.interpreter:  # an environment of its own, and not what this process was forked from
            self._processes = until_ended.enter_context(processes_of(task, place))
        return start(task, given, place, secrets=self._secrets), due

    def _must_stop(self) -> bool:
        """Whether the task's process has to be ended now: the task is not ours any more, or the agent leaves."""
        return self._keeper.is_lost or self._backend.is_lost or self._leaving

    def _let_leave(self, attempts: Attempts, task: Task) -> None:
        """Give the process of a task that somebody aborted the time to leave by itself."""
        with suppress(PenstockError):
            if self._leaving or not was_aborted(self._home.call(GetTask(id=task.id))):
                return
            attempts.end(task.id)
            while attempts.running and not self._leaving:
                attempts.wait(attempts.patience)

    def _end(self, ending: EndTask) -> None:
        with suppress(BadTransition):
            self._backend.call(ending)

    def _wake(self) -> None:
        """Have this process look what has changed. May be called from any thread, and from signal handlers."""
        self._processes.wake()

    def _leave(self, number: int, frame: FrameType | None) -> None:
        """Stop the task, because the agent was told to leave at once."""
        _ = number, frame
        self._leaving = True
        self._wake()


def begun(backend: Journaled, given: order.Order, begin: BeginClaimed) -> Task:
    """Return a task as it begins. Nobody waits until that is recorded while no other can have got the task.

    Its agent is looked at after the clock, and before the begin is on its way: whoever finds it gone later leaves the
    task alone for as long as that may take.
    """
    if order.clock() >= given.safe_until or not liveness.is_alive(given.agent):
        return backend.call(begin)
    backend.note(begin)
    return given.claim.task


def surroundings(settings: Settings, given: order.Order) -> Surroundings:
    """Return where and how the process of a task starts: as its run did, where that was on this machine."""
    assignment = given.claim.assignment
    working, path = given.working, given.path
    if assignment is not None and assignment.working and os.path.isdir(assignment.working):  # noqa: PTH112 - a text
        working = assignment.working
    if assignment is not None and assignment.folder:
        path = (assignment.folder, *path)
    return Surroundings(
        home=settings.home,
        blobs=settings.blobs,
        scratch=settings.scratch,
        working=working,
        path=tuple(dict.fromkeys(path)),
        environment=given.environment,
        entry=assigned.ENTRY,
        address=blobs_address(settings.url),
        same_env=given.same_env or (None if given.claim.task.script.packages is not None else True),
        environments=settings.environments,
    )
