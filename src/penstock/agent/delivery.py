"""What a shim says goes into its journal, and from there, in order and each once, to where everything is kept.

Reports are taken at once and delivered by a thread: nobody waits while the server is away. The outcome is on the disk
before it is sent. Everything else is asked for directly, behind all that was said before.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self, TypeVar, cast

from penstock.agent.journal import Entry, Journal, Said, Stored
from penstock.agent.uploads import LATER, PATIENT, Along, Refused, checked, noting, send
from penstock.backend import Holder
from penstock.blobs.files import FileBlobs
from penstock.core.errors import DiskFull, Invalid, LeaseLost, PenstockError, StoreError
from penstock.core.lease import Held
from penstock.core.outputs import Artifact, ConsoleLine, Stream
from penstock.ops.base import Op
from penstock.ops.claims import BeginClaimed
from penstock.ops.outputs import AddArtifact, AppendConsole, ReportPlots, ReportScalars
from penstock.ops.tasks import DescribeTask, EndTask

R = TypeVar("R")

MOST: Final = 1 << 30
"""Bytes that may wait in a journal: of console lines. What is measured may take as much again."""

PAUSE: Final = 1.0  # seconds before the next try, on the average, when one failed
REPORTS: Final = (AppendConsole, ReportScalars, ReportPlots)
"""What is taken at once, whoever is there to record it."""

NAMELESS: Final = (AppendConsole, ReportScalars)
"""What names no blob."""

LOOK: Final = 0.25  # seconds between two looks whether nobody answers


def deliver(holder: Holder, held: Held, entry: Entry, refused: Refused) -> object:
    """Deliver an entry; return its result, or the error that refuses it for good.

    Args:
        refused: The blobs that cannot be stored; one more may come.

    Raises:
        LeaseLost: The task is not held any more.
        Unreachable, StoreError, Unauthenticated: It cannot be delivered now.
    """
    op = entry.read()
    if op is None:
        return Invalid(f"a journal holds no {entry.op}")
    try:
        if isinstance(op, Stored):
            return send(holder.blobs, op.blob, refused)
        return holder.call_once(checked(op, refused), f"journal-{held.task}-{held.fence}-{entry.number}")
    except (LeaseLost, *LATER):
        raise
    except PenstockError as error:
        return error
    except Exception as error:  # noqa: BLE001 - whatever it is, one entry must not hold up all those behind it
        return PenstockError(f"{entry.op} could not be carried out: {type(error).__name__}: {error}")


class Journaled:
    """The backend of a shim: what it says is kept in the journal until it is delivered.

    A context manager: leaving it waits until all is delivered, or nothing is taken any more. An error that gets past it
    leaves the journal to the agent.

    Once the lease is over, reports alone are still delivered, until one is refused: somebody may have stopped the task
    before it was recorded that it began, and what it printed until it heard of that is kept.

    Args:
        holder: Where everything goes.
        journal: Of this task; closed with this.
        lost: Called once, from the thread that delivers, when the task is not held any more.
        most: Bytes that may wait; see `MOST`.
    """

    def __init__(self, holder: Holder, journal: Journal, lost: Callable[[], object], most: int = MOST) -> None:
        self._holder = holder
        self._journal = journal
        self._held = journal.opening.held
        self._lost = lost
        self._most = most
        self._changed = threading.Condition()
        self._leaving = False
        self._over: LeaseLost | None = None
        self._unheard = False  # the lease is over, and not even reports are taken any more
        self._awaited: set[int] = set()  # numbers of the entries whose answers are waited for
        self._answers: dict[int, object] = {}
        self._tried: float | None = None  # since when the first entry that waits is tried to be delivered
        self._refused: Refused = {}
        self._along = Along(holder.blobs, self._owe)
        self._blobs = noting(holder.blobs, self._along, self._note_stored, lambda: self._is_away)
        self._complained = False
        self._dropped = 0  # lines of console since the last that was taken
        self._thread = threading.Thread(target=self._work, name="penstock-delivery", daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        done = error is None or isinstance(error, LeaseLost)
        if done:
            self._wait(lambda: self._unheard or not self._journal.waiting)
        with self._changed:
            self._leaving = True
            self._changed.notify_all()
        if done:
            self._thread.join()
            self._journal.close(remove=True)

    @property
    def blobs(self) -> FileBlobs:
        """Where the blobs are."""
        return self._blobs

    @property
    def is_lost(self) -> bool:
        """Whether the task is not held any more."""
        return self._over is not None

    def call(self, op: Op[R]) -> R:
        """Carry out one operation, or note that it is to be.

        Raises:
            LeaseLost: The task is not held any more.
        """
        if isinstance(op, EndTask):
            return cast("R", self._end(self._along.loaded(op)))
        if isinstance(op, AddArtifact):
            return cast("R", self._add_artifact(self._along.loaded(op)))
        if not (op.reads or isinstance(op, NAMELESS)):
            self._along.release()
        if isinstance(op, REPORTS):
            self.note(op)
            self.deliver()
            return cast("R", None)
        self._flush()
        return self._holder.call(checked(op, self._refused))

    def note(self, op: Op[None] | BeginClaimed | DescribeTask) -> None:
        """Note what is said of the task, as that it begins: nobody waits until it is recorded.

        It is delivered from when `deliver` is called, or something else is said. Lines of console for which there is no
        room are dropped, and it is said how many.
        """
        if self._unheard or not isinstance(op, REPORTS):
            self._must_be_held()
        with self._changed:
            self._add(op)

    def deliver(self) -> None:
        """Deliver what was noted."""
        with self._changed:
            self._go_on()

    def close(self) -> None:
        """Leave the holder as it is: it belongs to whoever opened it."""

    def _go_on(self) -> None:
        """Have the thread deliver what waits. It is begun by need: that takes time which a small step feels."""
        if self._thread.ident is None:
            self._thread.start()
        self._changed.notify_all()

    def _add(self, op: Op[Any]) -> None:
        console = isinstance(op, AppendConsole)
        try:
            if self._journal.waiting >= self._most * (1 if console else 2):
                raise DiskFull(f"{self._journal.waiting / 1e6:,.0f} MB wait to be delivered already")
            if console:
                self._tell_dropped()
            self._journal.add(op)
        except StoreError:
            if not isinstance(op, AppendConsole):
                raise
            self._dropped += len(op.lines)

    def _tell_dropped(self) -> None:
        if self._dropped:
            self._say(f"{self._dropped} lines are not recorded: there was no room while nobody took them")
            self._dropped = 0

    def _say(self, text: str) -> None:
        line = ConsoleLine(time.time(), Stream.ERR, f"penstock: {text}")
        self._journal.add(AppendConsole(task=self._held.task, lines=(line,)))

    def _note_stored(self, stored: Stored) -> None:
        """Take note of a blob that is stored here alone, until the server is there again."""
        self._must_be_held()
        with self._changed:
            self._tried = self._tried or time.monotonic() - PATIENT  # so that the next one does not wait as long
        self._owe(stored)

    def _owe(self, stored: Stored) -> None:
        """Have a blob sent in its turn."""
        self._must_be_held()
        with self._changed:
            self._journal.add(stored, synced=True)
            self._go_on()

    @property
    def _is_away(self) -> bool:
        """Whether nobody takes what is delivered, and has not for a while."""
        return self._tried is not None and time.monotonic() - self._tried >= PATIENT

    def _add_artifact(self, op: AddArtifact) -> Artifact:
        """Record an artifact; while nobody answers, it is noted, and recorded later."""
        self._must_be_held()
        try:
            number = self._add_awaited(op)
        except StoreError:
            self._flush()
            return self._holder.call(checked(op, self._refused))
        with self._changed:
            while number not in self._answers and self._over is None and not self._is_away:
                self._changed.wait(LOOK)
            self._awaited.discard(number)
        self._must_be_held()
        return cast("Artifact", self._answer(number, op.artifact))

    def _end(self, op: EndTask) -> object:
        """Have the outcome delivered, and return what was answered."""
        self._must_be_held()
        try:
            self._tell_dropped()
            number = self._add_awaited(op)
        except StoreError:  # there is no room to keep it; nobody may lose it for that
            self._flush()
            return self._holder.call(checked(op, self._refused))
        self._flush()
        return self._answer(number, None)

    def _add_awaited(self, op: Said) -> int:
        """Write something down for good whose answer is waited for; return its number."""
        with self._changed:
            number = self._journal.add(op, synced=True)
            self._awaited.add(number)
            self._go_on()
            return number

    def _answer(self, number: int, unless: object) -> object:
        """Return what an entry was answered, or something else where it was not yet; raise an answer that refuses."""
        answer = self._answers.pop(number, unless)
        if isinstance(answer, PenstockError):
            raise answer
        return answer

    def _flush(self) -> None:
        """Wait until all is delivered that was said."""
        self._wait(lambda: self._over is not None or not self._journal.waiting)
        self._must_be_held()

    def _must_be_held(self) -> None:
        if self._over is not None:
            raise self._over

    def _wait(self, holds: Callable[[], bool]) -> None:
        with self._changed:
            self._go_on()
            self._changed.wait_for(holds)

    def _work(self) -> None:
        """Deliver, until it is time to leave."""
        while not self._unheard:
            with self._changed:
                self._changed.wait_for(lambda: self._leaving or self._journal.waiting)
                if self._leaving:
                    return
            if (entry := self._journal.first()) is None:
                continue
            self._tried = self._tried or time.monotonic()
            try:
                answer = deliver(self._holder, self._held, entry, self._refused)
            except LeaseLost as error:
                self._lose(entry, error)
                continue
            except LATER:
                with self._changed:
                    self._changed.wait_for(lambda: self._leaving, PAUSE * (0.5 + random.random()))  # noqa: S311 - it is no secret
                continue
            self._take(entry, answer)

    def _lose(self, entry: Entry, error: LeaseLost) -> None:
        """Take note that the task is not held any more."""
        with self._changed:
            told, self._over = self._over is not None, error
            self._unheard = isinstance(entry.read(), REPORTS)
            self._tried = None
            self._journal.take_out()
            self._changed.notify_all()
        if not told:
            self._lost()

    def _take(self, entry: Entry, answer: object) -> None:
        """Take note of what was answered. That a report was refused is said once."""
        with self._changed:
            self._tried = None
            if entry.number in self._awaited:
                self._awaited.discard(entry.number)
                self._answers[entry.number] = answer
            elif isinstance(answer, PenstockError) and not self._complained:
                self._complained = True
                with suppress(StoreError):
                    self._say(f"a report could not be recorded: {answer.message}")
            self._journal.take_out()
            self._changed.notify_all()
