"""Starts an agent on this machine when something waits and nobody else would come.

It serves every queue of the home, outlives the process that started it, and leaves when nothing waits any more.
`Attendant` looks again and again: for a server that people use from a page, and nobody else starts an agent for.
"""

from __future__ import annotations

import subprocess
import sys
import time

from penstock.backend import Backend
from penstock.core.access import ATTEMPT, read_text
from penstock.ops.agents import ListAgents
from penstock.ops.changes import LastChange, ListChanges
from penstock.ops.queues import ListQueues
from penstock.run.reconcile import close_lost
from penstock.settings import Settings, environment

COMING = 15.0  # seconds that an agent which was started gets to say that it lives
_STARTED: list[subprocess.Popen[bytes]] = []  # one that nobody holds any more complains that it still runs
NOT_ITS_OWN = ("PENSTOCK_HELD", "PENSTOCK_TASK_ID")  # variables that are about the process which starts it


class LocalAgent:
    """The agent of this machine, as far as it has to be started."""

    def __init__(self, backend: Backend, settings: Settings) -> None:
        self._backend = backend
        self._settings = settings
        self._until = 0.0

    def start(self) -> bool:
        """Start an agent unless one lives, is on its way, or none is wanted; return whether one will come."""
        given = read_text(self._settings.key.text)
        if self._settings.start_agent == "off" or (given is not None and given.sort == ATTEMPT):
            return False  # an attempt has no key that an agent could come with
        if time.monotonic() < self._until or self._backend.call(ListAgents()):
            return True
        self._until = time.monotonic() + COMING
        variables = {name: text for name, text in environment().items() if name not in NOT_ITS_OWN}
        with (self._settings.home / "agent.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "penstock", "agent", "--until-idle"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={**variables, "PENSTOCK_HOME": str(self._settings.home)},
                start_new_session=True,
            )
        _STARTED.append(process)
        return True


class Attendant:
    """Starts an agent whenever something waits in a queue that nobody serves, and ends what has lost its process.

    Args:
        backend: The service.
        settings: Of this home.
    """

    PERIOD = 5.0  # seconds after which it looks again, also when nothing changed
    REST = 0.2  # seconds between two looks, however much changes

    def __init__(self, backend: Backend, settings: Settings) -> None:
        self._backend = backend
        self._agent = LocalAgent(backend, settings)
        self._next = 0.0

    def look(self) -> None:
        """Look once, and return when something has changed since, or after a while."""
        seen = self._backend.call(LastChange())
        if time.monotonic() >= self._next:
            close_lost(self._backend)  # else the page would show them as running for ever
            self._next = time.monotonic() + self.PERIOD
        queues = self._backend.call(ListQueues())
        if any(one.waiting and not one.paused and not one.agents for one in queues):
            self._agent.start()
        self._backend.call(ListChanges(after=seen, limit=1, wait=self.PERIOD))
