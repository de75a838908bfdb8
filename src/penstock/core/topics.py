"""Topics: what a change is about, and what somebody waits for. Only those are woken whom a change concerns.

A topic is a kind and a name. Most are for everybody who waits for them. A *shared* one is about something that one of
them can have: it wakes one at a time, who passes it on when it could not use it.
"""

from __future__ import annotations

from typing import Final

from penstock.core.run import Change, ChangeKind
from penstock.core.task import ENDED, Status

Topic = tuple[str, str]
Topics = frozenset[Topic]

EVERYTHING: Final[Topic] = ("everything", "")
RELEASED: Final[Topic] = ("released", "")
"""A task that was held is not held any more: who waits for a limit may go on."""

LIMITS: Final[Topic] = ("limits", "")
"""How many tasks with a tag may run at once."""

ANY: Final = ""
"""Stands for the name of every queue."""

_STEP, _RUN = "queued", "queued run"
_SHARED: Final = frozenset({_STEP, _RUN, RELEASED[0]})


def of_task(task: str) -> Topic:
    """Return the topic of a task."""
    return "task", task


def of_run(run: str | None) -> Topic:
    """Return the topic of a run and its attempts; without one, of everything."""
    return EVERYTHING if run is None else ("run", run)


def of_agent(name: str) -> Topic:
    """Return the topic of an agent: it was told to leave, say."""
    return "agent", name


def of_queue(name: str) -> Topic:
    """Return the topic of a queue itself: it goes on after a pause, say."""
    return "queue", name


def queued_in(queue: str, *, runs: bool) -> Topic:
    """Return the topic of what begins to wait in a queue.

    Args:
        runs: Of the runs of pipelines, which take no slot of an agent; else of everything else.
    """
    return (_RUN if runs else _STEP), queue


def is_shared(topic: Topic) -> bool:
    """Return whether a topic wakes one at a time."""
    return topic[0] in _SHARED


def topics_of(change: Change) -> tuple[Topic, ...]:
    """Return what a change is about."""
    found: list[Topic] = [EVERYTHING]
    if change.task:
        found.append(of_task(change.task))
    if change.run is not None:
        found.append(of_run(change.run))
    match change.kind:
        case ChangeKind.QUEUE:
            found += [of_queue(change.place), of_queue(ANY)]
        case ChangeKind.AGENT:
            found.append(of_agent(change.place))
        case ChangeKind.LIMIT:
            found.append(LIMITS)
        case ChangeKind.STATUS:
            found += _of_status(change)
        case _:
            pass
    return tuple(found)


def _of_status(change: Change) -> list[Topic]:
    if change.status == Status.QUEUED:
        runs = change.run == change.task
        return [queued_in(change.place, runs=runs), queued_in(ANY, runs=runs), RELEASED]
    return [RELEASED] if change.status in ENDED else []
