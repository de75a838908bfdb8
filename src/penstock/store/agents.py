"""The agents that are believed to live."""

from __future__ import annotations

from msgspec import Struct

from penstock.core.task import Worker
from penstock.ops.agents import Agent
from penstock.store.sql import Row, Session, reader, text, upsert

_COLUMNS = "process, queues, workers, draining, started, seen, ends, details"
_ADD = upsert("agents", "name", _COLUMNS)


class _Details(Struct, frozen=True):
    """What is only shown of an agent."""

    usage: dict[str, float] = {}
    why: str = ""


_process = reader(Worker)
_queues = reader(tuple[str, ...])
_details = reader(_Details)


class SqlAgents:
    """The agents."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, agent: Agent, ends: float) -> None:
        """Record an agent that is believed to live until then, in epoch seconds."""
        self._session.run(
            _ADD,
            agent.name,
            text(agent.process),
            text(agent.queues),
            agent.workers,
            int(agent.draining),
            agent.started,
            agent.seen,
            ends,
            text(_Details(agent.usage, agent.why)),
        )

    def find(self, name: str, now: float) -> Agent | None:
        """Return the agent of this name that lives at this moment, None when there is none."""
        rows = self._session.rows(f"SELECT name, {_COLUMNS} FROM agents WHERE name = ? AND ends > ?", name, now)
        return _agent_of(rows[0]) if rows else None

    def list(self, now: float) -> list[Agent]:
        """Return the agents that live at this moment, by name."""
        rows = self._session.rows(f"SELECT name, {_COLUMNS} FROM agents WHERE ends > ? ORDER BY name", now)
        return [_agent_of(row) for row in rows]

    def remove(self, name: str) -> None:
        """Forget an agent."""
        self._session.run("DELETE FROM agents WHERE name = ?", name)


def _agent_of(row: Row) -> Agent:
    name, process, queues, workers, draining, started, seen, _, details = row
    shown = _details(details)
    return Agent(
        name=name,
        process=_process(process),
        queues=_queues(queues),
        workers=workers,
        draining=bool(draining),
        started=started,
        seen=seen,
        usage=shown.usage,
        why=shown.why,
    )
