"""Operations on agents: processes that claim tasks from queues and carry them out."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from penstock.core.lease import SECONDS
from penstock.core.task import Worker
from penstock.ops.base import Op


class Agent(Struct, frozen=True, kw_only=True):
    """An agent.

    Args:
        name: Unique among those that live.
        process: Its process.
        queues: The queues that it serves, in its order; empty for all of them.
        workers: How many tasks it carries out at once, not counting runs of pipelines.
        draining: Whether it claims nothing any more, and leaves when what it carries out has ended.
        why: Why it is to leave, in words.
        started: Epoch seconds.
        seen: Epoch seconds at which it was last heard of.
        tasks: Ids of the tasks that it holds.
        usage: What its machine uses, in percent: `cpu`, `memory`, `disk`; `gpu` and `gpu_memory` of all its GPUs.
    """

    name: str
    process: Worker
    queues: tuple[str, ...] = ()
    workers: int = 1
    draining: bool = False
    why: str = ""
    started: float = 0.0
    seen: float = 0.0
    tasks: tuple[str, ...] = ()
    usage: dict[str, float] = {}


class ReportAgent(Op[Agent], frozen=True, kw_only=True):
    """Say that an agent lives, and what it serves; return it as it is recorded.

    Raises Conflict when another process that lives has this name.

    Args:
        agent: What it is; what the system itself knows of it (`draining`, `why`, times, tasks) is not taken from here.
        seconds: For how long it is believed to live.
    """

    agent: Agent
    seconds: float = SECONDS
    durable: ClassVar[bool] = False


class ListAgents(Op[list[Agent]], frozen=True, kw_only=True):
    """Return the agents that live, by name."""

    reads: ClassVar[bool] = True


class DrainAgent(Op[Agent], frozen=True, kw_only=True):
    """Have an agent finish what it carries out, claim nothing more, and leave; or let it go on.

    Raises NotFound when no agent of this name lives.

    Args:
        why: Why, in words; the first reason stays.
    """

    name: str
    draining: bool = True
    why: str = ""


class ForgetAgent(Op[None], frozen=True, kw_only=True):
    """Say that an agent has left. What it holds and did not begin waits again a few seconds later."""

    name: str
