"""Whether the database is whole, as it says itself."""

from __future__ import annotations

from penstock.ops.health import Health
from penstock.store.sql import Session


class SqlHealth:
    """The state of the database."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def check(self) -> Health:
        """Return its version and what its own check finds."""
        newest = self._session.first("SELECT MAX(number) FROM schema_migrations")
        found = self._session.rows(self._session.dialect.check) if self._session.dialect.check else []
        problems = tuple(str(row[0]) for row in found if row[0] != "ok")
        return Health(version=newest[0] if newest else 0, problems=problems)
