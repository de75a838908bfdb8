"""By what attempts are known to a server, and what they made. Of a token only its digest comes here."""

from __future__ import annotations

from penstock.core.access import AttemptToken
from penstock.store.sql import Row, Session

_COLUMNS = "task, fence, access_key"


class SqlTokens:
    """The tokens of attempts."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, token: AttemptToken, digest: str, now: float) -> None:
        """Add the token of a claim."""
        sql = "INSERT INTO attempt_tokens (fence, digest, task, access_key, made) VALUES (?, ?, ?, ?, ?)"
        self._session.run(sql, token.fence, digest, token.task, token.key, now)

    def find(self, fence: int) -> AttemptToken | None:
        """Return the token of a claim, None when it has none."""
        return _token(self._session.first(f"SELECT {_COLUMNS} FROM attempt_tokens WHERE fence = ?", fence))

    def of_digest(self, digest: str) -> AttemptToken | None:
        """Return the token of this digest, None when there is none."""
        return _token(self._session.first(f"SELECT {_COLUMNS} FROM attempt_tokens WHERE digest = ?", digest))

    def made(self, task: str, maker: str) -> None:
        """Note that an attempt made a task, unless one is known to have made it."""
        sql = "INSERT INTO made_by_attempts (task, maker) VALUES (?, ?) ON CONFLICT (task) DO NOTHING"
        self._session.run(sql, task, maker)

    def maker(self, task: str) -> str | None:
        """Return the attempt that made a task, None when none did."""
        row = self._session.first("SELECT maker FROM made_by_attempts WHERE task = ?", task)
        return None if row is None else str(row[0])

    def forget(self, before: float) -> None:
        """Forget the tokens from before a time in epoch seconds that nothing is held by, and makers of what is gone."""
        self._session.run(
            """DELETE FROM attempt_tokens WHERE made < ?
                AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.fence = attempt_tokens.fence)""",
            before,
        )
        self._session.run(
            "DELETE FROM made_by_attempts WHERE NOT EXISTS (SELECT 1 FROM tasks t WHERE t.id = made_by_attempts.task)"
        )


def _token(row: Row | None) -> AttemptToken | None:
    return None if row is None else AttemptToken(task=row[0], fence=row[1], key=row[2])
