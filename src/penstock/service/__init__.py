"""What each operation does: one function an operation, `(tx, op, now) -> result`, one transaction a call.

No SQL, no HTTP, no clock: the store, the wire and the time come from outside.
"""

from __future__ import annotations

from penstock.service import (
    access,
    agents,
    audit,
    changes,
    claims,
    console,
    decisions,
    drafts,
    executions,
    growth,
    health,
    lifecycle,
    models,
    outputs,
    queues,
    reruns,
    runs,
    search,
    steps,
    tag_limits,
    tasks,
)
from penstock.service.base import Service

__all__ = [
    "Service",
    "access",
    "agents",
    "audit",
    "changes",
    "claims",
    "console",
    "decisions",
    "drafts",
    "executions",
    "growth",
    "health",
    "lifecycle",
    "models",
    "outputs",
    "queues",
    "reruns",
    "runs",
    "search",
    "steps",
    "tag_limits",
    "tasks",
]
