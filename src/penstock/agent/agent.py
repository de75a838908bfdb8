"""The agent: claims tasks and has a shim carry out each. It holds nothing that is not recorded, and may be killed.

What it claimed and did not start waits again; what it started goes on without it.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress

from msgspec import Struct
from msgspec.structs import replace

from penstock.agent import order, shim
from penstock.agent.nest import Nest
from penstock.agent.recovery import Recovery
from penstock.agent.usage import Usage
from penstock.backend import Home
from penstock.backend.secrets import SystemSecrets
from penstock.core.access import ATTEMPT, digest_of, text_of
from penstock.core.errors import Conflict, PenstockError
from penstock.core.lease import RENEWED, SECONDS
from penstock.core.secret import Secret
from penstock.ops.agents import Agent as Record
from penstock.ops.agents import DrainAgent, ForgetAgent, ReportAgent
from penstock.ops.claims import Claim, ClaimTask, HandBack
from penstock.run import liveness, preload
from penstock.run.process import Launch
from penstock.run.reconcile import end_dead, forget_dead
from penstock.sdk import assigned
from penstock.settings import KEY_VARIABLE, Settings

PATIENCE = 30.0  # seconds of one wait for a task
LOOK = 5.0  # seconds between two looks for what was lost
SAFE = 0.75  # of a lease, in which a task is certainly still ours
PAUSE = 1.0  # seconds to wait when the store or the server cannot be reached
ANSWERS_KEPT = 86_400.0  # seconds that it is known in a home what was delivered from a journal
NESTS = 3  # warm processes that are kept for tasks with different imports


class Options(Struct, frozen=True, kw_only=True):
    """How an agent works.

    Args:
        name: Its name; another agent of this name that lives is an error.
        queues: The queues that it serves, in this order; empty for all of them.
        workers: How many tasks it carries out at once, not counting runs.
        fair: Whether each claim looks at the queues in the next order, instead of always in the first.
        once: Whether it leaves after one task.
        idle: Seconds without a task after which it leaves; None for never.
        lease: Seconds after which what it holds goes to others when nothing is heard of it.
        same_env: Whether tasks run in the agent's own environment, whatever is recorded of their packages.
        no_containers: Whether tasks run without the container that they ask for.
        working: The folder that tasks work in whose run names none.
        path: The `sys.path` of tasks.
        environment: Their environment variables.
    """

    name: str
    queues: tuple[str, ...] = ()
    workers: int = 1
    fair: bool = False
    once: bool = False
    idle: float | None = None
    lease: float = SECONDS
    same_env: bool = False
    no_containers: bool = False
    working: str = "/"
    path: tuple[str, ...] = ()
    environment: dict[str, str] = {}


class Agent:
    """Claims tasks until it is told to leave.

    Args:
        say: Takes a sentence about what the agent does.

    Attributes:
        claimed: How many tasks it has claimed.
    """

    def __init__(self, home: Home, settings: Settings, options: Options, say: Callable[[str], None]) -> None:
        self._home = home
        self._settings = settings
        self._options = options
        self._say = say
        self._process = liveness.here()
        self._recovery = Recovery(home, settings, say)
        self._usage = Usage(settings.blobs)
        self._nests: OrderedDict[tuple[tuple[str, ...], str], Nest] = OrderedDict()
        self._running: dict[str, Claim] = {}
        self._changed = threading.Condition()
        self._leaving = threading.Event()
        self._token = ""
        self._why = ""
        self.claimed = 0

    def leave(self, why: str = "") -> None:
        """Claim nothing more, and leave when what runs has ended. May be called from signal handlers.

        Args:
            why: What is shown of it while it does so.
        """
        self._why = self._why or why
        self._home.hurry()
        self._leaving.set()

    def stop(self, why: str = "") -> None:
        """Stop what runs, and leave. May be called from signal handlers."""
        self.leave(why)
        for nest in list(self._nests.values()):
            nest.leave()

    def run(self) -> None:
        """Claim and carry out until it is time to leave.

        Raises:
            Conflict: An agent of this name lives already.
        """
        self._report()
        with suppress(PenstockError):
            self._recovery.look()
            self._home.forget_answers(ANSWERS_KEPT)
        care = threading.Thread(target=self._care, name="penstock-agent-care", daemon=True)
        care.start()
        try:
            self._claim_until_leaving()
            self._leaving.set()
            with self._changed:
                while self._running:
                    self._changed.wait(LOOK)  # a signal handler may have something to say meanwhile
        finally:
            self._leaving.set()
            for nest in self._nests.values():
                nest.close()
            self._home.hurry()
            care.join()  # the last that it says is not to be heard of the next agent of this name
            with suppress(PenstockError):
                self._home.call(ForgetAgent(name=self._options.name))

    def _claim_until_leaving(self) -> None:
        asked: ClaimTask | None = None
        since = 0.0
        while not self._leaving.is_set():
            if asked is None:
                asked, since = self._next_claim(), order.clock()
            try:
                claim = self._home.call(asked)
            except Conflict:
                return  # it was told to leave, by whoever
            except PenstockError as error:
                self._say(f"cannot claim: {error.message}")
                self._leaving.wait(PAUSE)
                continue  # with the same request: it may have got a task, and not heard of it
            asked = None
            if claim is None and self._options.idle is not None and not self._running:
                return
            if claim is not None:
                self._begin(claim, since + SAFE * self._options.lease)
            if claim is not None and self._options.once:
                self._why = self._why or "it was started for one task"
                return

    def _next_claim(self) -> ClaimTask:
        queues = self._options.queues
        if self._options.fair and queues:
            first = self.claimed % len(queues)
            queues = (*queues[first:], *queues[:first])
        self._token = _token() if self._settings.url else ""
        wait = PATIENCE if self._options.idle is None else min(self._options.idle, PATIENCE)
        name, workers = self._options.name, self._options.workers
        return ClaimTask(
            agent=name,
            queues=queues,
            request=uuid.uuid4().hex,
            workers=workers,
            seconds=self._options.lease,
            wait=wait,
            proof=digest_of(self._token) if self._token else "",
        )

    def _begin(self, claim: Claim, safe_until: float) -> None:
        """Have a shim carry the task out; while leaving, hand it back.

        Args:
            safe_until: Until when nobody else gets it while this agent lives: its lease began after it was asked for.
        """
        if self._leaving.is_set():
            with suppress(PenstockError):  # then it waits again once this agent is forgotten
                self._home.call(HandBack(held=claim.held))
            return
        self.claimed += 1
        self._say(f"{claim.queue}: {claim.task.name} ({claim.task.id[:12]})")
        key = f"{claim.task.id}-{claim.held.fence}"  # the shim that held it before may be about to leave
        self._running[key] = claim
        given = order.Order(
            claim=claim,
            token=self._token,
            working=self._options.working,
            environment=self._variables(self._token),
            path=self._options.path,
            lease=self._options.lease,
            agent=self._process,
            safe_until=safe_until,
            same_env=self._options.same_env,
            no_containers=self._options.no_containers,
        )
        self._nest_for(claim).carry_out(key, order.encode(given))

    def _nest_for(self, claim: Claim) -> Nest:
        """Return the nest for a task; of those that are empty, the one that was longest not used makes room."""
        chosen = preload.plan([claim.task.script.source], self._options.path)
        modules = assigned.preloaded((*chosen.modules, shim.__name__, *shim.needs(self._settings)))
        key = (modules, chosen.fingerprint)
        if key not in self._nests:
            empty = [old for old, nest in self._nests.items() if nest.is_empty]
            if len(self._nests) >= NESTS and empty:
                self._nests.pop(empty[0]).close()
            self._nests[key] = Nest(*key, self._shim(*key), self._ended)
        self._nests.move_to_end(key)
        return self._nests[key]

    def _shim(self, modules: tuple[str, ...], fingerprint: str) -> Launch:
        settings = replace(self._settings, key=Secret(""))  # it comes with a token of its own for each task
        given = order.Standby(settings=settings, modules=modules, fingerprint=fingerprint)
        return Launch(
            key="",
            payload=order.encode(given),
            cwd=self._options.working,
            environment=self._variables(),
            path=self._options.path,
            entry=shim.ENTRY,
            detached=True,
        )

    def _variables(self, token: str = "") -> dict[str, str]:
        """Return the variables that the process of a task starts with: the agent's, with a token instead of its key."""
        mine = {name: text for name, text in self._options.environment.items() if name != KEY_VARIABLE}
        return mine | ({KEY_VARIABLE: token} if token else {})

    def _ended(self, key: str, as_it_should: bool) -> None:  # noqa: FBT001 - called by the nest
        """A shim is gone. Should it have died, what it had left to say is delivered, and what it held let go of."""
        if not as_it_should:
            with suppress(PenstockError):
                self._recovery.look()
                self._recovery.let_go(self._running[key].held)
        with self._changed:
            self._running.pop(key, None)
            self._changed.notify_all()

    def _care(self) -> None:
        """Say that the agent lives, and look for what was lost, here or elsewhere, until it leaves."""
        due = 0.0  # soon: what the processor does can be said once there was some time to look at
        while not self._leaving.wait(LOOK):
            due -= LOOK
            with suppress(PenstockError):
                if due <= 0:
                    due = RENEWED
                    if self._report().draining:
                        self._leaving.set()
                self._recovery.look()
                (forget_dead if self._settings.url else end_dead)(self._home)
        with suppress(PenstockError):
            self._home.call(DrainAgent(name=self._options.name, why=self._why))

    def _report(self) -> Record:
        options = self._options
        record = Record(
            name=options.name,
            process=self._process,
            queues=options.queues,
            workers=options.workers,
            usage=self._usage.now(),
        )
        return self._home.call(ReportAgent(agent=record, seconds=max(self._options.lease, SECONDS)))


def _token() -> str:
    """Return what an attempt will be known by to a server, which is told only its digest."""
    made = SystemSecrets()
    return text_of(ATTEMPT, made.id(), made.token())


def default_name() -> str:
    """Return a name for an agent of this process."""
    return f"{liveness.here().host}-{os.getpid()}"
