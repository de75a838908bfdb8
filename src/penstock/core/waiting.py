"""Why something that waits in a queue goes on waiting, and what helps, in sentences for people.

It must never know who asks, or where queues are kept.
"""

from __future__ import annotations

from shlex import quote


def unserved(queue: str) -> str:
    """Return the sentence which says that no agent claims from a queue, and what helps."""
    return f"no agent serves queue {queue!r}; start one with: {agent_command(queue)}"


def paused(queue: str) -> str:
    """Return the sentence which says that nothing is claimed from a queue for now, and what helps."""
    return f"queue {queue!r} is paused; let it go on with: penstock queue resume {quote(queue)}"


def agent_command(queue: str) -> str:
    """Return the command that starts an agent for a queue."""
    return f"penstock agent --queue {quote(queue)}"
