"""Operations of those who carry tasks out for others: claim, begin, renew, hand back."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct, field

from penstock.core.assignment import Assignment
from penstock.core.lease import SECONDS, Held
from penstock.core.task import Task, Worker
from penstock.ops.base import Op


class Claim(Struct, frozen=True, kw_only=True):
    """A task that was claimed.

    Args:
        held: What to show with each write.
        assignment: Of an attempt of a step, what it is given; None for every other task.
        resumed: Whether it is a run that was lost with its agent, and goes on.
        secrets: Whether it may need secrets, which `OpenSecrets` gives.
    """

    task: Task
    held: Held
    queue: str
    assignment: Assignment | None = None
    resumed: bool = False
    secrets: bool = False


class ClaimTask(Op[Claim | None], frozen=True, kw_only=True):
    """Claim the next task of the first of these queues that has one, or return None when none does.

    A task goes to one that claims, whatever happens meanwhile: claiming again with the same request returns the same
    claim for as long as it is held.

    Raises Conflict, also while it waits, when the agent is to leave.

    Args:
        agent: Name of the agent.
        queues: The queues in the order in which they are looked at; those that are not there are passed over. Empty for
            all of them, by name.
        request: A text that only this claim has.
        workers: How many tasks the agent carries out at once. Runs of pipelines do not count, and are claimed always;
            what it holds already counts as the leases say.
        seconds: How long the lease lasts unless it is renewed.
        wait: Seconds to wait for a task at the most; 0 answers at once.
        proof: SHA-256, in hexadecimal, of the text by which whoever carries the task out will be known to a server
            instead of by the agent's key; empty for none.
    """

    agent: str
    queues: tuple[str, ...]
    request: str
    workers: int = 1
    seconds: float = SECONDS
    wait: float = 0.0
    proof: str = ""
    in_turn: ClassVar[bool] = True


class BeginClaimed(Op[Task], frozen=True, kw_only=True):
    """Record that the process of a claimed task is being started; should it be lost from now on, it may have run.

    Raises LeaseLost when the task went to another.

    Args:
        worker: The process.
        seconds: How long the lease lasts from now on: an agent that has much to do may begin late.
        runtime: Facts that are kept with the task from now on.
    """

    held: Held
    worker: Worker
    seconds: float = SECONDS
    runtime: dict[str, str] = field(default_factory=dict[str, str])


class RenewLease(Op[None], frozen=True, kw_only=True):
    """Hold a claimed task for longer; raise LeaseLost, also while it waits, when it went to another or has ended.

    Args:
        seconds: How long the lease lasts from then on.
        wait: Seconds to wait before it is renewed.
    """

    held: Held
    seconds: float = SECONDS
    wait: float = 0.0
    durable: ClassVar[bool] = False


class HandBack(Op[None], frozen=True, kw_only=True):
    """Put a claimed task back into its queue, before all others of its priority.

    Without effect when it is not held any more. One whose process was started is handed back only when it is a run,
    which goes on from where it stood; raises Conflict for others.
    """

    held: Held


class ReleaseLease(Op[None], frozen=True, kw_only=True):
    """Let go of a claimed task: whoever carried it out has left.

    A run that has not ended waits again in its queue and goes on when it is claimed next, unless it was lost too often;
    anything else that has not ended failed.
    """

    held: Held


class EndLeases(Op[list[str]], frozen=True, kw_only=True):
    """Decide about the tasks whose lease has run out, and return their ids.

    What had not begun waits again in its queue, a run that had goes on from where it stood when it is claimed next,
    and everything else failed with its agent. A run that was carried out by the process of a task which has ended since
    is stopped.

    Args:
        tasks: Also these, whose process is known to be gone.
    """

    tasks: tuple[str, ...] = ()


class SpareLeases(Op[None], frozen=True, kw_only=True):
    """Let no lease run out for some time: whoever holds one could not renew it while the server was away.

    Args:
        seconds: For how long, from now on.
    """

    seconds: float = SECONDS


class ListHeld(Op[list[Claim]], frozen=True, kw_only=True):
    """Return the claims that are held, as the agent got them; without their assignments.

    Args:
        agent: Only those of this agent.
    """

    agent: str | None = None
    reads: ClassVar[bool] = True
