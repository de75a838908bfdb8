"""Users, their keys and sessions, and the attempts to log in. Of secrets only digests come here."""

from __future__ import annotations

from penstock.core.access import Key, Kind, Scope, Session, User
from penstock.store.sql import Row, Value, Where, marks, reader, text
from penstock.store.sql import Session as Statements

_names = reader(tuple[str, ...])

_USER = "name, scope, projects, created, disabled, password IS NOT NULL"
_KEY = "id, owner, name, kind, scope, projects, queues, created, expires, used, revoked"


class SqlUsers:
    """The users."""

    def __init__(self, session: Statements) -> None:
        self._session = session

    def add(self, user: User, password: str | None) -> bool:
        """Add a user; return False, and change nothing, when there is one of this name."""
        added = self._session.run(
            """INSERT INTO users (name, scope, projects, created, disabled, password) VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT (name) DO NOTHING""",
            user.name,
            user.scope.value,
            text(user.projects),
            user.created,
            user.disabled,
            password,
        )
        return added.rowcount == 1

    def find(self, name: str) -> User | None:
        """Return the user, None when there is none of this name."""
        row = self._session.first(f"SELECT {_USER} FROM users WHERE name = ?", name)
        return None if row is None else _user(row)

    def password(self, name: str) -> str | None:
        """Return the hash of the user's password; None when there is no such user, or they have none."""
        row = self._session.first("SELECT password FROM users WHERE name = ?", name)
        return row[0] if row is not None else None

    def change(self, user: User, password: str | None) -> None:
        """Replace what is recorded of a user; without a new password they keep theirs."""
        self._session.change(
            f"user {user.name!r}",
            """UPDATE users SET scope = ?, projects = ?, disabled = ?, password = COALESCE(?, password)
                WHERE name = ?""",
            user.scope.value,
            text(user.projects),
            user.disabled,
            password,
            user.name,
        )

    def remove(self, name: str) -> None:
        """Remove a user with their keys and sessions."""
        self._session.run("DELETE FROM access_keys WHERE owner = ?", name)
        self._session.run("DELETE FROM sessions WHERE user_name = ?", name)
        self._session.change(f"user {name!r}", "DELETE FROM users WHERE name = ?", name)

    def list(self) -> list[User]:
        """Return the users by name."""
        return [_user(row) for row in self._session.rows(f"SELECT {_USER} FROM users ORDER BY name")]


class SqlKeys:
    """The keys."""

    def __init__(self, session: Statements) -> None:
        self._session = session

    def add(self, key: Key, digest: str) -> bool:
        """Add a key; return False, and change nothing, when there is one of this id."""
        values: tuple[Value, ...] = (*_row_of(key), digest)
        sql = f"INSERT INTO access_keys ({_KEY}, digest) VALUES ({marks(values)}) ON CONFLICT (id) DO NOTHING"
        return self._session.run(sql, *values).rowcount == 1

    def find(self, id: str) -> Key | None:
        """Return the key, None when there is none of this id."""
        row = self._session.first(f"SELECT {_KEY} FROM access_keys WHERE id = ?", id)
        return None if row is None else _key(row)

    def digest(self, id: str) -> str | None:
        """Return the digest of the key's text, None when there is no such key."""
        row = self._session.first("SELECT digest FROM access_keys WHERE id = ?", id)
        return row[0] if row is not None else None

    def revoke(self, id: str, now: float) -> None:
        """Refuse the key from now on."""
        sql = "UPDATE access_keys SET revoked = COALESCE(revoked, ?) WHERE id = ?"
        self._session.change(f"key {id}", sql, now, id)

    def use(self, id: str, now: float) -> None:
        """Note that the key was used."""
        self._session.run("UPDATE access_keys SET used = ? WHERE id = ?", now, id)

    def list(self, owner: str | None) -> list[Key]:
        """Return the keys, of one user when one is given, the newest first."""
        where = Where()
        where.equal("owner", owner)
        rows = self._session.rows(f"SELECT {_KEY} FROM access_keys {where} ORDER BY created DESC, id", *where.values)
        return [_key(row) for row in rows]


class SqlSessions:
    """The sessions of users."""

    def __init__(self, session: Statements) -> None:
        self._session = session

    def add(self, session: Session, digest: str) -> bool:
        """Add a session; return False, and change nothing, when there is one of this id."""
        added = self._session.run(
            """INSERT INTO sessions (id, user_name, created, seen, expires, digest) VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT (id) DO NOTHING""",
            session.id,
            session.user,
            session.created,
            session.seen,
            session.expires,
            digest,
        )
        return added.rowcount == 1

    def find(self, id: str) -> Session | None:
        """Return the session, None when there is none of this id."""
        sql = "SELECT id, user_name, created, seen, expires FROM sessions WHERE id = ?"
        row = self._session.first(sql, id)
        return None if row is None else Session(id=row[0], user=row[1], created=row[2], seen=row[3], expires=row[4])

    def digest(self, id: str) -> str | None:
        """Return the digest of the session's text, None when there is no such session."""
        row = self._session.first("SELECT digest FROM sessions WHERE id = ?", id)
        return row[0] if row is not None else None

    def use(self, id: str, now: float, expires: float) -> None:
        """Note that the session was used, and until when it lasts now."""
        self._session.run("UPDATE sessions SET seen = ?, expires = ? WHERE id = ?", now, expires, id)

    def end(self, id: str) -> None:
        """End the session, if it has not ended yet."""
        self._session.run("DELETE FROM sessions WHERE id = ?", id)

    def end_of(self, user: str, but: str | None = None) -> None:
        """End all sessions of a user, but for one where it is named."""
        self._session.run("DELETE FROM sessions WHERE user_name = ? AND id <> ?", user, but or "")

    def forget(self, now: float) -> None:
        """Forget the sessions that have expired."""
        self._session.run("DELETE FROM sessions WHERE expires <= ?", now)


class SqlLogIns:
    """The attempts to log in of the last minute, at doors: a name from an address, or an address."""

    def __init__(self, session: Statements) -> None:
        self._session = session

    def count(self, door: str) -> int:
        """Return how many attempts are known at a door."""
        row = self._session.first("SELECT COUNT(*) FROM log_ins WHERE door = ?", door)
        return int(row[0]) if row else 0

    def note(self, door: str, now: float) -> None:
        """Note an attempt."""
        self._session.run("INSERT INTO log_ins (door, at) VALUES (?, ?)", door, now)

    def forget(self, before: float, door: str | None = None) -> None:
        """Forget the attempts before a time, and all those at a door."""
        self._session.run("DELETE FROM log_ins WHERE at <= ? OR door = ?", before, door)


def _user(row: Row) -> User:
    return User(
        name=row[0],
        scope=Scope(row[1]),
        projects=_names(row[2]),
        created=row[3],
        disabled=row[4],
        has_password=bool(row[5]),
    )


def _row_of(key: Key) -> tuple[Value, ...]:
    return (
        key.id,
        key.owner,
        key.name,
        key.kind.value,
        key.scope.value,
        text(key.projects),
        text(key.queues),
        key.created,
        key.expires,
        key.used,
        key.revoked,
    )


def _key(row: Row) -> Key:
    return Key(
        id=row[0],
        owner=row[1],
        name=row[2],
        kind=Kind(row[3]),
        scope=Scope(row[4]),
        projects=_names(row[5]),
        queues=_names(row[6]),
        created=row[7],
        expires=row[8],
        used=row[9],
        revoked=row[10],
    )
