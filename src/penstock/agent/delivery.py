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

from penstock.agent.journal import KINDS, Entry, Journal
from penstock.backend import Holder
from penstock.blobs.files import FileBlobs
from penstock.core.errors import (
    DiskFull,
    Invalid,
    LeaseLost,
    PenstockError,
    StoreError,
    Unauthenticated,
    Unreachable,
)
from penstock.core.lease import Held
from penstock.core.outputs import ConsoleLine, Stream
from penstock.ops.base import Op
from penstock.ops.outputs import AppendConsole
from penstock.ops.tasks import EndTask

R = TypeVar("R")

MOST: Final = 1 << 30
"""Bytes that may wait in a journal: of console lines. What is measured may take as much again."""

PAUSE: Final = 1.0  # seconds before the next try, on the average, when one failed
LATER: Final = (Unreachable, StoreError, Unauthenticated)
"""What says nothing of the operation: it is tried again, for as long as the task is held."""


def deliver(holder: Holder, held: Held, entry: Entry) -> object:
    """Deliver an entry; return its result, or the error that refuses it for good.

    Raises:
        LeaseLost: The task is not held any more.
        Unreachable, StoreError, Unauthenticated: It cannot be delivered now.
    """
    op = entry.read()
    if op is None:
        return Invalid(f"a journal holds no {entry.op}")
    try:
        return holder.call_once(op, f"journal-{held.task}-{held.fence}-{entry.number}")
    except (LeaseLost, *LATER):
        raise
    except PenstockError as error:
        return error
    except Exception as error:  # noqa: BLE001 - whatever it is, one entry must not hold up all those behind it
        return PenstockError(f"{entry.op} could not be carried out: {type(error).__name__}: {error}")


class Journaled:
    """The backend of a shim: what it says is kept in the journal until it is delivered.

    A context manager: leaving it waits until all is delivered, or the lease is over. An error that gets past it leaves
    the journal to the agent.

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
        self._awaited = 0  # number of the entry whose answer is waited for
        self._answer: object = None
        self._complained = False
        self._dropped = 0  # lines of console since the last that was taken
        self._thread = threading.Thread(target=self._work, name="penstock-delivery", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        done = error is None or isinstance(error, LeaseLost)
        if done:
            self._wait(lambda: not self._journal.waiting)
        with self._changed:
            self._leaving = True
            self._changed.notify_all()
        if done:
            self._thread.join()
            self._journal.close(remove=True)

    @property
    def blobs(self) -> FileBlobs:
        """Where the blobs are."""
        return self._holder.blobs

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
            return cast("R", self._end(op))
        if type(op).__name__ in KINDS:
            self._note(op)
            return cast("R", None)
        self._flush()
        return self._holder.call(op)

    def close(self) -> None:
        """Leave the holder as it is: it belongs to whoever opened it."""

    def _note(self, op: Op[Any]) -> None:
        """Take a report. Lines of console for which there is no room are dropped, and it is said how many."""
        self._must_be_held()
        with self._changed:
            self._add(op)
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

    def _end(self, op: EndTask) -> object:
        """Have the outcome delivered, and return what was answered."""
        self._must_be_held()
        try:
            self._tell_dropped()
            with self._changed:
                self._awaited = self._journal.add(op, synced=True)
                self._changed.notify_all()
        except StoreError:  # there is no room to keep it; nobody may lose it for that
            self._flush()
            return self._holder.call(op)
        self._flush()
        if isinstance(self._answer, PenstockError):
            raise self._answer
        return self._answer

    def _flush(self) -> None:
        """Wait until all is delivered that was said."""
        self._wait(lambda: not self._journal.waiting)
        self._must_be_held()

    def _must_be_held(self) -> None:
        if self._over is not None:
            raise self._over

    def _wait(self, holds: Callable[[], bool]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._over is not None or holds())

    def _work(self) -> None:
        """Deliver, until it is time to leave."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._leaving or self._journal.waiting)
                if self._leaving:
                    return
            if (entry := self._journal.first()) is None:
                continue
            try:
                answer = deliver(self._holder, self._held, entry)
            except LeaseLost as error:
                with self._changed:
                    self._over = error
                    self._changed.notify_all()
                self._lost()
                return
            except LATER:
                with self._changed:
                    self._changed.wait_for(lambda: self._leaving, PAUSE * (0.5 + random.random()))  # noqa: S311 - it is no secret
                continue
            self._take(entry, answer)

    def _take(self, entry: Entry, answer: object) -> None:
        """Take note of what was answered. That a report was refused is said once."""
        with self._changed:
            if entry.number == self._awaited:
                self._answer = answer
            elif isinstance(answer, PenstockError) and not self._complained:
                self._complained = True
                with suppress(StoreError):
                    self._say(f"a report could not be recorded: {answer.message}")
            self._journal.take_out()
            self._changed.notify_all()
