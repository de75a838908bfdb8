"""Who asks for something, and what they may: the words that every way to the service shares."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Scope(StrEnum):
    """What a key allows, from the least to the most; each allows what stands before it as well."""

    READ = "read"
    RUN = "run"
    WRITE = "write"
    ADMIN = "admin"


class Kind(StrEnum):
    """What sort of key somebody came with."""

    USER = "user"  # a person, by a session or a key of their own
    AGENT = "agent"  # claims tasks from its queues
    ATTEMPT = "attempt"  # one claimed task, for as long as it is claimed


class Identity(Struct, frozen=True, kw_only=True):
    """Who asks.

    Args:
        name: Of the user, the agent, or the task.
        kind: What sort of key they came with.
        scope: The most that the key allows.
        projects: The projects that it is for, each with those below it; empty for all of them.
        queues: Of an agent, the queues that it may serve; empty for all of them.
        task: Of an attempt, its task.
    """

    name: str
    kind: Kind = Kind.USER
    scope: Scope = Scope.READ
    projects: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    task: str | None = None

    def may(self, scope: Scope) -> bool:
        """Return whether the key allows this."""
        order = list(Scope)
        return order.index(scope) <= order.index(self.scope)
