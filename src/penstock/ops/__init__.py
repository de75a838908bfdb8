"""Every call to the system, as data: one frozen struct an operation, a file a noun.

SDK, command line and server speak to the system through these and through nothing else.
"""

from __future__ import annotations

from penstock.ops import (
    access,
    actions,
    agents,
    audit,
    changes,
    claims,
    comparison,
    console,
    decisions,
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

__all__ = [
    "access",
    "actions",
    "agents",
    "audit",
    "changes",
    "claims",
    "comparison",
    "console",
    "decisions",
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
