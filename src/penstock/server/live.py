"""Waiting for an answer, and the stream of changes, for any number of clients at once; see `feed`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from penstock.core.errors import Forbidden, Unauthenticated
from penstock.core.run import Change, ChangeKind, completed_attempts, only_begins
from penstock.core.topics import Topics, of_run
from penstock.ops.base import Op
from penstock.ops.changes import FollowRun, ListChanges, RunNews
from penstock.server.feed import Feed, Waiting

AGAIN: Final = 20.0  # seconds after which a client that was not woken looks again
PAGE: Final = 500  # changes in one piece of a stream
RACED: Final = 0.005  # seconds after which one looks again who saw something that another was about to take


async def wait_for(
    feed: Feed,
    op: Op[Any],
    call: Callable[[Op[Any]], Awaitable[Any]],
    look: Callable[[Op[Any]], Awaitable[Topics | None]],
    most: float,
    *,
    sees_all: bool = True,
) -> Any:
    """Return what an operation with a `wait` returns, as soon as it has an answer, or its time is over.

    Args:
        call: Carries an operation out in a thread.
        look: Says, in a thread and without changing anything, what an answer waits for; None when it is there now.
        most: Seconds to wait at the most, whatever is asked for.
        sees_all: Whether who waits may see the changes of every project.
    """
    if isinstance(op, ListChanges):
        return await _wait_for_changes(feed, op, call, most, sees_all=sees_all)
    if isinstance(op, FollowRun):
        return await _follow_run(feed, op, call, most)
    deadline = asyncio.get_running_loop().time() + min(waits(op), most)
    at_once = replace(op, wait=0.0)
    with feed.join() as waiting:
        while True:
            turns = waiting.begin()
            over = deadline <= asyncio.get_running_loop().time() or feed.is_over
            taken = over or bool(turns)  # whose turn it is takes what came, and need not look for it before
            topics = None if taken else await look(at_once)
            if topics is None:
                found = await call(at_once)
                if found:
                    waiting.used()
                if found or over:
                    return found
            if taken:
                topics = await look(at_once)
            if topics is None:
                await asyncio.sleep(RACED)
                continue
            has_new = waiting.watch(topics)
            waiting.found_nothing(turns)
            if not has_new:
                await waiting.more(min(max(deadline - asyncio.get_running_loop().time(), 0.0), AGAIN))


def waits(op: Op[Any]) -> float:
    """Return for how many seconds an operation wants to wait for something to return; 0 for most."""
    return float(getattr(op, "wait", 0.0))


async def _wait_for_changes(
    feed: Feed, op: ListChanges, call: Callable[[Op[Any]], Awaitable[Any]], most: float, *, sees_all: bool
) -> list[Change]:
    """Return the changes that are asked for: what the feed hands out is the answer, so that nobody has to look again.

    Who waits sees every change from before the first look on. Only who may not see all looks again.
    """
    deadline = asyncio.get_running_loop().time() + min(op.wait, most)
    at_once = replace(op, wait=0.0)
    with feed.join(of_run(op.run)) as waiting:
        while True:
            waiting.missed = False  # what this look does not see is held from here on
            found: list[Change] = await call(at_once)
            left = deadline - asyncio.get_running_loop().time()
            if found or left <= 0 or feed.is_over:
                return found
            came = _after(op.after, await waiting.more(min(left, AGAIN)))
            if came and _may_be_shown(came, sees_all=sees_all):
                return came[: op.limit]


async def _follow_run(feed: Feed, op: FollowRun, call: Callable[[Op[Any]], Awaitable[Any]], most: float) -> RunNews:
    """Return what is new of a run, as above. Only where it is wanted what attempts left, somebody looks again."""
    deadline = asyncio.get_running_loop().time() + min(op.wait, most)
    at_once = replace(op, wait=0.0)
    with feed.join(of_run(op.run)) as waiting:
        while True:
            waiting.missed = False  # as above
            found: RunNews = await call(at_once)
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0 or feed.is_over:
                return found
            came = list(found.changes) or _after(op.after, await waiting.more(min(left, AGAIN)))
            more = await _linger(feed, waiting, came, min(left, op.linger)) if came else []
            if 0 < len(completed_attempts([*came, *more])) <= op.outputs and (more or not found):
                return await call(at_once)  # type: ignore[no-any-return]
            if came:
                return RunNews(changes=(*came, *more)[: op.limit], outputs=found.outputs)


async def _linger(feed: Feed, waiting: Waiting, came: list[Change], seconds: float) -> list[Change]:
    """Return what else comes while there is nothing to tell but that attempts begin."""
    until = asyncio.get_running_loop().time() + seconds
    more: list[Change] = []
    while all(map(only_begins, [*came, *more])) and not feed.is_over:
        left = until - asyncio.get_running_loop().time()
        if left <= 0:
            break
        more += _after([*came, *more][-1].seq, await waiting.more(left))
    return more


def _after(seq: int, changes: list[Change]) -> list[Change]:
    return [change for change in changes if change.seq > seq]


async def events(
    feed: Feed,
    after: int,
    run: str | None,
    call: Callable[[Op[Any]], Awaitable[list[Change]]],
    *,
    sees_all: bool = True,
) -> AsyncIterator[bytes]:
    """Yield the changes after one as server-sent events; now and then a comment, so that the line is not cut.

    Args:
        run: Only the changes of this run.
        call: Carries an operation out in a thread.
        sees_all: Whether who listens may see the changes of every project.
    """
    with feed.join(of_run(run)) as waiting:
        looks = False
        yield b"retry: 1000\n\n"
        found = await call(ListChanges(after=after, run=run, limit=PAGE))
        while not feed.is_over:
            if found:
                after = found[-1].seq
                yield b"".join(_event(change) for change in found)
            if len(found) == PAGE or waiting.missed or looks:
                waiting.missed = looks = False
                try:
                    found = await call(ListChanges(after=after, run=run, limit=PAGE))
                except (Unauthenticated, Forbidden):
                    return  # their key was revoked meanwhile, say
                continue
            found = [change for change in await waiting.more(AGAIN) if change.seq > after]
            if not found and not waiting.missed:
                yield b": still here\n\n"
            looks = bool(found) and not _may_be_shown(found, sees_all=sees_all)
            if looks:
                found = []


def _may_be_shown(came: list[Change], *, sees_all: bool) -> bool:
    """Return whether somebody may see what came without being asked again who they are, and what they may see."""
    return sees_all and not any(change.kind is ChangeKind.ACCESS for change in came)


def _event(change: Change) -> bytes:
    return b"id: %d\nevent: change\ndata: %b\n\n" % (change.seq, msgspec.json.encode(change))
