"""The changes as they come, handed to whoever waits for them: a table of who waits, and for which topics.

A waiting client is an entry in the table, not a thread. What this server changed itself is handed out as soon as it is
committed. What others changed is read once and handed to everybody whom it concerns, so that a change costs one query,
however many there are. Of something that one of them can have, one hears at a time: it gets a *turn*, and passes it on
when it leaves without having used it. A wake-up is a hint: who is woken looks, and who is not looks again after a
while.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Self

from penstock.core.run import Change
from penstock.core.topics import RELEASED, Topic, Topics, is_shared, topics_of
from penstock.ops.base import Op
from penstock.ops.changes import LastChange, ListChanges

PERIOD: Final = 5.0  # seconds that one look at the feed waits
BATCH: Final = 10_000  # changes that are read at once, and that are held for one client
REST: Final = 0.005  # seconds after a look that found something: most of it was handed out before, and so is the next


class Turn:
    """Something came that one client can have.

    Args:
        topic: What it is about.

    Attributes:
        seen: Those who have had it.
    """

    def __init__(self, topic: Topic) -> None:
        self.topic = topic
        self.seen: set[Waiting] = set()


class Feed:
    """The changes as they come.

    Args:
        call: Carries an operation out, blocking.
    """

    def __init__(self, call: Callable[[Op[Any]], Any]) -> None:
        self._call = call
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: dict[Topic, dict[Waiting, None]] = {}
        self._clients: set[Waiting] = set()
        self._over = False
        self._early: dict[int, list[Change]] = {}  # by their first number, changes that others are missing before
        self._looked = 0
        self.seq = 0

    def open(self) -> None:
        """Begin to hand out changes to the event loop of the calling thread, from where the feed stands now."""
        self._loop = asyncio.get_running_loop()
        self.seq = self._looked = self._call(LastChange())

    def look(self) -> None:
        """Wait for changes and hand them out; called again and again by a thread of its own."""
        after = max(self.seq, self._looked)
        changes: list[Change] = self._call(ListChanges(after=after, limit=BATCH, wait=PERIOD))
        if changes and self._loop is not None:
            self._looked = changes[-1].seq
            self._loop.call_soon_threadsafe(self._take_looked, changes)
            time.sleep(REST)

    def told(self, changes: list[Change]) -> None:
        """Hand out changes that were committed just now, once all before them are. May be called by any thread."""
        if self._loop is not None and not self._over:
            self._loop.call_soon_threadsafe(self._take_told, changes)

    def end(self) -> None:
        """Let everybody go who waits: the server stops."""
        self._over = True
        for waiting in self._clients:
            waiting.wake()

    @property
    def is_over(self) -> bool:
        """Whether nobody is to wait any more."""
        return self._over

    @property
    def clients(self) -> int:
        """How many wait."""
        return len(self._clients)

    def join(self, *topics: Topic) -> Waiting:
        """Return an entry in the table, which hears of every change of these topics from now on."""
        waiting = Waiting(self)
        self._clients.add(waiting)
        waiting.watch(frozenset(topics))
        return waiting

    def enter(self, waiting: Waiting, topics: Iterable[Topic]) -> None:
        """Let an entry hear of these topics, too."""
        for topic in topics:
            self._waiting.setdefault(topic, {})[waiting] = None

    def leave(self, waiting: Waiting, topics: Iterable[Topic], *, for_good: bool = False) -> None:
        """Let an entry hear of these topics no more."""
        for topic in topics:
            others = self._waiting[topic]
            del others[waiting]
            if not others:
                del self._waiting[topic]
        if for_good:
            self._clients.discard(waiting)

    def pass_on(self, turn: Turn) -> None:
        """Give a turn to the one who has waited longest and has not had it; before all, to one who is not busy."""
        chosen = None
        for one in self._waiting.get(turn.topic, ()):
            if one not in turn.seen and (chosen is None or not one.is_busy):
                chosen = one
                if not one.is_busy:
                    break
        if chosen is not None:
            turn.seen.add(chosen)
            chosen.give(turn)

    def _take_told(self, changes: list[Change]) -> None:
        self._early[changes[0].seq] = changes
        self._go_on([])

    def _take_looked(self, changes: list[Change]) -> None:
        self._go_on([change for change in changes if change.seq > self.seq])
        self._early = {seq: some for seq, some in self._early.items() if seq > self.seq}

    def _go_on(self, following: list[Change] | None) -> None:
        """Hand out what follows from where the feed stands, and what was told early and follows from that."""
        while following is not None:
            if following:
                self.seq = following[-1].seq
                self.hand_out(following)
            following = self._early.pop(self.seq + 1, None)

    def hand_out(self, changes: Sequence[Change]) -> None:
        """Hand changes to those who wait for them."""
        found: dict[Topic, list[Change]] = {}
        for change in changes:
            for topic in topics_of(change):
                if topic in self._waiting:
                    found.setdefault(topic, []).append(change)
        for topic, some in found.items():
            if is_shared(topic):
                for _ in some[: len(self._waiting.get(topic, ()))]:
                    self.pass_on(Turn(topic))
            else:
                for waiting in self._waiting[topic]:
                    waiting.wake(some)


class Waiting:
    """One client that waits; used as a context manager. It holds what came since it last looked.

    Attributes:
        missed: Whether more came than is held here: then nothing is, and the client has to look for itself.
    """

    def __init__(self, feed: Feed) -> None:
        self.missed = False
        self._feed = feed
        self._topics: Topics = frozenset()
        self._came: list[Change] = []
        self._turns: list[Turn] = []
        self._bell = asyncio.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._feed.leave(self, self._topics, for_good=True)
        for turn in self._turns:
            self._feed.pass_on(turn)

    @property
    def is_busy(self) -> bool:
        """Whether it was woken and has not waited since."""
        return self._bell.is_set() or bool(self._turns)

    def watch(self, topics: Topics) -> bool:
        """Hear of these topics from now on; return whether some of them are new, so that it has to look once more."""
        new, old = topics - self._topics, self._topics - topics
        self._feed.enter(self, new)
        self._feed.leave(self, old)
        self._topics = topics
        return bool(new)

    def wake(self, changes: Iterable[Change] = ()) -> None:
        """Add changes, and ring."""
        self._came.extend(changes)
        if self.missed or len(self._came) > BATCH:
            self._came.clear()
            self.missed = True
        self._bell.set()

    def give(self, turn: Turn) -> None:
        """Add a turn, and ring."""
        self._turns.append(turn)
        self._bell.set()

    def begin(self) -> list[Turn]:
        """Begin to look: what rang until now is seen to by this look. Return the turns that it has."""
        self._bell.clear()
        self._came.clear()
        return list(self._turns)

    def used(self) -> None:
        """It got something: that was one turn."""
        del self._turns[:1]

    def found_nothing(self, turns: Iterable[Turn]) -> None:
        """Let go of turns: a look that began after they came found nothing.

        Where it would have taken what the turn is about, it is gone. Else another may want it.
        """
        for turn in turns:
            self._turns.remove(turn)
            if turn.topic == RELEASED or turn.topic not in self._topics:
                self._feed.pass_on(turn)

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
