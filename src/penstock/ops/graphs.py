"""Operations on the graph of a run: every step with its edges, how it stands and why, in one answer."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from penstock.core.progress import StepStatus
from penstock.core.run import Run
from penstock.ops.base import Op


class Why(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a step, or a run, stands as it does.

    Args:
        text: A sentence for people.
        steps: The steps that it waits for, or in which the cause lies.
        run: The run that it was reused from.
        name: The name of that run.
        help: The command that helps, where one does.
    """

    text: str = ""
    steps: tuple[str, ...] = ()
    run: str = ""
    name: str = ""
    help: str = ""


class Try(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An attempt of a step before its latest one.

    Args:
        started, ended: Epoch seconds.
        message: How it ended, in a line.
    """

    attempt: int
    task: str
    status: str
    started: float | None = None
    ended: float | None = None
    message: str = ""


class GraphStep(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A step of the graph.

    Args:
        parents: Where its parents stand in the list of steps, counted from 0.
        code: Steps that run the same code have the same number here.
        attempt: Number of the latest try; 0 before the first.
        task: Its task.
        started, ended: Epoch seconds of the latest try.
        queue: Where it waits or waited; None where it goes to no queue.
        since: Epoch seconds at which it came there, while it waits.
        agent: The agent that carries it out.
        tries: The attempts before the latest one, oldest first.
    """

    name: str
    status: StepStatus
    parents: tuple[int, ...] = ()
    code: int = 0
    stage: str | None = None
    attempt: int = 0
    task: str | None = None
    started: float | None = None
    ended: float | None = None
    queue: str | None = None
    since: float | None = None
    agent: str | None = None
    why: Why = Why()
    tries: tuple[Try, ...] = ()


class RunGraph(Struct, frozen=True, kw_only=True):
    """The graph of a run.

    Args:
        run: The run, without its script.
        why: Why it stands as it does.
        steps: In the order in which they were added, before the run starts as well.
        seq: Number of the last change that is in here.
    """

    run: Run
    why: Why
    steps: tuple[GraphStep, ...]
    seq: int


class GetGraph(Op[RunGraph], frozen=True, kw_only=True):
    """Return the graph of a run, or of a draft whose steps are known."""

    id: str
    reads: ClassVar[bool] = True
