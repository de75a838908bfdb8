"""The answers to requests that may come twice. It must never know what was asked for, or by whom."""

from __future__ import annotations

from penstock.store.sql import Session


class SqlRequests:
    """The requests."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def claim(self, key: str, digest: str, now: float) -> bool:
        """Note that a request is being carried out; return False when it was before.

        Who comes with the same key meanwhile waits for the end of this transaction.
        """
        statement = "INSERT INTO requests (key, digest, at, reply) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO NOTHING"
        return self._session.run(statement, key, digest, now, b"").rowcount == 1

    def answer(self, key: str, reply: bytes) -> None:
        """Keep what the request was answered."""
        self._session.run("UPDATE requests SET reply = ? WHERE key = ?", reply, key)

    def find(self, key: str) -> tuple[str, bytes] | None:
        """Return the digest and the answer of a request; None when it was never carried out."""
        row = self._session.first("SELECT digest, reply FROM requests WHERE key = ?", key)
        return None if row is None else (str(row[0]), bytes(row[1]))

    def forget(self, before: float) -> int:
        """Forget the requests from before a time in epoch seconds; return how many."""
        return self._session.run("DELETE FROM requests WHERE at < ?", before).rowcount
