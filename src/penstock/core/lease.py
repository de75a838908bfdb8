"""Leases: who may carry a task out, for how long, and what becomes of a task whose agent is not heard of any more.

A claimed task is held under a number that is never given twice. Every write of whoever holds it carries the number, and
is refused once the task went to another: a process that was frozen for an hour can change nothing when it wakes up.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from penstock.core.errors import LeaseLost

SECONDS = 60.0
"""How long a lease lasts unless it is renewed."""

RENEWED = 15.0
"""Seconds after which whoever holds a lease renews it."""

FORGOTTEN = 5.0
"""Seconds for which what an agent claimed and did not begin is still held when it is known to be gone.

Just before, it may have told a process of its machine to begin, which says so within that time: one that finds its
agent gone asks before it begins.
"""

MOST_LOST = 3
"""How often an attempt, or a run, may be lost with its agent before it is given up."""


class Held(Struct, frozen=True):
    """What a process has to show for a task that it carries out.

    Args:
        task: Id of the task.
        fence: The number that it was claimed under.
    """

    task: str
    fence: int


def held_of(text: str) -> Held | None:
    """Return what a text of the form `TASK:FENCE` says; None when it is of another form."""
    task, _, fence = text.partition(":")
    return Held(task, int(fence)) if fence.isascii() and fence.isdecimal() else None


def not_held(held: Held) -> LeaseLost:
    """Return the error that says that a task went to another."""
    return LeaseLost(
        f"task {held.task} is not held under number {held.fence} any more",
        hint="stop working on it: what is reported of it is not taken any more",
    )


class Fate(StrEnum):
    """What becomes of a task whose lease has run out."""

    WAITS_AGAIN = "waits again"  # in its queue: nothing of it has begun, or it is a run, which goes on where it stood
    LOST = "lost"  # it failed, and its run decides whether there is another attempt
    GIVEN_UP = "given up"  # it was lost too often


def fate(*, begun: bool, is_run: bool, lost: int) -> Fate:
    """Return what becomes of a task that was lost with its agent.

    Args:
        begun: Whether its process had been started.
        is_run: Whether it is a run of a pipeline; what that has done is recorded, and it can go on.
        lost: How often it was lost before.
    """
    if begun and not is_run:
        return Fate.LOST
    return Fate.WAITS_AGAIN if lost < MOST_LOST else Fate.GIVEN_UP
