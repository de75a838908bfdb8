"""What each operation does: one function an operation, `(tx, op, now) -> result`, one transaction a call.

No SQL, no HTTP, no clock: the store, the wire and the time come from outside.
"""

from __future__ import annotations

from penstock.service import (
    access,
    actions,
    agents,
    audit,
    changes,
    claims,
    comparison,
    console,
    decisions,
    drafts,
    executions,
    graphs,
    growth,
    health,
    launches,
    lifecycle,
    models,
    outputs,
    pipelines,
    queues,
    reruns,
    runs,
    search,
    steering,
    steps,
    tag_limits,
    tasks,
)
from penstock.service.base import Service

__all__ = [
    "Service",
    "access",
    "actions",
    "agents",
    "audit",
    "changes",
    "claims",
    "comparison",
    "console",
    "decisions",
    "drafts",
    "executions",
    "graphs",
    "growth",
    "health",
    "launches",
    "lifecycle",
    "models",
    "outputs",
    "pipelines",
    "queues",
    "reruns",
    "runs",
    "search",
    "steering",
    "steps",
    "tag_limits",
    "tasks",
]
