"""Waiting for changes, for any number of clients at once: one thread reads the feed, and wakes those whom it concerns.

A waiting client is an entry in a table, not a thread. What is read once is handed to everybody who waits for it, so
that a change costs one query, however many there are. A wake-up is a hint: who is woken looks, and who is not looks
again after a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, Self

import msgspec
from msgspec.structs import replace

from penstock.core.run import Change
from penstock.ops.base import Op
from penstock.ops.changes import LastChange, ListChanges

PERIOD: Final = 5.0  # seconds that one look at the feed waits
AGAIN: Final = 20.0  # seconds after which a client that was not woken looks again
BATCH: Final = 10_000  # changes that are read at once, and that are held for one client
PAGE: Final = 500  # changes in one piece of a stream

Place = str | None
"""What somebody waits for changes of: a run, or None for everything."""


def places_of(change: Change) -> tuple[Place, ...]:
    """Return what a change is one of."""
    return (None,) if change.run is None else (None, change.run)


class Feed:
    """The changes as they come.

    Args:
        call: Carries an operation out, blocking.
    """

    def __init__(self, call: Callable[[Op[Any]], Any]) -> None:
        self._call = call
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: dict[Place, set[Waiting]] = {}
        self._over = False
        self.seq = 0

    def open(self) -> None:
        """Begin to hand out changes to the event loop of the calling thread, from where the feed stands now."""
        self._loop = asyncio.get_running_loop()
        self.seq = self._call(LastChange())

    def look(self) -> None:
        """Wait for changes and hand them out; called again and again by a thread of its own."""
        changes: list[Change] = self._call(ListChanges(after=self.seq, limit=BATCH, wait=PERIOD))
        if changes and self._loop is not None:
            self.seq = changes[-1].seq
            self._loop.call_soon_threadsafe(self._hand_out, changes)

    def end(self) -> None:
        """Let everybody go who waits: the server stops."""
        self._over = True
        for waiting in [one for some in self._waiting.values() for one in some]:
            waiting.wake(())

    @property
    def is_over(self) -> bool:
        """Whether nobody is to wait any more."""
        return self._over

    @property
    def clients(self) -> int:
        """How many wait."""
        return sum(map(len, self._waiting.values()))

    def join(self, place: Place) -> Waiting:
        """Return an entry in the table, which sees every change from now on."""
        waiting = Waiting(self, place)
        self._waiting.setdefault(place, set()).add(waiting)
        return waiting

    def leave(self, waiting: Waiting) -> None:
        """Remove an entry."""
        others = self._waiting[waiting.place]
        others.discard(waiting)
        if not others:
            del self._waiting[waiting.place]

    def _hand_out(self, changes: Sequence[Change]) -> None:
        by_place: dict[Place, list[Change]] = {}
        for change in changes:
            for place in places_of(change):
                if place in self._waiting:
                    by_place.setdefault(place, []).append(change)
        for place, some in by_place.items():
            for waiting in self._waiting[place]:
                waiting.wake(some)


class Waiting:
    """One client that waits; used as a context manager. It holds what came since it last looked.

    Attributes:
        missed: Whether more came than is held here: then nothing is, and the client has to look for itself.
    """

    def __init__(self, feed: Feed, place: Place) -> None:
        self.missed = False
        self._feed = feed
        self.place = place
        self._came: list[Change] = []
        self._bell = asyncio.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._feed.leave(self)

    def wake(self, changes: Iterable[Change]) -> None:
        """Add changes, and ring."""
        self._came.extend(changes)
        if self.missed or len(self._came) > BATCH:
            self._came.clear()
            self.missed = True
        self._bell.set()

    async def more(self, seconds: float) -> list[Change]:
        """Wait for changes that came since the last time; return them, or nothing when the time or the feed is over."""
        if not self._bell.is_set() and not self._feed.is_over:
            try:
                async with asyncio.timeout(seconds):
                    await self._bell.wait()
            except TimeoutError:
                return []
        self._bell.clear()
        came, self._came = self._came, []
        return came


async def wait_for(
    feed: Feed,
    op: Op[Any],
    call: Callable[[Op[Any]], Awaitable[Any]],
    has_answer: Callable[[Op[Any]], Awaitable[bool]],
    most: float,
) -> Any:
    """Return what an operation with a `wait` returns, as soon as it has an answer, or its time is over.

    Args:
        call: Carries an operation out in a thread.
        has_answer: Says, in a thread and without changing anything, whether that would bring an answer now.
        most: Seconds to wait at the most, whatever is asked for.
    """
    if isinstance(op, ListChanges):
        return await _wait_for_changes(feed, op, call, most)
    deadline = asyncio.get_running_loop().time() + min(waits(op), most)
    at_once = replace(op, wait=0.0)
    with feed.join(None) as waiting:
        while True:
            over = deadline <= asyncio.get_running_loop().time() or feed.is_over
            if over or await has_answer(at_once):
                found = await call(at_once)
                if found or over:  # what was there a moment ago may have gone to another
                    return found
            await waiting.more(min(max(deadline - asyncio.get_running_loop().time(), 0.0), AGAIN))


def waits(op: Op[Any]) -> float:
    """Return for how many seconds an operation wants to wait for something to return; 0 for most."""
    return float(getattr(op, "wait", 0.0))


async def _wait_for_changes(
    feed: Feed, op: ListChanges, call: Callable[[Op[Any]], Awaitable[Any]], most: float
) -> list[Change]:
    """Return the changes that are asked for: what the feed hands out is the answer, so that nobody has to look again.

    Who waits sees every change from before the first look on.
    """
    deadline = asyncio.get_running_loop().time() + min(op.wait, most)
    at_once = replace(op, wait=0.0)
    with feed.join(op.run) as waiting:
        while True:
            waiting.missed = False  # what this look does not see is held from here on
            found: list[Change] = await call(at_once)
            left = deadline - asyncio.get_running_loop().time()
            if found or left <= 0 or feed.is_over:
                return found
            came = [change for change in await waiting.more(min(left, AGAIN)) if change.seq > op.after]
            if came:
                return came[: op.limit]


async def events(
    feed: Feed, after: int, run: str | None, call: Callable[[Op[Any]], Awaitable[list[Change]]]
) -> AsyncIterator[bytes]:
    """Yield the changes after one as server-sent events; now and then a comment, so that the line is not cut.

    Args:
        run: Only the changes of this run.
        call: Carries an operation out in a thread.
    """
    with feed.join(run) as waiting:
        yield b"retry: 1000\n\n"
        found = await call(ListChanges(after=after, run=run, limit=PAGE))
        while not feed.is_over:
            if found:
                after = found[-1].seq
                yield b"".join(_event(change) for change in found)
            if len(found) == PAGE or waiting.missed:
                waiting.missed = False
                found = await call(ListChanges(after=after, run=run, limit=PAGE))
                continue
            found = [change for change in await waiting.more(AGAIN) if change.seq > after]
            if not found and not waiting.missed:
                yield b": still here\n\n"


def _event(change: Change) -> bytes:
    return b"id: %d\nevent: change\ndata: %b\n\n" % (change.seq, msgspec.json.encode(change))
