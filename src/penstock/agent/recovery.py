"""Delivers what shims that died had left to say, and lets go of what they held.

While the lease of such a task holds, nothing of it is lost, its outcome least of all. Once it is over the task is
another's, or was given up: then it is said how much is dropped.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from penstock.agent.delivery import deliver
from penstock.agent.journal import ENDING, Journal, Stored, file_of
from penstock.agent.uploads import Refused, checked, send_again
from penstock.backend import Home
from penstock.core.errors import LeaseLost, PenstockError
from penstock.core.lease import Held
from penstock.ops.claims import BeginClaimed, ReleaseLease
from penstock.ops.tasks import DescribeTask, EndTask, GetTask
from penstock.run.contained import ticket
from penstock.run.liveness import is_alive
from penstock.settings import Settings


def folder_of(settings: Settings) -> Path:
    """Return the folder of the journals of a home."""
    return settings.home / "journals"


def place_of(settings: Settings) -> str:
    """Return what tells where everything is kept from other such places, without saying its password."""
    where = settings.url or settings.database_url or ""
    return sha256(where.encode()).hexdigest()[:16] if where else ""


class Recovery:
    """Looks for what dead shims left: their journals, and the containers of their tasks.

    Args:
        say: Takes a sentence about what was found.
    """

    def __init__(self, home: Home, settings: Settings, say: Callable[[str], object]) -> None:
        self._home = home
        self._settings = settings
        self._folder = folder_of(settings)
        self._place = place_of(settings)
        self._say = say
        self._turn = threading.Lock()

    def look(self) -> None:
        """Deliver what is left, let go of tasks, remove containers. What cannot be done now stays for the next look.

        Raises:
            PenstockError: It cannot be done now.
        """
        with self._turn:
            for file in sorted(self._folder.glob(f"*{ENDING}")):
                if (journal := Journal.open(file)) is not None:
                    self._recover(journal)
            ticket.recover(self._settings.home, self._say)

    def let_go(self, held: Held) -> None:
        """Let go of what a dead shim held that left no journal; one that is there is somebody else's to deliver."""
        if not file_of(self._folder, held).exists():
            self._home.call(ReleaseLease(held=held))

    def _recover(self, journal: Journal) -> None:
        done = False
        try:
            opening = journal.opening
            if opening.place == self._place and is_alive(opening.writer) is False and journal.claim():
                self._deliver(journal)
                self._home.call(ReleaseLease(held=opening.held))
                done = True
        finally:
            journal.close(remove=done)

    def _deliver(self, journal: Journal) -> None:
        """Deliver all that waits, or say how much is dropped."""
        held = journal.opening.held
        holder = self._home.holding(held)
        name = f"task {held.task[:12]}"
        refused: Refused = {}
        reports, ended = 0, ""
        while (entry := journal.first()) is not None:
            op = entry.read()
            try:
                if op is not None and not isinstance(op, Stored):
                    send_again(holder.blobs, op, refused)
                answer = deliver(holder, held, entry, refused)
            except LeaseLost:
                if not isinstance(op, BeginClaimed | DescribeTask):
                    self._drop(journal, held)
                    return
                journal.take_out()  # somebody may have stopped the task before: what it printed is still taken then
                continue
            if isinstance(answer, PenstockError):
                self._say(f"{name}: {entry.op} of its shim, which died, is not taken: {answer.message}")
            elif isinstance(op, EndTask):
                ended = f"; it is {checked(op, refused).status}"
            elif not isinstance(op, Stored | BeginClaimed):
                reports += 1
            journal.take_out()
        if reports or ended:
            self._say(f"{name}: delivered {reports} reports that its shim, which died, had left{ended}")

    def _drop(self, journal: Journal, held: Held) -> None:
        """Say what is dropped, unless the outcome was delivered and only the answer was lost."""
        left = journal.rest()
        ends = [op for one in left if isinstance(op := one.read(), EndTask)]
        with suppress(PenstockError):
            task = self._home.call(GetTask(id=held.task))
            if any((task.status, task.reason, task.message) == (op.status, op.reason, op.message) for op in ends):
                return
        reports = sum(not isinstance(one.read(), Stored | BeginClaimed | EndTask) for one in left)
        what = f"{reports} reports{' and its outcome' if ends else ''}"
        self._say(f"task {held.task[:12]}: its lease is over; {what} of its shim, which died, are dropped")
